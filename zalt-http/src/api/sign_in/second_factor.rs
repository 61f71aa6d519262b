use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use zalt_core::passkey::AssertionResponse;

use crate::api::attempt::{SignInToken, view};
use crate::api::call::Call;
use crate::api::fields::{SecondFactor, SendSecondFactor, credential_id};
use crate::api::sign_in::progress::{FactorPassed, go_on};
use crate::api::signed_in::{CompleteWithRecoveryCodes, complete_with_recovery_codes};
use crate::body::{Json, NoFields, OptionalJson};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{SignInView, TotpEnrollmentView};

errors!(PrepareErrors: [BODY] FactorNotAllowed, AttemptNotFound, AttemptStep, AttemptExhausted, NotFound,
    PhoneNumberNotAllowed, RateLimited, Conflict);

/// Send the code of a second factor
///
/// It voids the one before it. A code of the same kind as the first factor is refused.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/prepare-second-factor", operation_id = "prepare_second_factor",
    tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    request_body = SendSecondFactor,
    responses((status = 200, description = "Sent", body = SignInView), PrepareErrors)
)]
pub(super) async fn prepare(
    call: Call,
    SignInToken(token): SignInToken,
    Json(body): Json<SendSecondFactor>,
) -> Result<Response, ApiError> {
    let zalt = call.zalt();
    let attempt = zalt
        .sign_ins()
        .prepare_second_factor(call.context(), &token, body.strategy.into())
        .await?;
    Ok(view(SignInView::of(zalt, &attempt))?.into_response())
}

/// The strategy with the `code` that it asks for, or the `credential`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttemptSecondFactor {
    strategy: SecondFactor,
    /// Six digits, of an authenticator app or sent, or a recovery code.
    #[schema(example = "123456")]
    code: Option<String>,
    /// What `toJSON()` makes of the credential that a passkey answered.
    #[schema(value_type = Option<Object>, example = json!({ "id": "...", "rawId": "...", "type": "public-key", "response": {} }))]
    credential: Option<AssertionResponse>,
    /// Whether the device stands in for the second factor from now on, where the application allows that.
    #[serde(default)]
    trust_device: bool,
}

errors!(AttemptErrors: [BODY] CodeIncorrect, PasskeyRefused, PasskeyRequestOver, AccountFrozen, AccountSuspended, FactorNotAllowed,
    AttemptNotFound, AttemptStep, AttemptExhausted, RateLimited, Conflict);

/// Pass the second factor
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/attempt-second-factor", operation_id = "attempt_second_factor",
    tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    request_body = AttemptSecondFactor,
    responses((status = 200, description = "Signed in", body = FactorPassed), AttemptErrors)
)]
pub(super) async fn attempt(
    call: Call,
    SignInToken(token): SignInToken,
    Json(body): Json<AttemptSecondFactor>,
) -> Result<Response, ApiError> {
    let proof = body.strategy.proof(body.code, body.credential)?;
    let context = if body.trust_device {
        call.context().clone().trusting_device()
    } else {
        call.context().clone()
    };
    let progress = call
        .zalt()
        .sign_ins()
        .attempt_second_factor(&context, &token, &proof)
        .await?;
    go_on(&call, progress).await
}

errors!(BeginErrors: [BODY] FactorNotAllowed, AttemptNotFound, AttemptStep, TooManyCredentials, RateLimited, Conflict);

/// Begin to set up an authenticator app, where everybody needs a second factor
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/totp", operation_id = "begin_sign_in_totp", tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    responses((status = 200, description = "What to scan, shown once", body = TotpEnrollmentView), BeginErrors)
)]
pub(super) async fn begin_totp(
    call: Call,
    SignInToken(token): SignInToken,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<axum::Json<TotpEnrollmentView>, ApiError> {
    let enrollment = call
        .zalt()
        .sign_ins()
        .begin_totp(call.context(), &token)
        .await?;
    Ok(axum::Json(TotpEnrollmentView::of(&enrollment)?))
}

/// The app's first code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmTotp {
    #[schema(example = "cred_01h455vb4pex5vsknk084sn02q")]
    credential_id: String,
    #[schema(example = "123456")]
    code: String,
}

errors!(ConfirmErrors: [BODY] FactorNotAllowed, CodeIncorrect, AccountFrozen, AccountSuspended, AttemptNotFound, AttemptStep, AttemptExhausted, RateLimited,
    NotFound, Conflict);

/// Confirm the authenticator app and be signed in
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/totp/confirm", operation_id = "confirm_sign_in_totp", tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    request_body = ConfirmTotp,
    responses(
        (status = 200, description = "Signed in, with recovery codes that are shown once", body = CompleteWithRecoveryCodes),
        ConfirmErrors
    )
)]
pub(super) async fn confirm_totp(
    call: Call,
    SignInToken(token): SignInToken,
    Json(body): Json<ConfirmTotp>,
) -> Result<Response, ApiError> {
    let id = credential_id(&body.credential_id)?;
    let (signed_in, codes) = call
        .zalt()
        .sign_ins()
        .confirm_totp(call.context(), &token, id, &body.code)
        .await?;
    complete_with_recovery_codes(&call, signed_in, codes).await
}
