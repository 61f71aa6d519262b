//! "This wasn't me", and the way back into the account.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use zalt_core::Error;
use zalt_core::Timestamp;
use zalt_core::credential::{Credential, CredentialState};
use zalt_core::identifier::{Identifier, IdentifierKind};
use zalt_core::safety::{Review, ReviewDecision};
use zalt_core::secret::LinkToken;

use super::attempt::{Begun, SignInToken, begun, view};
use super::call::Call;
use super::endpoints::Endpoints;
use crate::body::Json;
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{SignInView, Transport};

pub(super) fn routes<E: Endpoints>(endpoints: E) -> E {
    endpoints
        .routes(routes!(freeze))
        .routes(routes!(recover))
        .routes(routes!(review, finish))
}

/// The `token` of the link in a mail that tells of a change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FreezeAccount {
    #[schema(example = "zlt_...")]
    token: String,
}

errors!(FreezeErrors: [BODY] LinkIncorrect, RateLimited, Conflict);

/// Say that a change was not yours
///
/// Freezes the account: every session ends and nobody signs in. A mail that recovers it goes to the addresses that were the
/// owner's before the change. Opening the link's page does nothing. It freezes once; used again while the account is frozen, it
/// sends those mails again.
///
/// The link in a mail about a recovery through an address that is not on the account any more objects to it: the account stays
/// frozen, and no link that was sent until then recovers it.
#[utoipa::path(
    post, path = "/v1/client/safety/freeze", operation_id = "freeze_account", tag = "safety",
    request_body = FreezeAccount,
    responses((status = 204, description = "Frozen"), FreezeErrors)
)]
async fn freeze(call: Call, Json(body): Json<FreezeAccount>) -> Result<StatusCode, ApiError> {
    let link = LinkToken::parse(&body.token).map_err(|_| Error::LinkIncorrect)?;
    let safety = call.zalt().safety();
    safety.freeze(call.context(), &link).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The `token` of the link in the mail that recovers a frozen account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RecoverAccount {
    #[schema(example = "zlt_...")]
    token: String,
    /// How the session will be held on this device.
    #[serde(default)]
    transport: Transport,
}

errors!(RecoverErrors: [BODY] LinkIncorrect, RecoveryHeld, AccountSuspended, RateLimited, Conflict);

/// Begin to recover a frozen account
///
/// The attempt needs a new password next, where there was one, and then the review. The link to an address that is not on the
/// account any more works only after a while, in which the others can object.
#[utoipa::path(
    post, path = "/v1/client/safety/recover", operation_id = "recover_account", tag = "safety",
    request_body = RecoverAccount,
    responses((status = 200, description = "Begun", body = Begun<SignInView>), RecoverErrors)
)]
async fn recover(call: Call, Json(body): Json<RecoverAccount>) -> Result<Response, ApiError> {
    let link = LinkToken::parse(&body.token).map_err(|_| Error::LinkIncorrect)?;
    let safety = call.zalt().safety();
    let started = safety
        .recover(call.context(), &link, body.transport.into())
        .await?;
    let (attempt, token) = (&started.attempt, &started.token);
    let view = SignInView::of(call.zalt(), attempt);
    let (status, kind) = (StatusCode::OK, CookieKind::SignIn);
    begun(&call, status, kind, attempt, token, view)
}

/// What was added to the account in the week before it was frozen, and since.
#[derive(Serialize, ToSchema)]
struct ReviewView {
    data: Vec<AddedView>,
}

/// Something that was added.
#[derive(Serialize, ToSchema)]
struct AddedView {
    #[schema(example = "cred_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// Such as `totp`, `recovery_codes` or `email_address`.
    #[schema(example = "totp")]
    kind: &'static str,
    /// What its owner called it, or the address.
    #[schema(example = "Phone")]
    name: Option<String>,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    created_at: Timestamp,
}

impl AddedView {
    fn of_credential(credential: &Credential) -> Self {
        Self {
            id: credential.id.to_string(),
            kind: match &credential.state {
                CredentialState::RecoveryCodes(_) => "recovery_codes",
                _ => credential
                    .second_factor()
                    .map_or("unconfirmed", zalt_core::config::SecondFactor::as_str),
            },
            name: credential.name.as_ref().map(ToString::to_string),
            created_at: credential.created_at,
        }
    }

    fn of_identifier(identifier: &Identifier) -> Self {
        Self {
            id: identifier.id.to_string(),
            kind: match identifier.value.kind() {
                IdentifierKind::EmailAddress => "email_address",
                IdentifierKind::PhoneNumber => "phone_number",
                IdentifierKind::Username => "username",
            },
            name: Some(identifier.value.as_str().to_owned()),
            created_at: identifier.created_at,
        }
    }
}

impl ReviewView {
    fn of(review: &Review) -> Self {
        let credentials = review.credentials.iter().map(AddedView::of_credential);
        let identifiers = review.identifiers.iter().map(AddedView::of_identifier);
        Self {
            data: credentials.chain(identifiers).collect(),
        }
    }
}

errors!(ReviewErrors: [] AttemptNotFound, AttemptStep, AccountSuspended);

/// What was added lately, for the owner to look through
#[utoipa::path(
    get, path = "/v1/client/sign-ins/{id}/review", operation_id = "get_review", tag = "safety",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    responses((status = 200, description = "What was added", body = ReviewView), ReviewErrors)
)]
async fn review(
    call: Call,
    SignInToken(token): SignInToken,
) -> Result<axum::Json<ReviewView>, ApiError> {
    let review = call.zalt().safety().review(&token).await?;
    Ok(axum::Json(ReviewView::of(&review)))
}

/// What the owner does not know.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FinishReview {
    /// Ids of the review. What is not named stays.
    #[schema(example = json!(["cred_01h455vb4pex5vsknk084sn02q"]))]
    remove: Vec<String>,
}

errors!(FinishErrors: [BODY] AttemptNotFound, AttemptStep, AccountSuspended, LastIdentifier, NotFound, Conflict);

/// Take away what the owner does not know, and lift the freeze
///
/// The first factor is due again: nobody is signed in by it.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/review", operation_id = "finish_review", tag = "safety",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    request_body = FinishReview,
    responses((status = 200, description = "Lifted: pass the first factor next", body = SignInView), FinishErrors)
)]
async fn finish(
    call: Call,
    SignInToken(token): SignInToken,
    Json(body): Json<FinishReview>,
) -> Result<Response, ApiError> {
    let mut decision = ReviewDecision::default();
    for id in &body.remove {
        match (id.parse(), id.parse()) {
            (Ok(id), _) => decision.credentials.push(id),
            (_, Ok(id)) => decision.identifiers.push(id),
            (Err(error), Err(_)) => return Err(ApiError::from(Error::Id(error)).at("remove")),
        }
    }
    let safety = call.zalt().safety();
    let attempt = safety.finish(call.context(), &token, &decision).await?;
    Ok(view(SignInView::of(call.zalt(), &attempt))?.into_response())
}
