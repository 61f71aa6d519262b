use axum::Json as Reply;
use axum::response::Response;
use http::StatusCode;
use zalt_core::Error;
use zalt_core::id::CredentialId;

use crate::api::call::Call;
use crate::api::connection::{BegunConnection, GoTo};
use crate::body::{Json, NoFields, OptionalJson, PathId};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{ExternalAccountView, List, ProviderTokenView};

errors!(ListErrors: [SIGNED_IN] NotFound);

/// The accounts at providers
#[utoipa::path(
    get, path = "/v1/client/me/external-accounts", operation_id = "list_external_accounts", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "All of them, oldest first", body = List<ExternalAccountView>), ListErrors)
)]
pub(super) async fn list(call: Call) -> Result<Reply<List<ExternalAccountView>>, ApiError> {
    let authenticated = call.authenticated().await?;
    let users = call.zalt().users();
    let account = users.find_account(authenticated.user().id).await?;
    let credentials = account.credentials.iter();
    Ok(Reply(List::whole(
        credentials.filter_map(ExternalAccountView::of).collect(),
    )))
}

errors!(LinkErrors: [BODY, SIGNED_IN] ConnectionNotFound, ConnectionUnavailable, ReturnAddressNotAllowed,
    ReauthenticationRequired, RateLimited, NotFound, Conflict);

/// Begin to link an account at a provider
///
/// Send the browser to `authorization_url`. It has to come back in the session that asked.
#[utoipa::path(
    post, path = "/v1/client/me/external-accounts", operation_id = "begin_link", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = GoTo,
    responses((status = 201, description = "Begun", body = BegunConnection), LinkErrors)
)]
pub(super) async fn link(call: Call, Json(body): Json<GoTo>) -> Result<Response, ApiError> {
    let authenticated = call.authenticated().await?;
    let key = body.key()?;
    let connections = call.zalt().connections();
    let started = connections
        .begin_link(call.context(), &authenticated, body.begin(&key))
        .await?;
    BegunConnection::reply(&call, &started)
}

errors!(UnlinkErrors: [BODY, SIGNED_IN] LastWayIn, ReauthenticationRequired, NotFound, Conflict);

/// Unlink an account at a provider
///
/// Its tokens are forgotten here, and given back to the provider if it takes them.
#[utoipa::path(
    delete, path = "/v1/client/me/external-accounts/{id}", operation_id = "unlink", tag = "me",
    params(("id" = String, Path, description = "the external account", example = "cred_01h455vb4pex5vsknk084sn02q")),
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 204, description = "Unlinked"), UnlinkErrors)
)]
pub(super) async fn unlink(
    call: Call,
    PathId(id): PathId<CredentialId>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<StatusCode, ApiError> {
    let authenticated = call.authenticated().await?;
    let connections = call.zalt().connections();
    connections
        .unlink(call.context(), &authenticated, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

errors!(TokenErrors: [BODY, SIGNED_IN] ProviderTokenMissing, ProviderTokenBusy, ConnectionUnavailable, ConnectionNotFound, NotFound,
    Conflict);

/// A token for the API of the provider
///
/// Refreshed before it ends. Only where the application hands provider tokens to its front ends; elsewhere there is nothing
/// here.
#[utoipa::path(
    post, path = "/v1/client/me/external-accounts/{id}/token", operation_id = "provider_token", tag = "me",
    params(("id" = String, Path, description = "the external account", example = "cred_01h455vb4pex5vsknk084sn02q")),
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "The token", body = ProviderTokenView), TokenErrors)
)]
pub(super) async fn token(
    call: Call,
    PathId(id): PathId<CredentialId>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Reply<ProviderTokenView>, ApiError> {
    let authenticated = call.authenticated().await?;
    if !call.http.config().hand_out_provider_tokens {
        return Err(Error::NotFound.into());
    }
    let connections = call.zalt().connections();
    let token = connections
        .provider_token(authenticated.user().id, id)
        .await?;
    Ok(Reply(ProviderTokenView::of(&token)))
}
