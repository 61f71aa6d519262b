//! What tells a supervisor how the server is.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use zalt_core::{ReadinessError, Zalt};

/// The state of the server. It says which part is missing and nothing of why, which is in the log.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'static str>,
}

/// `GET /healthz`: the process answers.
pub(super) async fn healthz() -> Response {
    reply(StatusCode::OK, "ok", None)
}

/// `GET /readyz`: the store and the worker do their work.
pub(super) async fn readyz(State(zalt): State<Zalt>) -> Response {
    match zalt.ready().await {
        Ok(()) => reply(StatusCode::OK, "ready", None),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
            let missing = match error {
                ReadinessError::Worker => "worker",
                _ => "store",
            };
            reply(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                Some(missing),
            )
        }
    }
}

fn reply(code: StatusCode, status: &'static str, missing: Option<&'static str>) -> Response {
    let mut response = (code, Json(Health { status, missing })).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
