//! The headers that every page has.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue};
use zalt_http::RequestAuth;

use super::state::Pages;

/// Adds them. A handler that sets one itself keeps it.
pub(super) async fn secure(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let auth = request.extensions().get::<RequestAuth>().cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut add = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    add(CONTENT_SECURITY_POLICY, pages.policy().clone());
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Pages hold personal data and form tokens.
        (CACHE_CONTROL, "no-store"),
        // Within this origin only. Pages whose address holds a secret set `no-referrer`, which not every page can: with it
        // browsers say `Origin: null` when a form is sent.
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        add(name, HeaderValue::from_static(value));
    }
    if pages.is_secure() {
        let value = if pages.http().config().hsts_include_subdomains {
            "max-age=31536000; includeSubDomains"
        } else {
            "max-age=31536000"
        };
        add(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(value));
    }
    if let Some(id) = auth.as_ref().and_then(RequestAuth::request_id)
        && let Ok(id) = HeaderValue::from_str(id)
    {
        add(HeaderName::from_static("x-request-id"), id);
    }
    response
}
