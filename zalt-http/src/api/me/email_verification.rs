use axum::Json as Reply;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zalt_core::attempt::{AttemptState, Proof};
use zalt_core::id::{AttemptId, IdentifierId};
use zalt_core::{Error, Timestamp};

use crate::api::call::Call;
use crate::api::fields::proof;
use crate::body::{Json, PathId, require};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{EmailAddressView, EmailStrategy};

/// How the code is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrepareVerification {
    strategy: EmailStrategy,
}

/// A verification under way.
#[derive(Serialize, ToSchema)]
pub(crate) struct Prepared {
    verification: Verification,
}

/// What names the verification, and its end.
#[derive(Serialize, ToSchema)]
pub(crate) struct Verification {
    #[schema(example = "att_01h455vb4pex5vsknk084sn02q")]
    id: String,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:00:00Z")]
    expires_at: Timestamp,
}

errors!(PrepareErrors: [BODY, SIGNED_IN] NotFound, AttemptExhausted, RateLimited, Conflict);

/// Send a code or link to an address
///
/// The answer is the same if the address is somebody else's, who gets a mail that says so.
#[utoipa::path(
    post, path = "/v1/client/me/email-addresses/{id}/prepare-verification", operation_id = "prepare_email_address_verification", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "the address", example = "idn_01h455vb4pex5vsknk084sn02q")),
    request_body = PrepareVerification,
    responses((status = 200, description = "Sent", body = Prepared), PrepareErrors)
)]
pub(super) async fn prepare(
    call: Call,
    PathId(id): PathId<IdentifierId>,
    Json(body): Json<PrepareVerification>,
) -> Result<Reply<Prepared>, ApiError> {
    let authenticated = call.authenticated().await?;
    let verifications = call.zalt().email_verifications();
    let strategy = body.strategy.into();
    let attempt = verifications
        .prepare(call.context(), &authenticated, id, strategy)
        .await?;
    Ok(Reply(Prepared {
        verification: Verification {
            id: attempt.id.to_string(),
            expires_at: attempt.expires_at,
        },
    }))
}

/// The code from the mail, or the `token` of its link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttemptVerification {
    /// Which verification; a link names it by itself.
    #[schema(example = "att_01h455vb4pex5vsknk084sn02q")]
    verification_id: Option<String>,
    #[schema(example = "123456")]
    code: Option<String>,
    #[schema(example = "zlt_...")]
    token: Option<String>,
}

errors!(AttemptErrors: [BODY, SIGNED_IN] CodeIncorrect, LinkIncorrect, AttemptNotFound, AttemptExhausted, NotFound,
    EmailAddressTaken, RateLimited, Conflict);

/// Verify an address
///
/// Counts in the session that asked for it only. All addresses of the account are told.
#[utoipa::path(
    post, path = "/v1/client/me/email-addresses/{id}/attempt-verification", operation_id = "attempt_email_address_verification", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "the address", example = "idn_01h455vb4pex5vsknk084sn02q")),
    request_body = AttemptVerification,
    responses((status = 200, description = "Verified", body = EmailAddressView), AttemptErrors)
)]
pub(super) async fn attempt(
    call: Call,
    PathId(id): PathId<IdentifierId>,
    Json(body): Json<AttemptVerification>,
) -> Result<Reply<EmailAddressView>, ApiError> {
    let authenticated = call.authenticated().await?;
    let proof = proof(body.code, body.token)?;
    let verification: AttemptId = match (&body.verification_id, &proof) {
        (None, Proof::Link(link)) => link.id(),
        (text, _) => require(text.as_deref(), "verification_id")?
            .parse()
            .map_err(|_| Error::AttemptNotFound)?,
    };
    require_address(&call, verification, id).await?;
    let verifications = call.zalt().email_verifications();
    let verified = verifications
        .attempt_proof(call.context(), &authenticated, verification, &proof)
        .await?;
    let view = EmailAddressView::of(&verified).ok_or(Error::Internal("an address is none"))?;
    Ok(Reply(view))
}

/// Requires that the verification is for the address in the path. Core sees to it that the session asked for it.
async fn require_address(
    call: &Call,
    verification: AttemptId,
    id: IdentifierId,
) -> Result<(), ApiError> {
    let attempt = call
        .zalt()
        .store()
        .attempt(verification)
        .await
        .map_err(Error::from)?;
    match attempt.map(|attempt| attempt.state) {
        Some(AttemptState::EmailVerification(state)) if state.identifier_id == id => Ok(()),
        _ => Err(Error::AttemptNotFound.into()),
    }
}
