//! The reply of a sign-in or sign-up that is complete.

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::SET_COOKIE;
use serde::Serialize;
use utoipa::ToSchema;
use zalt_core::credential::NewRecoveryCodes;
use zalt_core::session::{SessionCredentials, SignedIn};

use super::call::Call;
use crate::cookie::CookieKind;
use crate::problem::ApiError;
use crate::view::{SessionView, UserView};

/// Somebody is signed in. The session is held by a cookie that comes with this reply, or by the tokens in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Complete {
    #[schema(example = "complete")]
    status: &'static str,
    session: SessionView,
    user: UserView,
    #[serde(flatten)]
    tokens: Option<Tokens>,
    /// Where the session is held by tokens and the device is to keep a new one for itself: what to send in `Zalt-Device`
    /// with every sign-in from now on. Shown here and never again. What a browser keeps in its cookie is neither looked at nor
    /// returned here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "zdv_...")]
    device_token: Option<String>,
}

/// What holds a session without a cookie.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// A JWT for `Authorization: Bearer`.
    #[schema(example = "eyJ...")]
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// In how many seconds the access token ends.
    #[schema(example = 300)]
    expires_in: u64,
    /// Exchange it for the next pair before then. It is valid once.
    #[schema(example = "zrt_...")]
    refresh_token: String,
}

impl Tokens {
    /// `None` where a cookie holds the session.
    pub(crate) fn of(call: &Call, credentials: &SessionCredentials) -> Option<Self> {
        match credentials {
            SessionCredentials::Cookie(_) => None,
            SessionCredentials::Bearer {
                access_token,
                access_token_expires_at,
                refresh_token,
            } => Some(Self {
                access_token: access_token.to_string(),
                token_type: "Bearer",
                expires_in: access_token_expires_at.since(call.zalt().now()).as_secs(),
                refresh_token: refresh_token.expose().to_string(),
            }),
        }
    }
}

/// Somebody is signed in, and got recovery codes on the way.
#[derive(Serialize, ToSchema)]
pub(crate) struct CompleteWithRecoveryCodes {
    #[serde(flatten)]
    complete: Complete,
    /// Shown here and never again.
    #[schema(example = json!(["abcd-efgh-jkmn-pqrs"]))]
    recovery_codes: Vec<String>,
}

/// As [`complete`], with recovery codes that were made in the same step.
pub(crate) async fn complete_with_recovery_codes(
    call: &Call,
    signed_in: SignedIn,
    codes: Option<NewRecoveryCodes>,
) -> Result<Response, ApiError> {
    let body = CompleteWithRecoveryCodes {
        complete: body(call, &signed_in).await?,
        recovery_codes: codes.as_ref().map(shown).unwrap_or_default(),
    };
    let response = axum::Json(body).into_response();
    hand_over(call, &signed_in, Some(CookieKind::SignIn), response).await
}

/// Recovery codes for a reply.
pub(crate) fn shown(codes: &NewRecoveryCodes) -> Vec<String> {
    codes.codes.iter().map(|code| (**code).clone()).collect()
}

/// Hands a new session to its device, and takes back the cookie of the attempt that led to it.
pub(crate) async fn complete(
    call: &Call,
    signed_in: SignedIn,
    attempt: Option<CookieKind>,
) -> Result<Response, ApiError> {
    let response = axum::Json(body(call, &signed_in).await?).into_response();
    hand_over(call, &signed_in, attempt, response).await
}

async fn body(call: &Call, signed_in: &SignedIn) -> Result<Complete, ApiError> {
    let users = call.zalt().users();
    let account = users
        .find_account(signed_in.user.id)
        .await
        .map_err(ApiError::once_done)?;
    Ok(Complete {
        status: "complete",
        session: SessionView::of(&signed_in.session, true),
        user: UserView::of(call.zalt(), &account),
        tokens: Tokens::of(call, &signed_in.credentials),
        device_token: match (&signed_in.credentials, &signed_in.device) {
            (SessionCredentials::Bearer { .. }, Some(device)) => Some(device.expose().to_string()),
            _ => None,
        },
    })
}

/// The cookies of a session that a browser gets with no body.
pub(crate) async fn session_cookies(
    call: &Call,
    signed_in: &SignedIn,
) -> Result<Vec<HeaderValue>, ApiError> {
    let SessionCredentials::Cookie(token) = &signed_in.credentials else {
        return Ok(Vec::new());
    };
    call.auth.end_replaced_session().await;
    let expires_at = signed_in.session.expires_at;
    let session = call
        .http
        .cookie_until(CookieKind::Session, &token.expose(), expires_at)?;
    let mut cookies = vec![session];
    if let Some(device) = &signed_in.device {
        cookies.push(call.http.device_cookie(device)?);
    }
    Ok(cookies)
}

async fn hand_over(
    call: &Call,
    signed_in: &SignedIn,
    attempt: Option<CookieKind>,
    mut response: Response,
) -> Result<Response, ApiError> {
    let mut cookies = session_cookies(call, signed_in).await?;
    if !cookies.is_empty()
        && let Some(kind) = attempt
    {
        cookies.push(call.clear(kind));
    }
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
