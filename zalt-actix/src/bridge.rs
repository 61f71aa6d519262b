//! Between actix-web's request and response and those of the `http` crate, of which actix-web has an older version.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use zalt_http::PeerAddr;

use crate::ZaltActix;

/// Answers a request by the endpoints of `zalt-http`.
pub(crate) async fn respond(
    zalt: Data<ZaltActix>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let Some(parts) = parts(&request) else {
        return HttpResponse::BadRequest().finish();
    };
    let Some(body) = read(payload, zalt.http().config().max_body_bytes).await else {
        return HttpResponse::BadRequest().finish();
    };
    let request = Request::from_parts(parts, Full::new(body));
    let response = match zalt.service().clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return HttpResponse::InternalServerError().finish();
    };
    with_head(&head.status, &head.headers).body(body.to_bytes())
}

/// A reply with this status and these headers, still without a body.
pub(crate) fn with_head(status: &StatusCode, headers: &http::HeaderMap) -> HttpResponseBuilder {
    let status = actix_web::http::StatusCode::from_u16(status.as_u16())
        .unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    response
}

/// The head of a request, or `None` where the versions disagree about what one may be.
pub(crate) fn parts(request: &HttpRequest) -> Option<Parts> {
    let mut built = Request::builder()
        .method(Method::from_bytes(request.method().as_str().as_bytes()).ok()?)
        .uri(request.uri().to_string().parse::<Uri>().ok()?)
        .body(())
        .ok()?;
    for (name, value) in request.headers() {
        built.headers_mut().append(
            HeaderName::from_bytes(name.as_str().as_bytes()).ok()?,
            HeaderValue::from_bytes(value.as_bytes()).ok()?,
        );
    }
    if let Some(peer) = request.peer_addr() {
        built.extensions_mut().insert(PeerAddr(peer));
    }
    Some(built.into_parts().0)
}

/// The body, cut one byte past the limit: the service refuses it for its length, and no more of it is ever held.
async fn read(mut payload: Payload, limit: usize) -> Option<Bytes> {
    let mut body = BytesMut::new();
    while body.len() <= limit {
        match payload.next().await {
            Some(Ok(chunk)) => body.extend_from_slice(&chunk),
            Some(Err(_)) => return None,
            None => break,
        }
    }
    body.truncate(limit.saturating_add(1));
    Some(body.freeze())
}
