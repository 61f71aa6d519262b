use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zalt_core::Error;

use crate::api::call::Call;
use crate::api::fields::password;
use crate::body::Json;
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::SessionView;

/// The password of the person who is signed in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reauthenticate {
    #[schema(example = "a walk in the rain")]
    password: String,
}

/// The session as it is now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reauthenticated {
    session: SessionView,
}

errors!(ReauthenticateErrors: [BODY, SIGNED_IN] CredentialsIncorrect, AccountSuspended, RateLimited, Overloaded, Conflict);

/// Prove again who is signed in
///
/// A session that is held by a cookie gets a new one; the old one is dead.
#[utoipa::path(
    post, path = "/v1/client/reauthenticate", operation_id = "reauthenticate", tag = "sessions",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = Reauthenticate,
    responses((status = 200, description = "Proved", body = Reauthenticated), ReauthenticateErrors)
)]
pub(super) async fn reauthenticate(
    call: Call,
    Json(body): Json<Reauthenticate>,
) -> Result<Response, ApiError> {
    let authenticated = call.authenticated().await?;
    let zalt = call.zalt();
    let token = zalt
        .sessions()
        .reauthenticate(call.context(), &authenticated, password(body.password)?)
        .await?;
    let id = authenticated.session().id;
    let session = zalt.store().session(id).await.map_err(Error::from)?;
    let session = session.ok_or(Error::SessionOver)?;
    let view = SessionView::of(&session, true);
    let mut response = axum::Json(Reauthenticated { session: view }).into_response();
    if let Some(token) = token {
        let cookie =
            call.http
                .cookie_until(CookieKind::Session, &token.expose(), session.expires_at)?;
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
