//! Counts each request.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use tokio::time::Instant;
use zalt_http::MatchedRoute;

/// What stands for a path that nothing answers to. Strangers choose those, and each would be a name of its own.
const UNMATCHED: &str = "-";

/// Counts the request by the route that answered it, never by its path.
pub(super) async fn count(request: Request, next: Next) -> Response {
    let in_flight = InFlight::one();
    let began = Instant::now();
    let method = method(request.method());
    let page = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    // The API is one route for us, and says itself which of its own it was.
    let route = match (response.extensions().get::<MatchedRoute>(), &page) {
        (Some(route), _) => route.as_str(),
        (None, Some(page)) if !page.as_str().ends_with("/{*rest}") => page.as_str(),
        (None, _) => UNMATCHED,
    };
    let route = route.to_owned();
    metrics::counter!(
        "zalt_http_requests_total",
        "method" => method,
        "route" => route.clone(),
        "status" => response.status().as_str().to_owned(),
    )
    .increment(1);
    metrics::histogram!("zalt_http_request_duration_seconds", "route" => route)
        .record(began.elapsed());
    drop(in_flight);
    response
}

/// Methods that somebody made up are one.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counted down however the request ends, also when its client goes away.
struct InFlight(metrics::Gauge);

impl InFlight {
    fn one() -> Self {
        let gauge = metrics::gauge!("zalt_http_requests_in_flight");
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
