//! What others need: the keys that check access tokens, and the description of the API.

use axum::Json as Reply;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::endpoints::Endpoints;
use zalt_core::config::{FirstFactor, SecondFactor};
use zalt_core::jwt::JwkSet;

use super::call::Call;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::ConnectionView;

pub(super) fn routes<E: Endpoints>(endpoints: E) -> E {
    endpoints
        .routes(routes!(settings))
        .routes(routes!(jwks))
        .routes(routes!(webauthn))
        .routes(routes!(open_api))
}

/// Keys are published a day before they sign by default, so minutes in a cache do no harm.
const CACHED: (HeaderName, HeaderValue) = (
    CACHE_CONTROL,
    HeaderValue::from_static("public, max-age=300"),
);

errors!(DiscoveryErrors: []);

/// What a front end has to know to offer what works. The same for everybody.
#[derive(Serialize, ToSchema)]
struct SettingsView {
    /// The name that people read.
    #[schema(example = "Acme")]
    application_name: String,
    /// The ways to begin a sign-in, in the order in which to offer them.
    #[schema(example = json!(["password", "email_code", "email_link"]))]
    first_factors: Vec<&'static str>,
    second_factors: SecondFactorsView,
    /// For how many seconds somebody may have a device stand in for the second factor; null for not at all.
    #[schema(example = 2_592_000)]
    trusted_devices: Option<u64>,
    sign_up: SignUpSettingsView,
    /// The providers that people may sign in with, in the order in which to offer them.
    connections: Vec<ConnectionView>,
}

#[derive(Serialize, ToSchema)]
struct SecondFactorsView {
    /// `disabled`, `optional` or `required`.
    #[schema(example = "optional")]
    policy: &'static str,
    /// The kinds that may be set up, the strongest first. Recovery codes go with each.
    #[schema(example = json!(["totp"]))]
    methods: Vec<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct SignUpSettingsView {
    /// Whether new accounts are accepted.
    #[schema(example = true)]
    open: bool,
    /// Whether a new account needs a password.
    #[schema(example = true)]
    password_required: bool,
}

/// What the application allows
#[utoipa::path(
    get, path = "/v1/client/settings", operation_id = "get_settings", tag = "discovery",
    responses((status = 200, description = "The settings", body = SettingsView), DiscoveryErrors)
)]
async fn settings(call: Call) -> Result<Reply<SettingsView>, ApiError> {
    let usable = call.zalt().connections().usable().await?;
    let config = call.zalt().config();
    let factors = config.first_factors.iter();
    let methods = config.second_factors.methods.iter();
    Ok(Reply(SettingsView {
        application_name: config.application_name.clone(),
        first_factors: factors.map(FirstFactor::as_str).collect(),
        second_factors: SecondFactorsView {
            policy: config.second_factors.policy.as_str(),
            methods: methods.map(SecondFactor::as_str).collect(),
        },
        trusted_devices: config.trusted_devices.map(|lifetime| lifetime.as_secs()),
        sign_up: SignUpSettingsView {
            open: config.sign_up.open,
            password_required: config.needs_password(),
        },
        connections: usable.iter().filter_map(ConnectionView::of).collect(),
    }))
}

/// The public keys of access tokens (RFC 7517)
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "get_jwks", tag = "discovery",
    responses((status = 200, description = "The keys", body = Object, example = json!({ "keys": [] })), DiscoveryErrors)
)]
async fn jwks(call: Call) -> ([(HeaderName, HeaderValue); 1], Reply<JwkSet>) {
    ([CACHED], Reply(call.zalt().access_tokens().key_set()))
}

/// The origins that may ask for passkeys of this domain (Web Authentication Level 3, section 5.11).
#[derive(Serialize, ToSchema)]
struct RelatedOriginsView {
    #[schema(example = json!(["https://app.example.org"]))]
    origins: Vec<String>,
}

/// The origins of other domains that may use the same passkeys
///
/// Browsers ask the domain that the passkeys belong to.
#[utoipa::path(
    get, path = "/.well-known/webauthn", operation_id = "get_related_origins", tag = "discovery",
    responses((status = 200, description = "The origins", body = RelatedOriginsView), DiscoveryErrors)
)]
async fn webauthn(call: Call) -> ([(HeaderName, HeaderValue); 1], Reply<RelatedOriginsView>) {
    let origins = call.zalt().config().passkeys.related_origins.clone();
    ([CACHED], Reply(RelatedOriginsView { origins }))
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
