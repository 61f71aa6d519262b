use axum::Json as Reply;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use zalt_core::Error;
use zalt_core::user::{ImageUrl, Metadata, ProfileUpdate};

use crate::api::call::Call;
use crate::api::fields::{name, parse};
use crate::body::{Json, NoFields, OptionalJson, nullable};
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::UserView;

errors!(FindErrors: [SIGNED_IN] NotFound);

/// See one's own account
#[utoipa::path(
    get, path = "/v1/client/me", operation_id = "get_me", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "The account", body = UserView), FindErrors)
)]
pub(super) async fn find(call: Call) -> Result<Reply<UserView>, ApiError> {
    let authenticated = call.authenticated().await?;
    let account = call
        .zalt()
        .users()
        .find_account(authenticated.user().id)
        .await?;
    Ok(Reply(UserView::of(call.zalt(), &account)))
}

/// What changes. A field that is absent stays, `null` removes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "absent, null and a value are three things in a patch"
)]
pub(crate) struct UpdateProfile {
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, example = "Ada")]
    first_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, example = "Lovelace")]
    last_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, example = "https://example.com/ada.png")]
    image_url: Option<Option<String>>,
    /// Merged into what is there (RFC 7396).
    #[schema(value_type = Option<Object>)]
    unsafe_metadata: Option<Value>,
}

errors!(UpdateErrors: [BODY, SIGNED_IN] NotFound, Conflict);

/// Change one's own profile
#[utoipa::path(
    patch, path = "/v1/client/me", operation_id = "update_me", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = UpdateProfile,
    responses((status = 200, description = "The account as it is now", body = UserView), UpdateErrors)
)]
pub(super) async fn update(
    call: Call,
    Json(body): Json<UpdateProfile>,
) -> Result<Reply<UserView>, ApiError> {
    let authenticated = call.authenticated().await?;
    let user_id = authenticated.user().id;
    let update = ProfileUpdate {
        first_name: body
            .first_name
            .map(|text| name(text.as_deref(), "first_name"))
            .transpose()?,
        last_name: body
            .last_name
            .map(|text| name(text.as_deref(), "last_name"))
            .transpose()?,
        image_url: body
            .image_url
            .map(|text| parse(text.as_deref(), ImageUrl::parse))
            .transpose()?,
        unsafe_metadata: body
            .unsafe_metadata
            .map(Metadata::new)
            .transpose()
            .map_err(Error::from)?,
    };
    let users = call.zalt().users();
    users
        .update_profile(call.context(), user_id, update)
        .await?;
    let account = users.find_account(user_id).await;
    Ok(Reply(UserView::of(
        call.zalt(),
        &account.map_err(ApiError::once_done)?,
    )))
}

errors!(DeleteErrors: [BODY, SIGNED_IN] ReauthenticationRequired, NotFound, Conflict);

/// Delete one's own account
///
/// Every session ends. The application can restore the account for a while.
#[utoipa::path(
    delete, path = "/v1/client/me", operation_id = "delete_me", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 204, description = "Deleted"), DeleteErrors)
)]
pub(super) async fn delete(
    call: Call,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Response, ApiError> {
    let authenticated = call.authenticated().await?;
    call.zalt()
        .users()
        .delete_own(call.context(), &authenticated)
        .await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if call.auth.has_cookie() {
        response
            .headers_mut()
            .append(SET_COOKIE, call.clear(CookieKind::Session));
    }
    Ok(response)
}
