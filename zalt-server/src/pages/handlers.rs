//! One family of pages, one file. A handler calls the core and says what it says; it holds no rules of its own.

mod account;
mod assets;
mod connection;
mod home;
mod inbox;
mod mailed;
mod passkey;
mod password;
mod safety;
mod second_factor;
mod set_up;
mod sign_in;
mod sign_up;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use http::HeaderValue;
use http::header::REFERRER_POLICY;

use self::mailed::{by_code, follow_link, resend, show_code, show_link, show_link_sent};
use self::password::ResetByMail;
use self::sign_in::SignInByMail;
use self::sign_up::SignUpByMail;
use super::fault::{self, Fault};
use super::state::Pages;
use super::{headers, local, paths};

/// The pages as a router, its fallback the page for what is not there. An outer layer gives each request its
/// [`RequestAuth`](zalt_http::RequestAuth).
pub(crate) fn router(pages: &Pages) -> Router {
    let mut router = Router::new()
        .route(paths::HOME, get(home::show))
        .merge(sign_up())
        .merge(sign_in())
        .merge(safety())
        .merge(account::router());
    if pages.zalt().config().first_factors.password {
        router = router.merge(password()).merge(account::password_router());
    }
    if pages.inbox().is_some() {
        router = router.merge(inbox::router());
    }
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(time_out))
        .layer(from_fn_with_state(pages.clone(), fault::render))
        .layer(from_fn_with_state(pages.clone(), local::lead_to_base_url))
        .merge(assets::router())
        .layer(from_fn_with_state(pages.clone(), headers::secure))
        .with_state(pages.clone())
}

fn sign_up() -> Router<Pages> {
    Router::new()
        .route(paths::SIGN_UP, get(sign_up::show).post(sign_up::begin))
        .route(
            paths::SIGN_UP_VERIFY,
            get(show_code::<SignUpByMail>).post(by_code::<SignUpByMail>),
        )
        .route(
            paths::SIGN_UP_LINK_SENT,
            get(show_link_sent::<SignUpByMail>),
        )
        .route(
            paths::SIGN_UP_LINK,
            get(show_link::<SignUpByMail>).post(follow_link::<SignUpByMail>),
        )
        .route(paths::SIGN_UP_RESEND, post(resend::<SignUpByMail>))
        .route(
            paths::SIGN_UP_ADDRESS,
            get(connection::show_address).post(connection::give_address),
        )
}

fn sign_in() -> Router<Pages> {
    Router::new()
        .route(paths::SIGN_IN, get(sign_in::show).post(sign_in::begin))
        .route(
            paths::SIGN_IN_PASSWORD,
            get(sign_in::show_password).post(sign_in::by_password),
        )
        .route(paths::SIGN_IN_STRATEGY, post(sign_in::choose))
        .route(
            paths::SIGN_IN_CODE,
            get(show_code::<SignInByMail>).post(by_code::<SignInByMail>),
        )
        .route(
            paths::SIGN_IN_LINK_SENT,
            get(show_link_sent::<SignInByMail>),
        )
        .route(
            paths::SIGN_IN_LINK,
            get(show_link::<SignInByMail>).post(follow_link::<SignInByMail>),
        )
        .route(paths::SIGN_IN_RESEND, post(resend::<SignInByMail>))
        .route(
            paths::SIGN_IN_SECOND_FACTOR,
            get(second_factor::show).post(second_factor::pass),
        )
        .route(paths::SIGN_IN_SECOND_FACTOR_SEND, post(second_factor::send))
        .route(
            paths::SIGN_IN_SET_UP,
            get(set_up::show).post(set_up::begin_app),
        )
        .route(paths::SIGN_IN_SET_UP_CONFIRM, post(set_up::confirm_app))
        .route(paths::SIGN_IN_SET_UP_PASSKEY, post(set_up::confirm_passkey))
        .route(
            paths::SIGN_IN_SET_UP_PASSKEY_OPTIONS,
            post(set_up::passkey_options),
        )
        .route(paths::SIGN_IN_PASSKEY, post(passkey::sign_in))
        .route(paths::SIGN_IN_PASSKEY_BEGIN, post(passkey::begin))
        .route(paths::SIGN_IN_PASSKEY_FIRST, post(passkey::as_first_factor))
        .route(paths::SIGN_IN_PASSKEY_OPTIONS, post(passkey::options))
        .route(
            paths::SIGN_IN_CONNECTION,
            get(connection::came).post(connection::leave),
        )
        .route(paths::SIGN_OUT, post(sign_in::sign_out))
}

fn safety() -> Router<Pages> {
    Router::new()
        .route(
            paths::SAFETY_LINK,
            get(safety::show_freeze).post(safety::freeze),
        )
        .route(
            paths::RECOVERY_LINK,
            get(safety::show_recover).post(safety::recover),
        )
        .route(
            paths::RECOVERY_REVIEW,
            get(safety::show_review).post(safety::finish),
        )
}

fn password() -> Router<Pages> {
    Router::new()
        .route(
            paths::PASSWORD_FORGOTTEN,
            get(password::show).post(password::begin),
        )
        .route(
            paths::PASSWORD_CODE,
            get(show_code::<ResetByMail>).post(by_code::<ResetByMail>),
        )
        .route(paths::PASSWORD_RESEND, post(resend::<ResetByMail>))
        .route(
            paths::PASSWORD_LINK,
            get(show_link::<ResetByMail>).post(follow_link::<ResetByMail>),
        )
        .route(
            paths::PASSWORD_NEW,
            get(password::show_new).post(password::set),
        )
        .route(paths::PASSWORD_DONE, get(password::show_done))
}

/// How long a request may take, from its head to the head of the reply.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Ends a request whose body does not come, or whose work does not end.
async fn time_out(request: Request, next: Next) -> Result<Response, Fault> {
    let response = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    response.map_err(|_| Fault::Busy)
}

async fn not_found() -> Fault {
    Fault::NotFound
}

async fn method_not_allowed() -> Fault {
    Fault::MethodNotAllowed
}

/// Seconds that the page asks people to wait before they want another message. The core has the real limits.
const RESEND_WAIT_SECONDS: u64 = 30;

/// The reply whose address holds a secret, which must not reach any other place.
fn without_referrer(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
