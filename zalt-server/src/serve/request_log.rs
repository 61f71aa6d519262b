//! One line of the log for each request.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use zalt_http::RequestAuth;

use crate::pages::KnownUser;

/// Writes the line. It never holds the query: links in mails carry their secret there.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = match request.extensions().get::<MatchedPath>() {
        // The API routes on its own; its paths hold ids and never a secret.
        Some(matched) if matched.as_str().ends_with("/{*rest}") => request.uri().path(),
        Some(matched) => matched.as_str(),
        None => "-",
    };
    let path = path.to_owned();
    let auth = request.extensions().get::<RequestAuth>().cloned();
    let response = next.run(request).await;
    let user = response
        .extensions()
        .get::<KnownUser>()
        .map(|known| known.0)
        .or_else(|| Some(auth.as_ref()?.known()?.user().id));
    let request_id = auth.as_ref().and_then(RequestAuth::request_id);
    let ip = auth.as_ref().and_then(|auth| auth.context().ip());
    let status = response.status().as_u16();
    let duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(
        target: "zalt_server::request",
        %method,
        path,
        status,
        duration_us,
        request_id = request_id.map(|id| &**id),
        user = user.map(tracing::field::display),
        ip = ip.map(tracing::field::display),
        "request"
    );
    response
}
