//! Sign-up: an attempt, and a user once its address is verified.

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::endpoints::Endpoints;
use zalt_core::Error;
use zalt_core::attempt::NewSignUp;
use zalt_core::identifier::{EmailAddress, Username};
use zalt_core::user::{Metadata, Profile};

use super::attempt::{Begun, SignUpToken, begun, view};
use super::call::Call;
use super::fields::{name, parse, password, proof};
use super::sign_in::{SignedUp, arrive};
use crate::body::Json;
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{EmailStrategy, SignUpView, Transport};

pub(super) fn routes<E: Endpoints>(endpoints: E) -> E {
    endpoints
        .routes(routes!(create))
        .routes(routes!(find))
        .routes(routes!(prepare))
        .routes(routes!(attempt))
}

/// What somebody signs up with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSignUp {
    #[schema(example = "ada@example.com")]
    email_address: String,
    /// Needed unless the application takes accounts without.
    #[schema(example = "a walk in the rain")]
    password: Option<String>,
    #[schema(example = "Ada")]
    first_name: Option<String>,
    #[schema(example = "Lovelace")]
    last_name: Option<String>,
    #[schema(example = "ada")]
    username: Option<String>,
    #[schema(value_type = Option<Object>)]
    unsafe_metadata: Option<Value>,
    #[serde(default)]
    strategy: EmailStrategy,
    #[serde(default)]
    transport: Transport,
}

errors!(CreateErrors: [BODY, NEW_PASSWORD] SignUpClosed, UsernameTaken, RateLimited, AttemptExhausted);

/// Begin a sign-up
///
/// Sends the first code or link. The answer is the same for an address that has an account already; its owner gets a mail
/// that says so.
#[utoipa::path(
    post, path = "/v1/client/sign-ups", operation_id = "create_sign_up", tag = "sign-ups",
    request_body = CreateSignUp,
    responses((status = 201, description = "Begun: verify the address next", body = Begun<SignUpView>), CreateErrors)
)]
async fn create(call: Call, Json(body): Json<CreateSignUp>) -> Result<Response, ApiError> {
    let new = NewSignUp {
        email_address: EmailAddress::parse(&body.email_address).map_err(Error::from)?,
        password: body.password.map(password).transpose()?,
        username: parse(body.username.as_deref(), Username::parse)?,
        profile: Profile {
            first_name: name(body.first_name.as_deref(), "first_name")?,
            last_name: name(body.last_name.as_deref(), "last_name")?,
            image_url: None,
        },
        unsafe_metadata: match body.unsafe_metadata {
            Some(value) => Metadata::new(value).map_err(Error::from)?,
            None => Metadata::default(),
        },
        strategy: body.strategy.into(),
        transport: body.transport.into(),
    };
    let started = call.zalt().sign_ups().create(call.context(), new).await?;
    let view = SignUpView::of(&started.attempt);
    let (attempt, token) = (&started.attempt, &started.token);
    begun(
        &call,
        StatusCode::CREATED,
        CookieKind::SignUp,
        attempt,
        token,
        view,
    )
}

errors!(FindErrors: [] AttemptNotFound);

/// Look at a sign-up under way
#[utoipa::path(
    get, path = "/v1/client/sign-ups/{id}", operation_id = "get_sign_up", tag = "sign-ups",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_up_cookie" = []), ("attempt_token" = [])),
    responses((status = 200, description = "How far it has come", body = SignUpView), FindErrors)
)]
async fn find(
    call: Call,
    SignUpToken(token): SignUpToken,
) -> Result<axum::Json<SignUpView>, ApiError> {
    let attempt = call.zalt().sign_ups().find(&token).await?;
    view(SignUpView::of(&attempt))
}

/// How another code is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrepareSignUp {
    strategy: EmailStrategy,
}

errors!(PrepareErrors: [BODY] AttemptNotFound, AttemptStep, AttemptExhausted, RateLimited, Conflict);

/// Send another code or link
///
/// It voids the one before it.
#[utoipa::path(
    post, path = "/v1/client/sign-ups/{id}/prepare-verification", operation_id = "prepare_sign_up_verification", tag = "sign-ups",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_up_cookie" = []), ("attempt_token" = [])),
    request_body = PrepareSignUp,
    responses((status = 200, description = "Sent", body = SignUpView), PrepareErrors)
)]
async fn prepare(
    call: Call,
    SignUpToken(token): SignUpToken,
    Json(body): Json<PrepareSignUp>,
) -> Result<axum::Json<SignUpView>, ApiError> {
    let strategy = body.strategy.into();
    let attempt = call
        .zalt()
        .sign_ups()
        .prepare(call.context(), &token, strategy)
        .await?;
    view(SignUpView::of(&attempt))
}

/// The code from the mail, or the `token` of its link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttemptSignUp {
    #[schema(example = "123456")]
    code: Option<String>,
    #[schema(example = "zlt_...")]
    token: Option<String>,
}

errors!(AttemptErrors: [BODY] CodeIncorrect, LinkIncorrect, AttemptNotFound, AttemptStep, AttemptExhausted, RateLimited,
    EmailAddressTaken, UsernameTaken, Conflict);

/// Verify the address and complete the sign-up
///
/// Makes the user and the first session. Where everybody needs a second factor it answers `needs_mfa_enrollment` in place of a
/// session: the user is made, and the attempt goes on, with the same id, as a sign-in. A link counts in the browser that signs
/// up only.
#[utoipa::path(
    post, path = "/v1/client/sign-ups/{id}/attempt-verification", operation_id = "attempt_sign_up_verification", tag = "sign-ups",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_up_cookie" = []), ("attempt_token" = [])),
    request_body = AttemptSignUp,
    responses((status = 200, description = "Signed up, and signed in unless more is asked for", body = SignedUp), AttemptErrors)
)]
async fn attempt(
    call: Call,
    SignUpToken(token): SignUpToken,
    Json(body): Json<AttemptSignUp>,
) -> Result<Response, ApiError> {
    let proof = proof(body.code, body.token)?;
    let progress = call
        .zalt()
        .sign_ups()
        .attempt_proof(call.context(), &token, &proof)
        .await?;
    arrive(&call, progress).await
}
