use axum::Json as Reply;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zalt_core::Error;
use zalt_core::id::{CredentialId, IdentifierId};

use crate::api::call::Call;
use crate::api::fields::name;
use crate::api::signed_in::shown;
use crate::body::{Json, NoFields, OptionalJson, PathId};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{CredentialView, List, TotpEnrollmentView};

errors!(ListErrors: [SIGNED_IN] NotFound);

/// The credentials beside the password
#[utoipa::path(
    get, path = "/v1/client/me/credentials", operation_id = "list_credentials", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "All of them, oldest first", body = List<CredentialView>), ListErrors)
)]
pub(super) async fn list(call: Call) -> Result<Reply<List<CredentialView>>, ApiError> {
    let authenticated = call.authenticated_even_limited().await?;
    let users = call.zalt().users();
    let account = users.find_account(authenticated.user().id).await?;
    let credentials = account.credentials.iter();
    Ok(Reply(List::whole(
        credentials.filter_map(CredentialView::of).collect(),
    )))
}

/// What the app is called, to tell it from another.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginTotp {
    #[schema(example = "Ada's phone")]
    name: Option<String>,
}

errors!(BeginErrors: [BODY, SIGNED_IN] FactorNotAllowed, TooManyCredentials, ReauthenticationRequired, NotFound, Conflict);

/// Begin to set up an authenticator app
///
/// It counts once it is confirmed. One that was begun before and never confirmed is dropped.
#[utoipa::path(
    post, path = "/v1/client/me/totp", operation_id = "begin_totp", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = BeginTotp,
    responses((status = 201, description = "What to scan, shown once", body = TotpEnrollmentView), BeginErrors)
)]
pub(super) async fn begin_totp(
    call: Call,
    OptionalJson(body): OptionalJson<BeginTotp>,
) -> Result<(StatusCode, Reply<TotpEnrollmentView>), ApiError> {
    let authenticated = call.authenticated_even_limited().await?;
    let name = name(body.name.as_deref(), "name")?;
    let credentials = call.zalt().credentials();
    let enrollment = credentials
        .begin_totp(call.context(), &authenticated, name)
        .await?;
    let view = TotpEnrollmentView::of(&enrollment)?;
    Ok((StatusCode::CREATED, Reply(view)))
}

/// The app's first code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmOwnTotp {
    #[schema(example = "123456")]
    code: String,
}

/// Recovery codes, each good for one sign-in.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodesView {
    /// Shown here and never again. Empty where the user has a set already.
    #[schema(example = json!(["abcd-efgh-jkmn-pqrs"]))]
    recovery_codes: Vec<String>,
}

errors!(ConfirmErrors: [BODY, SIGNED_IN] FactorNotAllowed, CodeIncorrect, RateLimited, ReauthenticationRequired, NotFound,
    Conflict);

/// Confirm an authenticator app
///
/// Sign-ins ask for it from now on. With the first one come recovery codes, and a session that was limited for the want of it is
/// raised.
#[utoipa::path(
    post, path = "/v1/client/me/totp/{id}/confirm", operation_id = "confirm_totp", tag = "me",
    params(("id" = String, Path, description = "the credential", example = "cred_01h455vb4pex5vsknk084sn02q")),
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = ConfirmOwnTotp,
    responses((status = 200, description = "Confirmed", body = RecoveryCodesView), ConfirmErrors)
)]
pub(super) async fn confirm_totp(
    call: Call,
    PathId(id): PathId<CredentialId>,
    Json(body): Json<ConfirmOwnTotp>,
) -> Result<Response, ApiError> {
    let authenticated = call.authenticated_even_limited().await?;
    let credentials = call.zalt().credentials();
    let enrolled = credentials
        .confirm_totp(call.context(), &authenticated, id, &body.code)
        .await?;
    let codes = enrolled.recovery_codes.as_ref();
    let view = RecoveryCodesView {
        recovery_codes: codes.map(shown).unwrap_or_default(),
    };
    let mut response = Reply(view).into_response();
    call.hand_over(&authenticated, enrolled.token.as_ref(), &mut response)?;
    Ok(response)
}

/// Where codes are to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddMessages {
    /// A verified address or number of the user.
    #[schema(example = "idn_01h455vb4pex5vsknk084sn02q")]
    identifier_id: String,
}

/// A second factor that was set up, with the recovery codes that came with the first one.
#[derive(Serialize, ToSchema)]
pub(crate) struct AddedMessages {
    credential: CredentialView,
    /// Shown here and never again. Empty where the user has a set already.
    #[schema(example = json!(["abcd-efgh-jkmn-pqrs"]))]
    recovery_codes: Vec<String>,
}

errors!(MessagesErrors: [BODY, SIGNED_IN] FactorNotAllowed, IdentifierNotVerified, PhoneNumberNotAllowed, TooManyCredentials,
    ReauthenticationRequired, NotFound, Conflict);

/// Have codes sent as a second factor
///
/// To a verified address or phone number, with which they go. Sign-ins ask for one from now on.
#[utoipa::path(
    post, path = "/v1/client/me/message-factors", operation_id = "add_message_factor", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = AddMessages,
    responses((status = 201, description = "Set up", body = AddedMessages), MessagesErrors)
)]
pub(super) async fn add_messages(
    call: Call,
    Json(body): Json<AddMessages>,
) -> Result<(StatusCode, Reply<AddedMessages>), ApiError> {
    let authenticated = call.authenticated_even_limited().await?;
    let id: IdentifierId = body
        .identifier_id
        .parse()
        .map_err(|error| ApiError::from(Error::from(error)).at("identifier_id"))?;
    let credentials = call.zalt().credentials();
    let (credential, codes) = credentials
        .add_messages(call.context(), &authenticated, id)
        .await?;
    let added = AddedMessages {
        credential: CredentialView::of(&credential)
            .ok_or(Error::Internal("a credential is of another kind"))?,
        recovery_codes: codes.as_ref().map(shown).unwrap_or_default(),
    };
    Ok((StatusCode::CREATED, Reply(added)))
}

/// What the credential is to be called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenameCredential {
    /// Null for no name.
    #[schema(example = "Laptop")]
    name: Option<String>,
}

errors!(RenameErrors: [BODY, SIGNED_IN] ReauthenticationRequired, NotFound, Conflict);

/// Rename an authenticator app or a passkey
#[utoipa::path(
    patch, path = "/v1/client/me/credentials/{id}", operation_id = "rename_credential", tag = "me",
    params(("id" = String, Path, description = "the credential", example = "cred_01h455vb4pex5vsknk084sn02q")),
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = RenameCredential,
    responses((status = 200, description = "Renamed", body = CredentialView), RenameErrors)
)]
pub(super) async fn rename(
    call: Call,
    PathId(id): PathId<CredentialId>,
    Json(body): Json<RenameCredential>,
) -> Result<Reply<CredentialView>, ApiError> {
    let authenticated = call.authenticated().await?;
    let name = name(body.name.as_deref(), "name")?;
    let credentials = call.zalt().credentials();
    let credential = credentials
        .rename(call.context(), &authenticated, id, name)
        .await?;
    let view = CredentialView::of(&credential).ok_or(Error::NotFound)?;
    Ok(Reply(view))
}

errors!(RemoveErrors: [BODY, SIGNED_IN] LastSecondFactor, LastWayIn, ReauthenticationRequired, NotFound, Conflict);

/// Remove an authenticator app or a passkey
///
/// With the last second factor the recovery codes go.
#[utoipa::path(
    delete, path = "/v1/client/me/credentials/{id}", operation_id = "remove_credential", tag = "me",
    params(("id" = String, Path, description = "the credential", example = "cred_01h455vb4pex5vsknk084sn02q")),
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 204, description = "Removed"), RemoveErrors)
)]
pub(super) async fn remove(
    call: Call,
    PathId(id): PathId<CredentialId>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<StatusCode, ApiError> {
    let authenticated = call.authenticated().await?;
    let credentials = call.zalt().credentials();
    credentials
        .remove(call.context(), &authenticated, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

errors!(RecoveryErrors: [BODY, SIGNED_IN] SecondFactorRequired, ReauthenticationRequired, NotFound, Conflict);

/// Make new recovery codes
///
/// They void those before. There has to be a second factor for which they stand in.
#[utoipa::path(
    post, path = "/v1/client/me/recovery-codes", operation_id = "new_recovery_codes", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "The codes, shown once", body = RecoveryCodesView), RecoveryErrors)
)]
pub(super) async fn new_recovery_codes(
    call: Call,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Reply<RecoveryCodesView>, ApiError> {
    let authenticated = call.authenticated().await?;
    let credentials = call.zalt().credentials();
    let codes = credentials
        .new_recovery_codes(call.context(), &authenticated)
        .await?;
    Ok(Reply(RecoveryCodesView {
        recovery_codes: shown(&codes),
    }))
}
