//! What tells a supervisor how the server is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::storage::{Availability, Part};

/// The state of the server. It says which parts are missing and nothing of why, which is in the log.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<Part>,
}

/// `GET /healthz`: the process answers.
pub(super) async fn healthz() -> Response {
    reply(StatusCode::OK, "ok", Vec::new())
}

/// `GET /readyz`: whether requests can be answered, and what is missing.
pub(super) async fn readyz(State(availability): State<Arc<Availability>>) -> Response {
    let found = availability.check().await;
    let (code, status) = match (found.serves, found.missing.is_empty()) {
        (true, true) => (StatusCode::OK, "ready"),
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    reply(code, status, found.missing)
}

fn reply(code: StatusCode, status: &'static str, missing: Vec<Part>) -> Response {
    let mut response = (code, Json(Health { status, missing })).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
