use axum::extract::{Path, RawQuery, Request};
use axum::response::{IntoResponse, Response};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use zalt_core::attempt::AttemptState;
use zalt_core::connection::{ConnectionKey, RedirectMode, ViaConnection};
use zalt_core::secret::AttemptToken;
use zalt_core::{Error, ErrorCode};

use super::answer::{Answer, is_form};
use super::came::{self, Came};
use super::popup;
use crate::api::attempt::ZALT_ATTEMPT;
use crate::api::call::Call;
use crate::api::sign_in::FactorPassed;
use crate::body::read_form;
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;

errors!(CallbackErrors: [SIGNED_IN] ConnectionNotFound, ConnectionStateMismatch, ConnectionRefused, ConnectionUnavailable,
    ConnectionAnswerInvalid, ExternalAccountTaken, SignUpClosed, AccountSuspended, AccountFrozen, TooManyCredentials,
    LastSecondFactor, RateLimited, Conflict);

/// Come back from a provider
///
/// Browsers are led on: to where the person wanted to be, or to where the next step is, with `attempt` and `status` in the
/// query; if nobody came in, with `error` and `request_id`. An app that opened the address itself, with the attempt's token in
/// `Zalt-Attempt`, gets the outcome as JSON. What came back counts once, and only for whoever began.
#[utoipa::path(
    get, path = "/v1/client/connections/{key}/callback", operation_id = "connection_callback", tag = "connections",
    params(
        ("key" = String, Path, description = "the connection", example = "google"),
        ("state" = Option<String>, Query, description = "as the provider sends it"),
        ("code" = Option<String>, Query, description = "as the provider sends it"),
        ("error" = Option<String>, Query, description = "as the provider sends it"),
        ("iss" = Option<String>, Query, description = "as the provider sends it (RFC 9207)"),
        ("user" = Option<String>, Query, description = "as Apple sends it"),
    ),
    responses(
        (status = 303, description = "For a browser: where it goes on"),
        (status = 200, description = "For an app: signed in, or what is still to be done", body = FactorPassed),
        CallbackErrors
    )
)]
pub(super) async fn callback(
    call: Call,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = ConnectionKey::parse(&key).map_err(|_| Error::ConnectionNotFound)?;
    let answer = Answer::parse(query.unwrap_or_default().as_bytes());
    let of_app = headers.contains_key(&ZALT_ATTEMPT);
    let token = token(&call, &headers);
    let authenticated = call.auth.authenticated().await.ok();
    let connections = call.zalt().connections();
    let came = connections
        .callback(
            call.context(),
            &key,
            token.as_ref(),
            authenticated.as_ref(),
            answer.as_sent(),
        )
        .await;
    match came {
        Ok(back) if of_app => came::reply(&call, back.progress).await,
        Err(error) if of_app => Err(error.into()),
        Ok(back) => {
            let return_to = back.return_to.as_ref().map(ToString::to_string);
            let (came, cookies) = Came::of(&call, back.progress, token.as_ref()).await?;
            let mut response = lead_on(&call, &came, return_to.as_deref(), back.mode)?;
            for cookie in cookies {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(error) => failed(&call, &key, token.as_ref(), error).await,
    }
}

errors!(FormErrors: [] MalformedBody, BodyTooLarge, UnsupportedMediaType, CrossOrigin, ConnectionNotFound);

/// Come back from a provider that posts a form
///
/// The form comes from the provider's site, with which browsers send none of our cookies; so it leads to the same address with
/// GET, and nothing else.
#[utoipa::path(
    post, path = "/v1/client/connections/{key}/callback", operation_id = "connection_form_post", tag = "connections",
    params(("key" = String, Path, description = "the connection", example = "apple")),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "The same address, to be opened with GET"), FormErrors)
)]
pub(super) async fn form_post(
    call: Call,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let key = ConnectionKey::parse(&key).map_err(|_| Error::ConnectionNotFound)?;
    if !is_form(request.headers()) {
        return Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            "send the body as application/x-www-form-urlencoded",
        ));
    }
    let form = read_form(request.into_body(), &call.http).await?;
    let mut url = call.zalt().connections().redirect_uri(&key)?;
    url.set_query(Some(&Answer::parse(&form).query()));
    redirect(url.as_str())
}

/// What binds the attempt to whoever began it: in a header for apps, in a cookie for browsers.
pub(super) fn token(call: &Call, headers: &HeaderMap) -> Option<AttemptToken> {
    let mut shown = headers.get_all(&ZALT_ATTEMPT).iter();
    let text = match (shown.next(), shown.next()) {
        (Some(value), None) => value.to_str().ok(),
        (Some(_), Some(_)) => None,
        (None, _) => {
            let kept = call.http.cookies().read(CookieKind::Connection, headers);
            kept.ok().flatten()
        }
    };
    AttemptToken::parse(text?).ok()
}

/// Nobody came in: the person reads why on a page, or the page that they left is told.
async fn failed(
    call: &Call,
    key: &ConnectionKey,
    token: Option<&AttemptToken>,
    error: Error,
) -> Result<Response, ApiError> {
    let code = error.code();
    let request_id = call.auth.request_id().map(|id| &**id).unwrap_or_default();
    if matches!(code, ErrorCode::Internal | ErrorCode::Unavailable) {
        tracing::error!(error = &error as &dyn std::error::Error, connection = %key, "a callback failed");
    }
    // An answer that is not the attempt's own leaves the attempt to whoever it belongs to.
    let own = match (token, code) {
        (Some(_), ErrorCode::ConnectionStateMismatch) | (None, _) => None,
        (Some(token), _) => via(call, token).await,
    };
    let mode = own.as_ref().map_or(RedirectMode::Redirect, |via| via.mode);
    let return_to = own.and_then(|via| via.return_to);
    let return_to = return_to
        .as_ref()
        .map(zalt_core::connection::ReturnAddress::as_str);
    let came = Came::Failed {
        code: code.as_str(),
        connection: key.as_str().to_owned(),
        request_id: request_id.to_owned(),
    };
    if call.http.config().connection_page.is_none() && return_to.is_none() {
        return Err(error.into());
    }
    lead_on(call, &came, return_to, mode)
}

/// Where whoever began the attempt came from and wanted to be.
async fn via(call: &Call, token: &AttemptToken) -> Option<ViaConnection> {
    let attempt = call.zalt().connections().find(token).await.ok()?;
    match attempt.state {
        AttemptState::Connection(state) => Some(state.via),
        _ => None,
    }
}

/// Where the browser goes from here.
fn lead_on(
    call: &Call,
    came: &Came,
    return_to: Option<&str>,
    mode: RedirectMode,
) -> Result<Response, ApiError> {
    if mode == RedirectMode::Popup {
        return Ok(popup::page(call, came, return_to));
    }
    let page = call.http.config().connection_page.as_deref();
    match (came, page) {
        (Came::Complete, _) => redirect(return_to.unwrap_or("/")),
        (_, Some(page)) => redirect(&came.at(page, return_to)),
        (_, None) => redirect(&came.at(return_to.unwrap_or("/"), None)),
    }
}

pub(super) fn redirect(to: &str) -> Result<Response, ApiError> {
    let location = HeaderValue::try_from(to)
        .map_err(|_| Error::Internal("an address can't stand in a header"))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}
