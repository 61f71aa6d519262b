use axum::Json as Reply;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use zalt_core::Error;
use zalt_core::id::IdentifierId;
use zalt_core::identifier::EmailAddress;

use crate::api::call::Call;
use crate::body::{Json, NoFields, OptionalJson, PathId};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{EmailAddressView, List, UserView};

errors!(ListErrors: [SIGNED_IN] NotFound);

/// List one's own addresses, oldest first
#[utoipa::path(
    get, path = "/v1/client/me/email-addresses", operation_id = "list_email_addresses", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "All of them", body = List<EmailAddressView>), ListErrors)
)]
pub(super) async fn list(call: Call) -> Result<Reply<List<EmailAddressView>>, ApiError> {
    let authenticated = call.authenticated().await?;
    let account = call
        .zalt()
        .users()
        .find_account(authenticated.user().id)
        .await?;
    Ok(Reply(List::whole(EmailAddressView::all_of(&account))))
}

/// The address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddEmailAddress {
    #[schema(example = "ada@example.org")]
    email_address: String,
}

errors!(AddErrors: [BODY, SIGNED_IN] EmailAddressTaken, TooManyIdentifiers, ReauthenticationRequired, NotFound, Conflict);

/// Add an address
///
/// It leads nowhere until it is verified.
#[utoipa::path(
    post, path = "/v1/client/me/email-addresses", operation_id = "add_email_address", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = AddEmailAddress,
    responses((status = 201, description = "Added: verify it next", body = EmailAddressView), AddErrors)
)]
pub(super) async fn add(
    call: Call,
    Json(body): Json<AddEmailAddress>,
) -> Result<(StatusCode, Reply<EmailAddressView>), ApiError> {
    let authenticated = call.authenticated().await?;
    let address = EmailAddress::parse(&body.email_address).map_err(Error::from)?;
    let users = call.zalt().users();
    let added = users
        .add_email_address(call.context(), &authenticated, address)
        .await?;
    let view = EmailAddressView::of(&added).ok_or(Error::Internal("an address is none"))?;
    Ok((StatusCode::CREATED, Reply(view)))
}

errors!(RemoveErrors: [BODY, SIGNED_IN] LastIdentifier, LastSecondFactor, ReauthenticationRequired, NotFound, Conflict);

/// Remove an address
///
/// The last verified one stays.
#[utoipa::path(
    delete, path = "/v1/client/me/email-addresses/{id}", operation_id = "remove_email_address", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "the address", example = "idn_01h455vb4pex5vsknk084sn02q")),
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
        .remove_email_address(call.context(), &authenticated, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

errors!(PrimaryErrors: [BODY, SIGNED_IN] IdentifierNotVerified, ReauthenticationRequired, NotFound, Conflict);

/// Make a verified address the one that messages go to
#[utoipa::path(
    post, path = "/v1/client/me/email-addresses/{id}/make-primary", operation_id = "make_email_address_primary", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "the address", example = "idn_01h455vb4pex5vsknk084sn02q")),
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
