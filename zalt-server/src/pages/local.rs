//! The names of this very machine.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

use super::state::Pages;

const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Leads whoever opens a server on their own machine by another of its names to the base URL: to a browser they are
/// different places, and a form of one is refused at the other.
pub(super) async fn lead_to_base_url(
    State(pages): State<Pages>,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let base = pages.zalt().base_url();
    if !reads || !is_other_name(base, request.headers()) {
        return next.run(request).await;
    }
    let base = base.as_str().trim_end_matches('/');
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    match HeaderValue::try_from(format!("{base}{path}")) {
        Ok(location) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
        Err(_) => next.run(request).await,
    }
}

/// Whether the request is for this machine by a name that the base URL does not have.
fn is_other_name(base: &Url, headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let (name, port) = name_and_port(host);
    // Core takes plain http for this machine alone.
    base.scheme() == "http"
        && port
            == base
                .port_or_known_default()
                .map(|port| port.to_string())
                .as_deref()
        && base.host_str() != Some(name)
        && is_local_name(name)
}

/// Whether a `Host` is the base URL's or a name of this machine.
pub(super) fn is_known(base: &Url, host: &str) -> bool {
    let (name, _) = name_and_port(host);
    base.host_str() == Some(name) || is_local_name(name)
}

fn is_local_name(name: &str) -> bool {
    NAMES.contains(&name)
}

fn name_and_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, Some("80")),
    }
}
