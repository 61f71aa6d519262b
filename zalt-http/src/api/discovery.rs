//! What others need: the keys that check access tokens, and the description of the API.

use axum::Json as Reply;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zalt_core::jwt::JwkSet;

use super::call::Call;
use crate::http_zalt::ZaltHttp;
use crate::openapi::errors;

pub(super) fn routes() -> OpenApiRouter<ZaltHttp> {
    OpenApiRouter::new()
        .routes(routes!(jwks))
        .routes(routes!(open_api))
}

/// Keys are published a day before they sign by default, so minutes in a cache do no harm.
const CACHED: (HeaderName, HeaderValue) = (
    CACHE_CONTROL,
    HeaderValue::from_static("public, max-age=300"),
);

errors!(DiscoveryErrors: []);

/// The public keys of access tokens (RFC 7517)
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "get_jwks", tag = "discovery",
    responses((status = 200, description = "The keys", body = Object, example = json!({ "keys": [] })), DiscoveryErrors)
)]
async fn jwks(call: Call) -> ([(HeaderName, HeaderValue); 1], Reply<JwkSet>) {
    ([CACHED], Reply(call.zalt().access_tokens().key_set()))
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_open_api", tag = "discovery",
    responses((status = 200, description = "OpenAPI 3.1", body = Object), DiscoveryErrors)
)]
async fn open_api(call: Call) -> ([(HeaderName, HeaderValue); 2], Bytes) {
    let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([CACHED, json], call.http.open_api().clone())
}
