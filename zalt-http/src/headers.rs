//! The headers that every reply of the API has, and the few that pages of other origins need (CORS).

use axum::body::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::http_zalt::ZaltHttp;

/// Nothing of the API may be framed, sniffed or, unless its endpoint says otherwise, be a page or stored.
pub(crate) fn secure(http: &ZaltHttp, headers: &mut HeaderMap) {
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if http.zalt().base_url().scheme() == "https" {
        let value = if http.config().hsts_include_subdomains {
            "max-age=31536000; includeSubDomains"
        } else {
            "max-age=31536000"
        };
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(value));
    }
}

/// Lets pages of an allowed origin read the reply. Nobody else gets a header: the browser keeps it from them.
pub(crate) fn cors(http: &ZaltHttp, origin: Option<&HeaderValue>, response: &mut HeaderMap) {
    if !http.origins().any_allowed() {
        return;
    }
    // A cache must not give one origin's permission to another.
    response.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed(http, origin) {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        response.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("retry-after, x-request-id"),
        );
    }
}

/// The answer to a browser that asks beforehand whether a page of another origin may send a request.
pub(crate) fn preflight(
    http: &ZaltHttp,
    method: &Method,
    request: &HeaderMap,
) -> Option<Response<Body>> {
    if *method != Method::OPTIONS || !request.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    allowed(http, request.get(ORIGIN))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE"),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, zalt-attempt"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(response)
}

fn allowed<'h>(http: &ZaltHttp, origin: Option<&'h HeaderValue>) -> Option<&'h HeaderValue> {
    origin.filter(|origin| {
        origin
            .to_str()
            .is_ok_and(|origin| http.origins().is_allowed(origin))
    })
}
