use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zalt_core::passkey::RegistrationResponse;

use crate::api::attempt::{Begun, SignInToken, begun};
use crate::api::call::Call;
use crate::api::fields::name;
use crate::api::signed_in::{CompleteWithRecoveryCodes, complete_with_recovery_codes};
use crate::body::{Json, NoFields, OptionalJson};
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{PasskeyCreationView, PasskeyRequestView, SignInView, Transport};

/// How the session will be held.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginWithPasskey {
    #[serde(default)]
    transport: Transport,
}

/// A sign-in under way, with what to ask the authenticator.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeySignInView {
    #[serde(flatten)]
    sign_in: SignInView,
    #[serde(flatten)]
    request: PasskeyRequestView,
}

errors!(BeginErrors: [BODY] FactorNotAllowed, RateLimited);

/// Begin a sign-in without an identifier
///
/// Whichever passkey answers says whose it is. A sign-in page does this as it opens and passes the request to
/// `navigator.credentials.get()` with `mediation: "conditional"`, so that the browser offers passkeys where an identifier is
/// typed. The answer passes the first factor (`strategy`: `passkey`).
#[utoipa::path(
    post, path = "/v1/client/sign-ins/passkey", operation_id = "begin_passkey_sign_in", tag = "sign-ins",
    request_body = BeginWithPasskey,
    responses((status = 201, description = "Begun", body = Begun<PasskeySignInView>), BeginErrors)
)]
pub(super) async fn begin(
    call: Call,
    OptionalJson(body): OptionalJson<BeginWithPasskey>,
) -> Result<Response, ApiError> {
    let sign_ins = call.zalt().sign_ins();
    let (started, public_key) = sign_ins
        .begin_with_passkey(call.context(), body.transport.into())
        .await?;
    let (attempt, token) = (&started.attempt, &started.token);
    let view = SignInView::of(call.zalt(), attempt).map(|sign_in| PasskeySignInView {
        sign_in,
        request: PasskeyRequestView { public_key },
    });
    let (status, kind) = (StatusCode::CREATED, CookieKind::SignIn);
    begun(&call, status, kind, attempt, token, view)
}

errors!(PrepareErrors: [BODY] FactorNotAllowed, AttemptNotFound, AttemptStep, AttemptExhausted, NotFound, RateLimited,
    Conflict);

/// Ask for a passkey
///
/// For the first factor or the second, whichever is due; a newer request voids the older. Before any factor was passed the
/// answer is the same for an identifier that nobody has, unless the application lists passkeys.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/prepare-passkey", operation_id = "prepare_passkey", tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    responses((status = 200, description = "What to ask", body = PasskeyRequestView), PrepareErrors)
)]
pub(super) async fn prepare(
    call: Call,
    SignInToken(token): SignInToken,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<axum::Json<PasskeyRequestView>, ApiError> {
    let sign_ins = call.zalt().sign_ins();
    let (_, public_key) = sign_ins.prepare_passkey(call.context(), &token).await?;
    Ok(axum::Json(PasskeyRequestView { public_key }))
}

errors!(BeginEnrollmentErrors: [BODY] FactorNotAllowed, AttemptNotFound, AttemptStep, AttemptExhausted,
    TooManyCredentials, RateLimited, Conflict);

/// Ask for a new passkey, where everybody needs a second factor
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/passkey", operation_id = "begin_sign_in_passkey", tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    responses((status = 200, description = "What to ask", body = PasskeyCreationView), BeginEnrollmentErrors)
)]
pub(super) async fn begin_enrollment(
    call: Call,
    SignInToken(token): SignInToken,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<axum::Json<PasskeyCreationView>, ApiError> {
    let sign_ins = call.zalt().sign_ins();
    let public_key = sign_ins.begin_passkey(call.context(), &token).await?;
    Ok(axum::Json(PasskeyCreationView { public_key }))
}

/// The passkey that the authenticator made, and what it is to be called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmPasskey {
    /// What `toJSON()` makes of the credential.
    #[schema(value_type = Object, example = json!({ "id": "...", "rawId": "...", "type": "public-key", "response": {} }))]
    pub(crate) credential: RegistrationResponse,
    #[schema(example = "Laptop")]
    pub(crate) name: Option<String>,
}

errors!(ConfirmErrors: [BODY] PasskeyRefused, PasskeyRequestOver, AccountSuspended, FactorNotAllowed, AttemptNotFound,
    AttemptStep, AttemptExhausted, TooManyCredentials, RateLimited, Conflict);

/// Register the new passkey and be signed in
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/passkey/confirm", operation_id = "confirm_sign_in_passkey", tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    request_body = ConfirmPasskey,
    responses(
        (status = 200, description = "Signed in, with recovery codes that are shown once", body = CompleteWithRecoveryCodes),
        ConfirmErrors
    )
)]
pub(super) async fn confirm_enrollment(
    call: Call,
    SignInToken(token): SignInToken,
    Json(body): Json<ConfirmPasskey>,
) -> Result<Response, ApiError> {
    let name = name(body.name.as_deref(), "name")?;
    let (signed_in, codes) = call
        .zalt()
        .sign_ins()
        .confirm_passkey(call.context(), &token, &body.credential, name)
        .await?;
    complete_with_recovery_codes(&call, signed_in, codes).await
}
