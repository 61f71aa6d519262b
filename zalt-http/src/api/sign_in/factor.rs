use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy, Proof};
use zalt_core::passkey::AssertionResponse;

use crate::api::attempt::{SignInToken, view};
use crate::api::call::Call;
use crate::api::fields::password;
use crate::api::sign_in::progress::{FactorPassed, go_on};
use crate::body::{Json, require};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::SignInView;

/// What is sent, and what passing it leads to: a session, or a new password.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageStrategy {
    EmailCode,
    EmailLink,
    SmsCode,
    ResetPasswordEmailCode,
    ResetPasswordEmailLink,
}

/// How the first factor is to be passed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrepareFirstFactor {
    strategy: MessageStrategy,
}

errors!(PrepareErrors: [BODY] FactorNotAllowed, AttemptNotFound, AttemptStep, AttemptExhausted, RateLimited, Conflict);

/// Send a code or link
///
/// It voids the one before it. The answer is the same whether or not anybody gets a message.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/prepare-first-factor", operation_id = "prepare_first_factor", tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    request_body = PrepareFirstFactor,
    responses((status = 200, description = "Sent, if there is somebody to send it to", body = SignInView), PrepareErrors)
)]
pub(super) async fn prepare(
    call: Call,
    SignInToken(token): SignInToken,
    Json(body): Json<PrepareFirstFactor>,
) -> Result<Response, ApiError> {
    use ChallengePurpose::{ResetPassword, SignIn};
    let (purpose, strategy) = match body.strategy {
        MessageStrategy::EmailCode => (SignIn, ChallengeStrategy::EmailCode),
        MessageStrategy::EmailLink => (SignIn, ChallengeStrategy::EmailLink),
        MessageStrategy::SmsCode => (SignIn, ChallengeStrategy::SmsCode),
        MessageStrategy::ResetPasswordEmailCode => (ResetPassword, ChallengeStrategy::EmailCode),
        MessageStrategy::ResetPasswordEmailLink => (ResetPassword, ChallengeStrategy::EmailLink),
    };
    let attempt = call
        .zalt()
        .sign_ins()
        .prepare(call.context(), &token, purpose, strategy)
        .await?;
    Ok(view(SignInView::of(call.zalt(), &attempt))?.into_response())
}

/// How the first factor is passed.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FirstFactor {
    Password,
    Passkey,
    EmailCode,
    EmailLink,
    SmsCode,
    ResetPasswordEmailCode,
    ResetPasswordEmailLink,
}

/// The strategy with what it asks for: `password`, the `code` from the message, the `token` of its link, or the `credential`
/// that a passkey answered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttemptFirstFactor {
    strategy: FirstFactor,
    #[schema(example = "a walk in the rain")]
    password: Option<String>,
    #[schema(example = "123456")]
    code: Option<String>,
    #[schema(example = "zlt_...")]
    token: Option<String>,
    /// What `toJSON()` makes of the credential.
    #[schema(value_type = Option<Object>, example = json!({ "id": "...", "rawId": "...", "type": "public-key", "response": {} }))]
    credential: Option<AssertionResponse>,
}

errors!(AttemptErrors: [BODY] CredentialsIncorrect, CodeIncorrect, LinkIncorrect, PasskeyRefused, PasskeyRequestOver,
    AccountFrozen, AccountSuspended, FactorNotAllowed, AttemptNotFound, AttemptStep, AttemptExhausted, RateLimited, Overloaded, Conflict);

/// Pass the first factor
///
/// A link counts in the browser that asked for it only. After a code or link for a new password the attempt needs that
/// password next, and nobody is signed in. Whoever has set up a second factor needs that next, but after a passkey that checked
/// who is there.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/attempt-first-factor", operation_id = "attempt_first_factor", tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    request_body = AttemptFirstFactor,
    responses(
        (status = 200, description = "Signed in, or the attempt that needs a second factor or a new password",
            body = FactorPassed),
        AttemptErrors
    )
)]
pub(super) async fn attempt(
    call: Call,
    SignInToken(token): SignInToken,
    Json(body): Json<AttemptFirstFactor>,
) -> Result<Response, ApiError> {
    let sign_ins = call.zalt().sign_ins();
    let proof = match body.strategy {
        FirstFactor::Password => {
            let password = password(require(body.password, "password")?)?;
            let progress = sign_ins
                .attempt_password(call.context(), &token, password)
                .await?;
            return go_on(&call, progress).await;
        }
        FirstFactor::Passkey => {
            let response = require(body.credential, "credential")?;
            let progress = sign_ins
                .attempt_passkey(call.context(), &token, &response)
                .await?;
            return go_on(&call, progress).await;
        }
        FirstFactor::EmailCode | FirstFactor::SmsCode | FirstFactor::ResetPasswordEmailCode => {
            Proof::code(&require(body.code, "code")?)
        }
        // The mail with the link has the code too, for whoever reads it on another device.
        FirstFactor::EmailLink | FirstFactor::ResetPasswordEmailLink => {
            match (body.token, body.code) {
                (None, Some(code)) => Proof::code(&code),
                (token, _) => Proof::link(&require(token, "token")?)?,
            }
        }
    };
    let progress = sign_ins
        .attempt_proof(call.context(), &token, &proof)
        .await?;
    go_on(&call, progress).await
}
