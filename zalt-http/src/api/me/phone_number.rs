use axum::Json as Reply;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use zalt_core::Error;
use zalt_core::id::IdentifierId;
use zalt_core::identifier::PhoneNumber;

use crate::api::call::Call;
use crate::body::{Json, NoFields, OptionalJson, PathId};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{List, PhoneNumberView, UserView};

errors!(ListErrors: [SIGNED_IN] NotFound);

/// List one's own phone numbers, oldest first
#[utoipa::path(
    get, path = "/v1/client/me/phone-numbers", operation_id = "list_phone_numbers", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "All of them", body = List<PhoneNumberView>), ListErrors)
)]
pub(super) async fn list(call: Call) -> Result<Reply<List<PhoneNumberView>>, ApiError> {
    let authenticated = call.authenticated().await?;
    let account = call
        .zalt()
        .users()
        .find_account(authenticated.user().id)
        .await?;
    Ok(Reply(List::whole(PhoneNumberView::all_of(&account))))
}

/// The number, with its country code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddPhoneNumber {
    #[schema(example = "+43 660 1234567")]
    phone_number: String,
}

errors!(AddErrors: [BODY, SIGNED_IN] PhoneNumberNotAllowed, PhoneNumberTaken, TooManyIdentifiers, ReauthenticationRequired, NotFound, Conflict);

/// Add a phone number
///
/// It leads nowhere until it is verified. Only numbers that get text messages, of countries that the application serves, are
/// taken.
#[utoipa::path(
    post, path = "/v1/client/me/phone-numbers", operation_id = "add_phone_number", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = AddPhoneNumber,
    responses((status = 201, description = "Added: verify it next", body = PhoneNumberView), AddErrors)
)]
pub(super) async fn add(
    call: Call,
    Json(body): Json<AddPhoneNumber>,
) -> Result<(StatusCode, Reply<PhoneNumberView>), ApiError> {
    let authenticated = call.authenticated().await?;
    let number = PhoneNumber::parse(&body.phone_number).map_err(Error::from)?;
    let users = call.zalt().users();
    let added = users
        .add_phone_number(call.context(), &authenticated, number)
        .await?;
    let view = PhoneNumberView::of(&added).ok_or(Error::Internal("a number is none"))?;
    Ok((StatusCode::CREATED, Reply(view)))
}

errors!(RemoveErrors: [BODY, SIGNED_IN] LastSecondFactor, ReauthenticationRequired, NotFound, Conflict);

/// Remove a phone number
#[utoipa::path(
    delete, path = "/v1/client/me/phone-numbers/{id}", operation_id = "remove_phone_number", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "the number", example = "idn_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "Removed"), RemoveErrors)
)]
pub(super) async fn remove(
    call: Call,
    PathId(id): PathId<IdentifierId>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<StatusCode, ApiError> {
    let authenticated = call.authenticated().await?;
    let users = call.zalt().users();
    users
        .remove_phone_number(call.context(), &authenticated, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

errors!(PrimaryErrors: [BODY, SIGNED_IN] IdentifierNotVerified, ReauthenticationRequired, NotFound, Conflict);

/// Make a verified phone number the one that text messages go to
#[utoipa::path(
    post, path = "/v1/client/me/phone-numbers/{id}/make-primary", operation_id = "make_phone_number_primary", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "the number", example = "idn_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "The account as it is now", body = UserView), PrimaryErrors)
)]
pub(super) async fn make_primary(
    call: Call,
    PathId(id): PathId<IdentifierId>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Reply<UserView>, ApiError> {
    let authenticated = call.authenticated().await?;
    let users = call.zalt().users();
    let account = users
        .make_primary(call.context(), &authenticated, id)
        .await?;
    Ok(Reply(UserView::of(call.zalt(), &account)))
}
