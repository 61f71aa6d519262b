use axum::Json as Reply;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use zalt_core::id::SessionId;

use crate::api::call::Call;
use crate::body::{NoFields, OptionalJson, PageQuery, PathId};
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{List, SessionView};

errors!(ListErrors: [SIGNED_IN] InvalidField);

/// List the sessions of the person who is signed in, newest first
#[utoipa::path(
    get, path = "/v1/client/sessions", operation_id = "list_sessions", tag = "sessions",
    security(("session_cookie" = []), ("access_token" = [])),
    params(
        ("after" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<u32>, Query, description = "how many at the most, 1 to 100", example = 20)
    ),
    responses((status = 200, description = "Live sessions", body = List<SessionView>), ListErrors)
)]
pub(super) async fn list(
    call: Call,
    PageQuery(page): PageQuery,
) -> Result<Reply<List<SessionView>>, ApiError> {
    let authenticated = call.authenticated().await?;
    let current = authenticated.session();
    let page = call.zalt().sessions().list(current.user_id, page).await?;
    Ok(Reply(List::of_page(page, |session| {
        SessionView::of(&session, session.id == current.id)
    })))
}

errors!(RevokeErrors: [BODY, SIGNED_IN] ReauthenticationRequired, NotFound);

/// End one session
#[utoipa::path(
    delete, path = "/v1/client/sessions/{id}", operation_id = "revoke_session", tag = "sessions",
    security(("session_cookie" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "the session", example = "sess_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "Ended"), RevokeErrors)
)]
pub(super) async fn revoke(
    call: Call,
    PathId(id): PathId<SessionId>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Response, ApiError> {
    let authenticated = call.authenticated().await?;
    let current = authenticated.session();
    call.zalt()
        .sessions()
        .revoke(call.context(), &authenticated, id)
        .await?;
    Ok(ended(&call, id == current.id))
}

errors!(RevokeAllErrors: [BODY, SIGNED_IN] ReauthenticationRequired, NotFound);

/// End every other session
#[utoipa::path(
    post, path = "/v1/client/sessions/revoke-others", operation_id = "revoke_other_sessions", tag = "sessions",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 204, description = "Ended"), RevokeAllErrors)
)]
pub(super) async fn revoke_others(
    call: Call,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Response, ApiError> {
    let authenticated = call.authenticated().await?;
    let sessions = call.zalt().sessions();
    sessions
        .revoke_others(call.context(), &authenticated)
        .await?;
    Ok(ended(&call, false))
}

/// End every session, the one that asks too
#[utoipa::path(
    post, path = "/v1/client/sessions/revoke-all", operation_id = "revoke_all_sessions", tag = "sessions",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 204, description = "Ended"), RevokeAllErrors)
)]
pub(super) async fn revoke_all(
    call: Call,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Response, ApiError> {
    let authenticated = call.authenticated().await?;
    call.zalt()
        .sessions()
        .revoke_all(call.context(), &authenticated)
        .await?;
    Ok(ended(&call, true))
}

/// The reply, with the cookie taken back if the session that asks has ended.
fn ended(call: &Call, current: bool) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if current && call.auth.has_cookie() {
        response
            .headers_mut()
            .append(SET_COOKIE, call.clear(CookieKind::Session));
    }
    response
}
