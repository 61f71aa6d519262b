//! What stands in place of a page that could not be shown.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::header::{ACCEPT, ALLOW, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use zalt_core::{Error, ErrorCode};
use zalt_http::cookie::CookieKind;
use zalt_http::{AuthRejection, AuthRejectionReason, Problem, RequestAuth};

use super::flash::Flash;
use super::paths;
use super::return_to::ReturnTo;
use super::state::Pages;
use super::views::{ErrorKind, ErrorView};
use super::visit::{Visit, path_with_return};

/// Why a handler shows no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Core(#[from] Error),
    #[error(transparent)]
    Auth(#[from] AuthRejection),
    #[error("there is no such page")]
    NotFound,
    #[error("the page is not used with this method")]
    MethodNotAllowed,
    #[error("the form can't be read")]
    BadRequest,
    #[error("the form is too long")]
    TooLarge,
    #[error("the form came from another site")]
    CrossOrigin,
    #[error("the form has expired")]
    FormExpired,
    #[error("the request took too long")]
    Busy,
    #[error("a page could not be rendered")]
    Render(#[from] askama::Error),
}

/// What a handler returns.
pub(crate) type Outcome = Result<Response, Fault>;

/// On its way out of a handler; [`render`] makes the reply of it.
#[derive(Clone)]
struct Carried(Arc<Fault>);

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Carried(Arc::new(self)));
        response
    }
}

/// Turns what went wrong into a page, or leads to the page where it can be put right.
pub(super) async fn render(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let visit = Visit::from_request_parts(&mut parts, &pages).await;
    let response = next.run(Request::from_parts(parts.clone(), body)).await;
    let Some(Carried(fault)) = response.extensions().get::<Carried>().cloned() else {
        return response;
    };
    if wants_problem(&parts) {
        return problem(&fault, parts.extensions.get::<RequestAuth>());
    }
    let Ok(visit) = visit else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut rendered = match way_out(&visit, &parts, &fault) {
        Some(redirect) => redirect,
        None => page(&visit, &fault),
    };
    if let Some(allow) = response.headers().get(ALLOW) {
        rendered.headers_mut().insert(ALLOW, allow.clone());
    }
    rendered
}

/// Where the person can put it right, if they can.
fn way_out(visit: &Visit, parts: &http::request::Parts, fault: &Fault) -> Option<Response> {
    let back = came_from(parts);
    let with_return = |path: &str| match &back {
        Some(back) => path_with_return(path, back),
        None => path.to_owned(),
    };
    match fault {
        Fault::Auth(rejection) => match rejection.reason() {
            AuthRejectionReason::Missing => {
                Some(visit.go_with(&with_return(paths::SIGN_IN), Flash::SignInFirst))
            }
            AuthRejectionReason::Invalid | AuthRejectionReason::SessionOver => {
                let mut response = visit.go_with(&with_return(paths::SIGN_IN), Flash::SessionOver);
                visit.clear(&mut response, CookieKind::Session);
                Some(response)
            }
            AuthRejectionReason::ReauthenticationRequired => {
                let path = with_return(paths::ACCOUNT_REAUTHENTICATE);
                Some(visit.go_with(&path, Flash::SecondFactorDue))
            }
            AuthRejectionReason::MfaEnrollmentRequired => {
                let apps = visit.zalt().config().second_factors.methods.totp;
                let path = if apps {
                    paths::ACCOUNT_SECOND_FACTORS
                } else {
                    paths::ACCOUNT_PASSKEYS
                };
                Some(visit.go_with(path, Flash::SetUpDue))
            }
            _ => None,
        },
        Fault::Core(Error::Unauthenticated | Error::SessionOver) => {
            let mut response = visit.go_with(&with_return(paths::SIGN_IN), Flash::SessionOver);
            visit.clear(&mut response, CookieKind::Session);
            Some(response)
        }
        Fault::Core(Error::ReauthenticationRequired { .. }) => {
            let path = with_return(paths::ACCOUNT_REAUTHENTICATE);
            Some(visit.go_with(&path, Flash::Reauthenticate))
        }
        Fault::Core(Error::AttemptNotFound | Error::AttemptStep) => {
            let flash = Flash::AttemptOver;
            Some(visit.go_with(&visit.path(paths::start_of(parts.uri.path())), flash))
        }
        Fault::Core(Error::AttemptExhausted) => {
            let flash = Flash::AttemptExhausted;
            Some(visit.go_with(&visit.path(paths::start_of(parts.uri.path())), flash))
        }
        Fault::Core(Error::SignUpClosed) => {
            Some(visit.go_with(paths::SIGN_IN, Flash::SignUpClosed))
        }
        _ => None,
    }
}

/// The page that the request is for, or the one with the form that was sent.
fn came_from(parts: &http::request::Parts) -> Option<ReturnTo> {
    if parts.method == Method::GET || parts.method == Method::HEAD {
        ReturnTo::parse(parts.uri.path_and_query()?.as_str())
    } else {
        ReturnTo::parse(paths::section_of(parts.uri.path()))
    }
}

fn page(visit: &Visit, fault: &Fault) -> Response {
    let kind = kind(fault);
    if kind.status() >= 500 {
        tracing::error!(
            error = fault as &dyn std::error::Error,
            request_id = visit.request_id(),
            "a page could not be shown"
        );
    }
    let view = ErrorView {
        page: visit.page(),
        kind,
        request_id: visit.request_id().unwrap_or_default().to_owned(),
    };
    let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match view.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => status.into_response(),
    };
    if let Some(seconds) = kind.retry_after_seconds() {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn kind(fault: &Fault) -> ErrorKind {
    match fault {
        Fault::Core(error) => of_error(error),
        Fault::Auth(rejection) => match rejection.reason() {
            AuthRejectionReason::CrossOrigin => ErrorKind::CrossOrigin,
            _ if rejection.problem().status() == StatusCode::SERVICE_UNAVAILABLE => {
                ErrorKind::Unavailable {
                    retry_after_seconds: 1,
                }
            }
            _ => ErrorKind::Internal,
        },
        Fault::NotFound => ErrorKind::NotFound,
        Fault::MethodNotAllowed => ErrorKind::MethodNotAllowed,
        Fault::BadRequest => ErrorKind::BadRequest,
        Fault::TooLarge => ErrorKind::TooLarge,
        Fault::CrossOrigin => ErrorKind::CrossOrigin,
        Fault::FormExpired => ErrorKind::FormExpired,
        Fault::Busy => ErrorKind::Unavailable {
            retry_after_seconds: 5,
        },
        Fault::Render(_) => ErrorKind::Internal,
    }
}

fn of_error(error: &Error) -> ErrorKind {
    let retry_after_seconds = error
        .retry_after()
        .map_or(60, |wait| wait.as_secs().saturating_add(1));
    match error.code() {
        ErrorCode::NotFound => ErrorKind::NotFound,
        ErrorCode::AccountSuspended => ErrorKind::Forbidden,
        ErrorCode::RateLimited => ErrorKind::TooManyRequests {
            retry_after_seconds,
        },
        ErrorCode::Overloaded | ErrorCode::Unavailable => ErrorKind::Unavailable {
            retry_after_seconds,
        },
        ErrorCode::Internal => ErrorKind::Internal,
        _ => ErrorKind::BadRequest,
    }
}

/// Whether a program asks and not a person: below the API, or when something else than a page is wanted.
fn wants_problem(parts: &http::request::Parts) -> bool {
    let path = parts.uri.path();
    let api = ["/v1", "/.well-known", "/openapi.json", "/dev/inbox.json"]
        .into_iter()
        .any(|prefix| {
            path.strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
    let accept = parts
        .headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok());
    api || accept.is_some_and(|accept| accept.contains("json") && !accept.contains("text/html"))
}

fn problem(fault: &Fault, auth: Option<&RequestAuth>) -> Response {
    let problem = match fault {
        Fault::Core(error) => Problem::of(error),
        Fault::Auth(rejection) => return rejection.clone().into_response(),
        Fault::NotFound => Problem::new(ErrorCode::NotFound, fault.to_string()),
        Fault::MethodNotAllowed => Problem::new(ErrorCode::MethodNotAllowed, fault.to_string()),
        Fault::BadRequest => Problem::new(ErrorCode::MalformedBody, fault.to_string()),
        Fault::TooLarge => Problem::new(ErrorCode::BodyTooLarge, fault.to_string()),
        Fault::CrossOrigin | Fault::FormExpired => {
            Problem::new(ErrorCode::CrossOrigin, fault.to_string())
        }
        Fault::Busy => Problem::new(ErrorCode::Unavailable, fault.to_string()),
        Fault::Render(_) => Problem::new(ErrorCode::Internal, "the server failed"),
    };
    problem
        .with_request_id(auth.and_then(RequestAuth::request_id))
        .into_response()
}
