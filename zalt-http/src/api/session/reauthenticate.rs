use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zalt_core::passkey::AssertionResponse;
use zalt_core::{Error, ErrorCode};

use crate::api::call::Call;
use crate::api::fields::{SecondFactor, SendSecondFactor, password};
use crate::body::{Json, NoFields, OptionalJson, require};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{PasskeyRequestView, SessionView};

/// The `password` of the person who is signed in, or a `strategy` with its `code` or `credential`, which proves a second
/// factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reauthenticate {
    #[schema(example = "a walk in the rain")]
    password: Option<String>,
    strategy: Option<SecondFactor>,
    #[schema(example = "123456")]
    code: Option<String>,
    /// What `toJSON()` makes of the credential that a passkey answered.
    #[schema(value_type = Option<Object>, example = json!({ "id": "...", "rawId": "...", "type": "public-key", "response": {} }))]
    credential: Option<AssertionResponse>,
    /// Which code, for one that was sent.
    #[schema(example = "att_01h455vb4pex5vsknk084sn02q")]
    challenge_id: Option<String>,
}

/// A code that was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sent {
    /// What to give with the code.
    #[schema(example = "att_01h455vb4pex5vsknk084sn02q")]
    challenge_id: String,
}

errors!(PrepareCodeErrors: [BODY, SIGNED_IN] FactorNotAllowed, NotFound, PhoneNumberNotAllowed, AttemptExhausted, RateLimited,
    Conflict);

/// Send the code with which somebody who is signed in proves a second factor again
///
/// A code of the same kind as the one that the session began by is refused.
#[utoipa::path(
    post, path = "/v1/client/reauthenticate/prepare-code", operation_id = "prepare_code_reauthentication", tag = "sessions",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = SendSecondFactor,
    responses((status = 200, description = "Sent", body = Sent), PrepareCodeErrors)
)]
pub(super) async fn prepare_code(
    call: Call,
    Json(body): Json<SendSecondFactor>,
) -> Result<axum::Json<Sent>, ApiError> {
    let authenticated = call.authenticated_even_limited().await?;
    let sessions = call.zalt().sessions();
    let attempt = sessions
        .prepare_step_up(call.context(), &authenticated, body.strategy.into())
        .await?;
    Ok(axum::Json(Sent {
        challenge_id: attempt.id.to_string(),
    }))
}

/// The session as it is now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reauthenticated {
    session: SessionView,
}

errors!(ReauthenticateErrors: [BODY, SIGNED_IN] CredentialsIncorrect, CodeIncorrect, PasskeyRefused, PasskeyRequestOver,
    AccountFrozen, AccountSuspended, FactorNotAllowed, AttemptNotFound, AttemptExhausted, RateLimited, Overloaded, Conflict);

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
    let authenticated = call.authenticated_even_limited().await?;
    let zalt = call.zalt();
    let sessions = zalt.sessions();
    let token = match (body.strategy, body.password) {
        (Some(strategy), None) => {
            let proof = strategy.proof(body.code, body.credential)?;
            let (context, sent) = (call.context(), body.challenge_id);
            match sent {
                None => sessions.step_up(context, &authenticated, &proof).await?,
                Some(id) => {
                    let id = id.parse().map_err(|_| Error::AttemptNotFound)?;
                    sessions
                        .step_up_by_message(context, &authenticated, id, &proof)
                        .await?
                }
            }
        }
        (None, text) => {
            let password = password(require(text, "password")?)?;
            sessions
                .reauthenticate(call.context(), &authenticated, password)
                .await?
        }
        (Some(_), Some(_)) => {
            let message = "give a password or the code of a second factor, and not both";
            return Err(ApiError::new(ErrorCode::InvalidField, message).at("password"));
        }
    };
    let id = authenticated.session().id;
    let session = zalt.store().session(id).await.map_err(Error::from)?;
    let session = session.ok_or(Error::SessionOver)?;
    let view = SessionView::of(&session, true);
    let mut response = axum::Json(Reauthenticated { session: view }).into_response();
    call.hand_over(&authenticated, token.as_ref(), &mut response)?;
    Ok(response)
}

errors!(PrepareErrors: [BODY, SIGNED_IN] FactorNotAllowed, NotFound, RateLimited);

/// Ask for a passkey of the person who is signed in
///
/// To prove with the answer who is there (`strategy`: `passkey`).
#[utoipa::path(
    post, path = "/v1/client/reauthenticate/prepare-passkey", operation_id = "prepare_reauthentication_passkey",
    tag = "sessions",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "What to ask", body = PasskeyRequestView), PrepareErrors)
)]
pub(super) async fn prepare_passkey(
    call: Call,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<axum::Json<PasskeyRequestView>, ApiError> {
    let authenticated = call.authenticated_even_limited().await?;
    let public_key = call
        .zalt()
        .sessions()
        .prepare_passkey(call.context(), &authenticated)
        .await?;
    Ok(axum::Json(PasskeyRequestView { public_key }))
}
