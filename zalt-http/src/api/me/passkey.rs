use axum::Json as Reply;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use zalt_core::Error;

use crate::api::call::Call;
use crate::api::fields::name;
use crate::api::sign_in::ConfirmPasskey;
use crate::api::signed_in::shown;
use crate::body::{Json, NoFields, OptionalJson};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{CredentialView, PasskeyCreationView};

errors!(BeginErrors: [BODY, SIGNED_IN] FactorNotAllowed, TooManyCredentials, ReauthenticationRequired, NotFound);

/// Ask for a new passkey
#[utoipa::path(
    post, path = "/v1/client/me/passkeys", operation_id = "begin_passkey", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "What to ask", body = PasskeyCreationView), BeginErrors)
)]
pub(super) async fn begin(
    call: Call,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Reply<PasskeyCreationView>, ApiError> {
    let authenticated = call.authenticated_even_limited().await?;
    let credentials = call.zalt().credentials();
    let public_key = credentials
        .begin_passkey(call.context(), &authenticated)
        .await?;
    Ok(Reply(PasskeyCreationView { public_key }))
}

/// A passkey that was registered.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegisteredPasskeyView {
    credential: CredentialView,
    /// Shown here and never again. Empty where the user has a set already, or needs none.
    #[schema(example = json!(["abcd-efgh-jkmn-pqrs"]))]
    recovery_codes: Vec<String>,
}

errors!(ConfirmErrors: [BODY, SIGNED_IN] PasskeyRefused, PasskeyRequestOver, FactorNotAllowed, TooManyCredentials,
    RateLimited, ReauthenticationRequired, NotFound, Conflict);

/// Register the new passkey
///
/// With the first second factor come recovery codes, and a session that was limited for the want of it is raised.
#[utoipa::path(
    post, path = "/v1/client/me/passkeys/confirm", operation_id = "confirm_passkey", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = ConfirmPasskey,
    responses((status = 201, description = "Registered", body = RegisteredPasskeyView), ConfirmErrors)
)]
pub(super) async fn confirm(
    call: Call,
    Json(body): Json<ConfirmPasskey>,
) -> Result<Response, ApiError> {
    let authenticated = call.authenticated_even_limited().await?;
    let name = name(body.name.as_deref(), "name")?;
    let credentials = call.zalt().credentials();
    let (credential, enrolled) = credentials
        .confirm_passkey(call.context(), &authenticated, &body.credential, name)
        .await?;
    let view = RegisteredPasskeyView {
        credential: CredentialView::of(&credential)
            .ok_or(Error::Internal("a passkey has no view"))?,
        recovery_codes: enrolled
            .recovery_codes
            .as_ref()
            .map(shown)
            .unwrap_or_default(),
    };
    let mut response = (StatusCode::CREATED, Reply(view)).into_response();
    call.hand_over(&authenticated, enrolled.token.as_ref(), &mut response)?;
    Ok(response)
}
