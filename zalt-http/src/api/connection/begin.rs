use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zalt_core::attempt::{Attempt, BeginConnection, StartedConnection};
use zalt_core::connection::{ConnectionKey, RedirectMode};
use zalt_core::secret::AttemptToken;
use zalt_core::session;
use zalt_core::{Error, Timestamp};

use crate::api::attempt::transport;
use crate::api::call::Call;
use crate::body::Json;
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::Transport;

/// Which provider somebody goes to, and where they want to be afterwards.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoTo {
    /// The key of a connection of the settings.
    #[schema(example = "google")]
    connection: String,
    /// A path of the application, or an address on its list. Without one the front page.
    #[schema(example = "/account")]
    return_to: Option<String>,
    /// How the page is shown that the person comes back to.
    #[serde(default)]
    mode: Mode,
    /// The address that the person typed already, so that the provider need not ask.
    #[schema(example = "ada@example.com")]
    login_hint: Option<String>,
    /// With `bearer` it is the app that opens the callback, with the attempt's token in `Zalt-Attempt`.
    #[serde(default)]
    transport: Transport,
}

/// How the page is shown that people come back to: in place of the one that they left, or in a window of its own.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    #[default]
    Redirect,
    Popup,
}

impl From<Mode> for RedirectMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Redirect => Self::Redirect,
            Mode::Popup => Self::Popup,
        }
    }
}

impl GoTo {
    pub(crate) fn key(&self) -> Result<ConnectionKey, ApiError> {
        // Text that can't be a key names no connection.
        ConnectionKey::parse(&self.connection).map_err(|_| Error::ConnectionNotFound.into())
    }

    /// What core wants to know of it.
    pub(crate) fn begin<'a>(&'a self, key: &'a ConnectionKey) -> BeginConnection<'a> {
        BeginConnection {
            return_to: self.return_to.as_deref(),
            mode: self.mode.into(),
            transport: self.transport.into(),
            login_hint: self.login_hint.as_deref(),
            ..BeginConnection::new(key)
        }
    }
}

/// Somebody may go to a provider now.
#[derive(Serialize, ToSchema)]
pub(crate) struct BegunConnection {
    #[schema(example = "att_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// Where to send the browser.
    #[schema(example = "https://accounts.google.com/o/oauth2/v2/auth?client_id=...")]
    authorization_url: String,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:10:00Z")]
    expires_at: Timestamp,
    /// Where the session will be held by tokens: what to send in `Zalt-Attempt` with what came back. Shown here and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "zat_...")]
    attempt_token: Option<String>,
}

impl BegunConnection {
    /// The reply that sends somebody to a provider.
    pub(crate) fn reply(call: &Call, started: &StartedConnection) -> Result<Response, ApiError> {
        let (attempt, token) = (&started.attempt, &started.token);
        handed_over(call, attempt, token, |attempt_token| Self {
            id: attempt.id.to_string(),
            authorization_url: started.url.to_string(),
            expires_at: attempt.expires_at,
            attempt_token,
        })
    }
}

/// The reply that begins an attempt of a connection: its token is in a cookie where a browser keeps it, and in the body
/// elsewhere.
pub(super) fn handed_over<V: Serialize>(
    call: &Call,
    attempt: &Attempt,
    token: &AttemptToken,
    body: impl FnOnce(Option<String>) -> V,
) -> Result<Response, ApiError> {
    let by_cookie = transport(attempt) == session::Transport::Cookie;
    let (token, until) = (token.expose(), attempt.expires_at);
    let body = body((!by_cookie).then(|| token.to_string()));
    let mut response = (StatusCode::CREATED, axum::Json(body)).into_response();
    if by_cookie {
        let cookie = call
            .http
            .cookie_until(CookieKind::Connection, &token, until)?;
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

errors!(BeginErrors: [BODY] ConnectionNotFound, ConnectionUnavailable, ReturnAddressNotAllowed, RateLimited);

/// Begin to sign in or up with a provider
///
/// Send the browser to `authorization_url`. It comes back to the callback, which leads on to where the person wants to be.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/connection", operation_id = "begin_sign_in_with_connection", tag = "connections",
    request_body = GoTo,
    responses((status = 201, description = "Begun", body = BegunConnection), BeginErrors)
)]
pub(super) async fn begin(call: Call, Json(body): Json<GoTo>) -> Result<Response, ApiError> {
    let key = body.key()?;
    let connections = call.zalt().connections();
    let started = connections.begin(call.context(), body.begin(&key)).await?;
    BegunConnection::reply(&call, &started)
}
