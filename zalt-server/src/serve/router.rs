//! Everything that the server answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use zalt_core::ErrorCode;
use zalt_http::{Problem, RequestAuth, ZaltHttp};

use super::{health, request_log, request_metrics};
use crate::pages::{self, Pages, REQUEST_TIMEOUT};
use crate::storage::Availability;

/// `counted` says whether anybody asks for metrics.
pub(super) fn router(
    http: &ZaltHttp,
    pages: &Pages,
    availability: &Arc<Availability>,
    counted: bool,
) -> Router {
    let health = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .with_state(availability.clone());
    let mut answered = Router::new()
        .merge(pages::router(pages))
        .merge(http.router().layer(middleware::from_fn(time_out)))
        .layer(middleware::from_fn(request_log::log));
    if counted {
        answered = answered.layer(middleware::from_fn(request_metrics::count));
    }
    answered
        // Outermost: from here on each request has an id and a client.
        .layer(http.layer())
        // Supervisors ask often, and what they hear is no event.
        .merge(health)
}

/// Ends a request whose body does not come, or whose work does not end.
async fn time_out(request: Request, next: Next) -> Response {
    let auth = request.extensions().get::<RequestAuth>().cloned();
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(ErrorCode::Unavailable, "the request took too long")
            .with_request_id(auth.as_ref().and_then(RequestAuth::request_id))
            .into_response(),
    }
}
