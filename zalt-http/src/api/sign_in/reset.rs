use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use zalt_core::Error;
use zalt_core::secret::LinkToken;

use crate::api::attempt::{Begun, SignInToken, begun, view};
use crate::api::call::Call;
use crate::api::fields::password;
use crate::body::Json;
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{SignInView, Transport};

const fn yes() -> bool {
    true
}

/// The new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetPassword {
    #[schema(example = "a walk in the snow")]
    password: String,
    /// Whether every session of the account ends. They do where nothing is said.
    #[serde(default = "yes")]
    sign_out_everywhere: bool,
}

errors!(ResetErrors: [BODY, NEW_PASSWORD] AttemptNotFound, AttemptStep, NotFound, Conflict);

/// Set the new password
///
/// The first factor is due again: nobody is signed in by a reset.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/reset-password", operation_id = "reset_password", tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    request_body = ResetPassword,
    responses((status = 200, description = "Set: pass the first factor with it", body = SignInView), ResetErrors)
)]
pub(super) async fn reset_password(
    call: Call,
    SignInToken(token): SignInToken,
    Json(body): Json<ResetPassword>,
) -> Result<Response, ApiError> {
    let password = password(body.password)?;
    let attempt = call
        .zalt()
        .sign_ins()
        .reset_password(call.context(), &token, password, body.sign_out_everywhere)
        .await?;
    Ok(view(SignInView::of(call.zalt(), &attempt))?.into_response())
}

/// The `token` of the link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimResetLink {
    #[schema(example = "zlt_...")]
    token: String,
    /// How the session will be held on this device.
    #[serde(default)]
    transport: Transport,
}

errors!(ClaimErrors: [BODY] LinkIncorrect, FactorNotAllowed, AttemptStep, AttemptExhausted, AccountSuspended, RateLimited,
    Conflict);

/// Take up a reset in the browser that opened its link
///
/// Wherever it was asked for, it goes on here: whoever asked has no part in it any more.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/claim-reset-link", operation_id = "claim_reset_link", tag = "sign-ins",
    request_body = ClaimResetLink,
    responses((status = 200, description = "Set the new password next", body = Begun<SignInView>), ClaimErrors)
)]
pub(super) async fn claim_reset_link(
    call: Call,
    Json(body): Json<ClaimResetLink>,
) -> Result<Response, ApiError> {
    let link = LinkToken::parse(&body.token).map_err(|_| Error::LinkIncorrect)?;
    let started = call
        .zalt()
        .sign_ins()
        .claim_reset_link(call.context(), link, body.transport.into())
        .await?;
    let view = SignInView::of(call.zalt(), &started.attempt);
    let (attempt, token) = (&started.attempt, &started.token);
    begun(
        &call,
        StatusCode::OK,
        CookieKind::SignIn,
        attempt,
        token,
        view,
    )
}
