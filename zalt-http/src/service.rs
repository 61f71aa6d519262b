use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::MatchedPath;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ALLOW, ORIGIN, WWW_AUTHENTICATE};
use http::{Extensions, HeaderValue, Request, StatusCode};
use tower::{BoxError, Service, ServiceExt};
use tracing::Instrument;
use zalt_core::{ErrorCode, Zalt};

use crate::api;
use crate::auth::RequestAuth;
use crate::config::HttpConfig;
use crate::headers;
use crate::http_zalt::ZaltHttp;
use crate::problem::{ApiError, Problem};
use crate::request_id::X_REQUEST_ID;

/// Every endpoint as one service over http types. Clones share everything.
///
/// Whatever happens to a request, whichever path it names, happens in this order: its id and client are found out, its
/// origin is checked, it is routed. So no spelling of a path leads past a check; the one path that other sites may post to is
/// known by its exact spelling.
#[derive(Clone)]
pub struct ZaltService {
    http: ZaltHttp,
    routes: Router,
}

/// The endpoints of `zalt` as a router: what [`ZaltHttp::router`] makes.
pub fn router(zalt: Zalt, config: HttpConfig) -> Router {
    ZaltHttp::new(zalt, config).router()
}

impl ZaltService {
    pub(crate) const fn new(http: ZaltHttp, routes: Router) -> Self {
        Self { http, routes }
    }

    /// The application that it serves.
    pub const fn http(&self) -> &ZaltHttp {
        &self.http
    }
}

impl fmt::Debug for ZaltService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZaltService")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for ZaltService
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let auth = self.http.prepare(&mut parts);
        // A host's router leaves the parameters of its own route behind, which ours would take for theirs.
        parts.extensions = Extensions::new();
        parts.extensions.insert(auth.context().clone());
        parts.extensions.insert(auth.clone());
        // What core logs on the way carries the id too.
        let span = tracing::error_span!("zalt", request_id = auth.request_id().map(|id| &**id));
        let request = Request::from_parts(parts, Body::new(body));
        let respond = respond(self.http.clone(), self.routes.clone(), auth, request);
        Box::pin(async move { Ok(respond.instrument(span).await) })
    }
}

/// Which endpoint answered, in the extensions of a response of [`ZaltService`]: the path as it is documented, with names in
/// the place of ids, such as `/v1/client/sign-ins/{id}`. For counting responses by a bounded number of names.
#[derive(Debug, Clone)]
pub struct MatchedRoute(pub(crate) MatchedPath);

impl MatchedRoute {
    /// The documented path.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The paths of the service, as routes that leave a host's own alone.
pub(crate) fn mounted(service: &ZaltService) -> Router {
    [
        "/v1/client",
        "/v1/client/",
        "/v1/client/{*rest}",
        "/.well-known/jwks.json",
        "/.well-known/webauthn",
        "/openapi.json",
    ]
    .into_iter()
    .fold(Router::new(), |router, path| {
        router.route_service(path, service.clone())
    })
}

pub(crate) fn cross_origin() -> Problem {
    Problem::new(
        ErrorCode::CrossOrigin,
        "the request does not come from a page of this server: open it at its own address, or allow the page's origin; \
         a program sends its body as application/json",
    )
}

async fn respond(
    http: ZaltHttp,
    routes: Router,
    auth: RequestAuth,
    request: Request<Body>,
) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let (method, path) = (request.method(), request.uri().path());
    let form_post = api::is_form_post(method, path, request.headers());
    let mut response =
        if let Some(preflight) = headers::preflight(&http, request.method(), request.headers()) {
            preflight
        } else if auth.is_cross_origin() && !form_post {
            axum::response::IntoResponse::into_response(ApiError::from(cross_origin()))
        } else {
            match routes.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        };
    render(&mut response, auth.request_id());
    headers::secure(&http, response.headers_mut());
    headers::cors(&http, origin.as_ref(), response.headers_mut());
    if let Some(id) = auth.request_id()
        && let Ok(id) = HeaderValue::from_str(id)
    {
        response.headers_mut().insert(&X_REQUEST_ID, id);
    }
    response
}

/// Gives an error its body, and the log what the body must not say.
fn render(response: &mut Response, request_id: Option<&Arc<str>>) {
    let Some(error) = response
        .extensions_mut()
        .remove::<ApiError>()
        .or_else(|| unrouted(response.status()))
    else {
        return;
    };
    if let Some(cause) = &error.cause {
        let cause: &dyn std::error::Error = &**cause;
        tracing::error!(
            error = cause,
            cause = cause.source(),
            code = error.problem.code().as_str(),
            "a request failed"
        );
    }
    let allow = response.headers().get(ALLOW).cloned();
    let mut rendered = error.problem.with_request_id(request_id).to_response();
    if let Some(allow) = allow {
        rendered.headers_mut().insert(ALLOW, allow);
    }
    if let Some(challenge) = error.challenge {
        rendered.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(route) = response.extensions_mut().remove::<MatchedRoute>() {
        rendered.extensions_mut().insert(route);
    }
    *response = rendered.map(Body::from);
}

/// The problem behind a reply that no endpoint made.
fn unrouted(status: StatusCode) -> Option<ApiError> {
    match status {
        StatusCode::NOT_FOUND => Some(ApiError::new(
            ErrorCode::NotFound,
            "there is nothing at this path",
        )),
        StatusCode::METHOD_NOT_ALLOWED => Some(ApiError::new(
            ErrorCode::MethodNotAllowed,
            "the path is not used with this method",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;

    use axum::response::IntoResponse;
    use futures_executor::block_on;
    use http_body_util::BodyExt;
    use zalt_core::Error;
    use zalt_core::store::{StoreError, StoreErrorKind};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_the_store_said_is_in_the_log_under_the_id_and_not_in_the_reply() {
        for (kind, status, retry_after) in [
            (StoreErrorKind::Busy, 503, Some("1")),
            (StoreErrorKind::Full, 503, None),
            (StoreErrorKind::Corrupt, 503, None),
        ] {
            let log = Log::default();
            let written = log.clone();
            let subscriber = tracing_subscriber::fmt()
                .with_writer(move || log.clone())
                .with_ansi(false)
                .finish();
            let error = StoreError::with_source(kind, "near zalt_sessions: syntax error");
            let mut response = ApiError::from(Error::from(error)).into_response();
            tracing::subscriber::with_default(subscriber, || {
                let span = tracing::error_span!("zalt", request_id = "the-id");
                span.in_scope(|| render(&mut response, Some(&"the-id".into())));
            });
            assert_eq!(response.status(), status);
            let header = response.headers().get("retry-after");
            assert_eq!(header.map(|value| value.to_str().unwrap()), retry_after);
            let body = block_on(response.into_body().collect()).unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(!body.contains("zalt_sessions"), "{body}");
            assert!(body.contains("the-id"), "{body}");
            let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
            assert!(
                log.contains("the-id") && log.contains("zalt_sessions"),
                "{log}"
            );
        }
    }
}
