use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::attempt::{Begun, SignInToken, begun, view};
use crate::api::call::Call;
use crate::api::fields::password;
use crate::api::sign_in::progress::go_on;
use crate::api::signed_in::Complete;
use crate::body::Json;
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{SignInView, Transport};

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSignIn {
    /// An e-mail address, a phone number in international form, or a username.
    #[schema(example = "ada@example.com")]
    identifier: String,
    /// With it the sign-in is complete in one step.
    #[schema(example = "a walk in the rain")]
    password: Option<String>,
    #[serde(default)]
    transport: Transport,
}

errors!(CreateErrors: [BODY] FactorNotAllowed, CredentialsIncorrect, AccountFrozen, AccountSuspended, RateLimited, Overloaded, Conflict);

/// Begin a sign-in, or sign in with a password in one step
///
/// Without a password the answer is the same for an identifier that nobody has.
#[utoipa::path(
    post, path = "/v1/client/sign-ins", operation_id = "create_sign_in", tag = "sign-ins",
    request_body = CreateSignIn,
    responses(
        (status = 201, description = "Begun: pass a first factor next, or with the password a second", body = Begun<SignInView>),
        (status = 200, description = "Signed in with the password", body = Complete),
        CreateErrors
    )
)]
pub(super) async fn create(
    call: Call,
    Json(body): Json<CreateSignIn>,
) -> Result<Response, ApiError> {
    let sign_ins = call.zalt().sign_ins();
    let transport = body.transport.into();
    if let Some(text) = body.password {
        let progress = sign_ins
            .with_password(call.context(), &body.identifier, password(text)?, transport)
            .await?;
        return go_on(&call, progress).await;
    }
    let started = sign_ins
        .create(call.context(), &body.identifier, transport)
        .await?;
    let view = SignInView::of(call.zalt(), &started.attempt);
    let (attempt, token) = (&started.attempt, &started.token);
    begun(
        &call,
        StatusCode::CREATED,
        CookieKind::SignIn,
        attempt,
        token,
        view,
    )
}

errors!(FindErrors: [] AttemptNotFound);

/// Look at a sign-in under way
#[utoipa::path(
    get, path = "/v1/client/sign-ins/{id}", operation_id = "get_sign_in", tag = "sign-ins",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("sign_in_cookie" = []), ("attempt_token" = [])),
    responses((status = 200, description = "How far it has come", body = SignInView), FindErrors)
)]
pub(super) async fn find(
    call: Call,
    SignInToken(token): SignInToken,
) -> Result<Response, ApiError> {
    let attempt = call.zalt().sign_ins().find(&token).await?;
    Ok(view(SignInView::of(call.zalt(), &attempt))?.into_response())
}
