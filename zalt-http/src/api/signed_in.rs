//! The reply of a sign-in or sign-up that is complete.

use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use serde::Serialize;
use utoipa::ToSchema;
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

/// Hands a new session to its device, and takes back the cookie of the attempt that led to it.
pub(crate) async fn complete(
    call: &Call,
    signed_in: SignedIn,
    attempt: Option<CookieKind>,
) -> Result<Response, ApiError> {
    let account = call.zalt().users().find_account(signed_in.user.id).await?;
    let mut response = axum::Json(Complete {
        status: "complete",
        session: SessionView::of(&signed_in.session, true),
        user: UserView::of(&account),
        tokens: Tokens::of(call, &signed_in.credentials),
    })
    .into_response();
    if let SessionCredentials::Cookie(token) = &signed_in.credentials {
        call.auth.end_replaced_session().await;
        let expires_at = signed_in.session.expires_at;
        let cookie = call
            .http
            .cookie_until(CookieKind::Session, &token.expose(), expires_at)?;
        response.headers_mut().append(SET_COOKIE, cookie);
        if let Some(kind) = attempt {
            response.headers_mut().append(SET_COOKIE, call.clear(kind));
        }
    }
    Ok(response)
}
