//! The files that pages load.

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::pages::assets::CACHE_CONTROL as FOR_EVER;
use crate::pages::state::Pages;

pub(super) fn router() -> Router<Pages> {
    Router::new()
        .route("/assets/{name}", get(serve))
        .route("/favicon.ico", get(favicon))
}

async fn serve(
    State(pages): State<Pages>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let Some(asset) = pages.assets().find(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == asset.etag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        asset.bytes.clone().into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        headers.insert(ETAG, etag);
    }
    response
}

/// Browsers ask for it by themselves where a reply is no page.
async fn favicon(State(pages): State<Pages>) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    if let Ok(icon) = HeaderValue::from_str(pages.assets().icon()) {
        response.headers_mut().insert(LOCATION, icon);
    }
    response
}
