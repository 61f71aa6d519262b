use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::api::call::Call;
use crate::auth::AuthRejectionReason;
use crate::body::{NoFields, OptionalJson};
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;

errors!(SignOutErrors: [BODY, SIGNED_IN]);

/// Sign out
///
/// Ends the session and has the browser forget what it kept. It is no error for a cookie whose session is over.
#[utoipa::path(
    post, path = "/v1/client/sign-out", operation_id = "sign_out", tag = "sessions",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 204, description = "Signed out"), SignOutErrors)
)]
pub(super) async fn sign_out(
    call: Call,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Response, ApiError> {
    use AuthRejectionReason::{Invalid, Missing, SessionOver};
    match call.authenticated_even_limited().await {
        Ok(authenticated) => {
            let sessions = call.zalt().sessions();
            sessions
                .sign_out(call.context(), authenticated.session())
                .await?;
        }
        // Whoever holds a cookie that leads nowhere wants to be rid of it.
        Err(rejection)
            if call.auth.has_cookie()
                && matches!(rejection.reason(), Missing | Invalid | SessionOver) => {}
        Err(rejection) => return Err(rejection.into()),
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if call.auth.has_cookie() {
        let headers = response.headers_mut();
        headers.append(SET_COOKIE, call.clear(CookieKind::Session));
        headers.insert(
            HeaderName::from_static("clear-site-data"),
            HeaderValue::from_static("\"cookies\", \"storage\""),
        );
    }
    Ok(response)
}
