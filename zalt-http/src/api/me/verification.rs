//! Proving that an address or a number is one's own.

use axum::Json as Reply;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zalt_core::attempt::{AttemptState, ChallengeStrategy, Proof};
use zalt_core::id::{AttemptId, IdentifierId};
use zalt_core::identifier::Identifier;
use zalt_core::{Error, Timestamp};

use crate::api::call::Call;
use crate::api::fields::proof;
use crate::body::{Json, NoFields, OptionalJson, PathId, require};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{EmailAddressView, EmailStrategy, PhoneNumberView};

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
pub(super) async fn prepare_email_address(
    call: Call,
    PathId(id): PathId<IdentifierId>,
    Json(body): Json<PrepareVerification>,
) -> Result<Reply<Prepared>, ApiError> {
    prepare(&call, id, body.strategy.into()).await
}

errors!(PrepareNumberErrors: [BODY, SIGNED_IN] NotFound, PhoneNumberNotAllowed, AttemptExhausted, RateLimited, Conflict);

/// Send a code to a phone number
///
/// The answer is the same if the number is somebody else's, who gets a text message that says so.
#[utoipa::path(
    post, path = "/v1/client/me/phone-numbers/{id}/prepare-verification", operation_id = "prepare_phone_number_verification", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "the number", example = "idn_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "Sent", body = Prepared), PrepareNumberErrors)
)]
pub(super) async fn prepare_phone_number(
    call: Call,
    PathId(id): PathId<IdentifierId>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Reply<Prepared>, ApiError> {
    prepare(&call, id, ChallengeStrategy::SmsCode).await
}

async fn prepare(
    call: &Call,
    id: IdentifierId,
    strategy: ChallengeStrategy,
) -> Result<Reply<Prepared>, ApiError> {
    let authenticated = call.authenticated().await?;
    let verifications = call.zalt().address_verifications();
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
    EmailAddressTaken, ReauthenticationRequired, RateLimited, Conflict);

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
pub(super) async fn attempt_email_address(
    call: Call,
    PathId(id): PathId<IdentifierId>,
    Json(body): Json<AttemptVerification>,
) -> Result<Reply<EmailAddressView>, ApiError> {
    let proof = proof(body.code, body.token)?;
    let verification = match (&body.verification_id, &proof) {
        (None, Proof::Link(link)) => link.id(),
        (text, _) => verification_id(text.as_deref())?,
    };
    let verified = attempt(&call, id, verification, &proof).await?;
    let view = EmailAddressView::of(&verified).ok_or(Error::AttemptNotFound)?;
    Ok(Reply(view))
}

/// The code from the text message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttemptNumberVerification {
    /// Which verification.
    #[schema(example = "att_01h455vb4pex5vsknk084sn02q")]
    verification_id: String,
    #[schema(example = "123456")]
    code: String,
}

errors!(AttemptNumberErrors: [BODY, SIGNED_IN] CodeIncorrect, AttemptNotFound, AttemptExhausted, NotFound, PhoneNumberTaken,
    ReauthenticationRequired, RateLimited, Conflict);

/// Verify a phone number
///
/// Counts in the session that asked for it only. All addresses of the account are told.
#[utoipa::path(
    post, path = "/v1/client/me/phone-numbers/{id}/attempt-verification", operation_id = "attempt_phone_number_verification", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "the number", example = "idn_01h455vb4pex5vsknk084sn02q")),
    request_body = AttemptNumberVerification,
    responses((status = 200, description = "Verified", body = PhoneNumberView), AttemptNumberErrors)
)]
pub(super) async fn attempt_phone_number(
    call: Call,
    PathId(id): PathId<IdentifierId>,
    Json(body): Json<AttemptNumberVerification>,
) -> Result<Reply<PhoneNumberView>, ApiError> {
    let verification = verification_id(Some(&body.verification_id))?;
    let verified = attempt(&call, id, verification, &Proof::code(&body.code)).await?;
    let view = PhoneNumberView::of(&verified).ok_or(Error::AttemptNotFound)?;
    Ok(Reply(view))
}

fn verification_id(text: Option<&str>) -> Result<AttemptId, ApiError> {
    let id = require(text, "verification_id")?.parse();
    Ok(id.map_err(|_| Error::AttemptNotFound)?)
}

async fn attempt(
    call: &Call,
    id: IdentifierId,
    verification: AttemptId,
    proof: &Proof,
) -> Result<Identifier, ApiError> {
    let authenticated = call.authenticated().await?;
    require_address(call, verification, id).await?;
    let verifications = call.zalt().address_verifications();
    Ok(verifications
        .attempt_proof(call.context(), &authenticated, verification, proof)
        .await?)
}

/// Requires that the verification is for the address or number in the path. Core sees to it that the session asked for it.
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
        Some(AttemptState::AddressVerification(state)) if state.identifier_id == id => Ok(()),
        _ => Err(Error::AttemptNotFound.into()),
    }
}
