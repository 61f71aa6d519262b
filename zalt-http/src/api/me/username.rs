use axum::Json as Reply;
use serde::Deserialize;
use utoipa::ToSchema;
use zalt_core::Error;
use zalt_core::identifier::Username;

use crate::api::call::Call;
use crate::body::{Json, NoFields, OptionalJson};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::UserView;

/// The username.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetUsername {
    #[schema(example = "ada")]
    username: String,
}

errors!(SetErrors: [BODY, SIGNED_IN] UsernameTaken, ReauthenticationRequired, NotFound, Conflict);

/// Set or change the username
#[utoipa::path(
    put, path = "/v1/client/me/username", operation_id = "set_username", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = SetUsername,
    responses((status = 200, description = "The account as it is now", body = UserView), SetErrors)
)]
pub(super) async fn set(
    call: Call,
    Json(body): Json<SetUsername>,
) -> Result<Reply<UserView>, ApiError> {
    let authenticated = call.authenticated().await?;
    let username = Username::parse(&body.username).map_err(Error::from)?;
    let users = call.zalt().users();
    let account = users
        .set_username(call.context(), &authenticated, Some(username))
        .await?;
    Ok(Reply(UserView::of(call.zalt(), &account)))
}

errors!(RemoveErrors: [BODY, SIGNED_IN] ReauthenticationRequired, NotFound, Conflict);

/// Remove the username
#[utoipa::path(
    delete, path = "/v1/client/me/username", operation_id = "remove_username", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "The account as it is now", body = UserView), RemoveErrors)
)]
pub(super) async fn remove(
    call: Call,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Reply<UserView>, ApiError> {
    let authenticated = call.authenticated().await?;
    let users = call.zalt().users();
    let account = users
        .set_username(call.context(), &authenticated, None)
        .await?;
    Ok(Reply(UserView::of(call.zalt(), &account)))
}
