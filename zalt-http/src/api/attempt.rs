//! The token that binds an attempt to the device that began it: in a cookie or in a header.

use axum::extract::{FromRequestParts, Path};
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderName, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use zalt_core::Error;
use zalt_core::attempt::Attempt;
use zalt_core::secret::AttemptToken;
use zalt_core::session::Transport;

use super::call::Call;
use crate::cookie::CookieKind;
use crate::http_zalt::ZaltHttp;
use crate::problem::ApiError;

/// The header that carries the token where the session will be held by tokens.
pub(crate) static ZALT_ATTEMPT: HeaderName = HeaderName::from_static("zalt-attempt");

/// The token of the sign-in that the path names.
pub(crate) struct SignInToken(pub(crate) AttemptToken);

/// The token of the attempt that the path names, whose owner came back from a provider.
pub(crate) struct ConnectionToken {
    pub(crate) token: AttemptToken,
    /// Whether a browser keeps it in a cookie.
    pub(crate) by_cookie: bool,
}

/// The token of the sign-up that the path names.
pub(crate) struct SignUpToken(pub(crate) AttemptToken);

impl FromRequestParts<ZaltHttp> for SignInToken {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, http: &ZaltHttp) -> Result<Self, ApiError> {
        of_path(parts, http, CookieKind::SignIn).await.map(Self)
    }
}

impl FromRequestParts<ZaltHttp> for ConnectionToken {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, http: &ZaltHttp) -> Result<Self, ApiError> {
        let token = of_path(parts, http, CookieKind::Connection).await?;
        let by_cookie = !parts.headers.contains_key(&ZALT_ATTEMPT);
        Ok(Self { token, by_cookie })
    }
}

impl FromRequestParts<ZaltHttp> for SignUpToken {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, http: &ZaltHttp) -> Result<Self, ApiError> {
        of_path(parts, http, CookieKind::SignUp).await.map(Self)
    }
}

/// The token that the request shows, if it is for the attempt in the path. Whatever is wrong with either, the answer is
/// that there is no such attempt.
async fn of_path(
    parts: &mut Parts,
    http: &ZaltHttp,
    kind: CookieKind,
) -> Result<AttemptToken, ApiError> {
    let not_found = || ApiError::from(Error::AttemptNotFound);
    let Path(id) = Path::<String>::from_request_parts(parts, http)
        .await
        .map_err(|_| not_found())?;
    let mut headers = parts.headers.get_all(&ZALT_ATTEMPT).iter();
    let text = match (headers.next(), headers.next()) {
        (Some(value), None) => value.to_str().ok(),
        (Some(_), Some(_)) => None,
        (None, _) => http.cookies().read(kind, &parts.headers).ok().flatten(),
    };
    let token = AttemptToken::parse(text.ok_or_else(not_found)?).map_err(|_| not_found())?;
    if id.parse() == Ok(token.id()) {
        Ok(token)
    } else {
        Err(not_found())
    }
}

/// An attempt that was begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct Begun<V> {
    #[serde(flatten)]
    view: V,
    /// Where the session will be held by tokens: what to send in `Zalt-Attempt` until the attempt is over. Shown here and
    /// never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "zat_...")]
    attempt_token: Option<String>,
}

/// The reply that hands an attempt and its token to whoever began it.
pub(crate) fn begun<V: Serialize>(
    call: &Call,
    status: StatusCode,
    kind: CookieKind,
    attempt: &Attempt,
    token: &AttemptToken,
    view: Option<V>,
) -> Result<Response, ApiError> {
    let view = view.ok_or(Error::Internal(
        "an attempt is of another kind than it was made",
    ))?;
    let by_cookie = transport(attempt) == Transport::Cookie;
    let body = Begun {
        view,
        attempt_token: (!by_cookie).then(|| token.expose().to_string()),
    };
    let mut response = (status, axum::Json(body)).into_response();
    if by_cookie {
        let cookie = call
            .http
            .cookie_until(kind, &token.expose(), attempt.expires_at)?;
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// How the session will be held that an attempt leads to.
pub(crate) fn transport(attempt: &Attempt) -> Transport {
    use zalt_core::attempt::AttemptState;
    match &attempt.state {
        AttemptState::SignIn(state) => state.transport,
        AttemptState::SignUp(state) => state.transport,
        AttemptState::Connection(state) => state.transport,
        AttemptState::AddressVerification(_)
        | AttemptState::StepUp(_)
        | AttemptState::Passkey(_)
        | AttemptState::AccountLink(_)
        | AttemptState::UsedIdToken => Transport::Cookie,
    }
}

/// The attempt as it stands now.
pub(crate) fn view<V>(view: Option<V>) -> Result<axum::Json<V>, ApiError> {
    view.map(axum::Json)
        .ok_or_else(|| Error::AttemptNotFound.into())
}
