use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zalt_core::attempt::IdTokenNonce;
use zalt_core::connection::ConnectionKey;
use zalt_core::{Error, Timestamp};

use super::begin::handed_over;
use super::callback::token;
use super::came;
use crate::api::call::Call;
use crate::api::sign_in::FactorPassed;
use crate::body::Json;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::Transport;

/// For which provider a nonce is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginIdToken {
    #[schema(example = "google")]
    connection: String,
    #[serde(default)]
    transport: Transport,
}

/// A nonce for an ID token.
#[derive(Serialize, ToSchema)]
pub(crate) struct BegunIdToken {
    #[schema(example = "att_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// Have the provider put it into the ID token.
    #[schema(example = "n-0S6_WzA2Mj")]
    nonce: String,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:10:00Z")]
    expires_at: Timestamp,
    /// Where the session will be held by tokens: what to send in `Zalt-Attempt` with the ID token. Shown here and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "zat_...")]
    attempt_token: Option<String>,
}

errors!(BeginErrors: [BODY] ConnectionNotFound, FactorNotAllowed, RateLimited);

/// Get a nonce for an ID token
///
/// For apps that get an ID token from the provider by themselves, such as with Google One Tap or Sign in with Apple.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/id-token/nonce", operation_id = "begin_sign_in_with_id_token", tag = "connections",
    request_body = BeginIdToken,
    responses((status = 201, description = "The nonce, good for one token", body = BegunIdToken), BeginErrors)
)]
pub(super) async fn begin(
    call: Call,
    Json(body): Json<BeginIdToken>,
) -> Result<Response, ApiError> {
    let key = parse(&body.connection)?;
    let connections = call.zalt().connections();
    let started = connections
        .begin_id_token(call.context(), &key, body.transport.into())
        .await?;
    let (attempt, token) = (&started.attempt, &started.token);
    handed_over(&call, attempt, token, |attempt_token| BegunIdToken {
        id: attempt.id.to_string(),
        nonce: started.nonce.to_string(),
        expires_at: attempt.expires_at,
        attempt_token,
    })
}

/// An ID token that an app got from the provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInWithIdToken {
    #[schema(example = "google")]
    connection: String,
    #[schema(example = "eyJ...")]
    id_token: String,
    /// The nonce that the app made, where it did not get one here.
    #[schema(example = "n-0S6_WzA2Mj")]
    nonce: Option<String>,
    #[serde(default)]
    transport: Transport,
}

errors!(SignInErrors: [BODY] ConnectionNotFound, FactorNotAllowed, AttemptNotFound, ConnectionStateMismatch,
    ConnectionUnavailable, ConnectionAnswerInvalid, SignUpClosed, AccountSuspended, AccountFrozen, TooManyCredentials,
    RateLimited, Conflict);

/// Sign in or up with an ID token
///
/// Each is taken once. With a nonce from here it is bound to this device as well: leave `nonce` out then.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/id-token", operation_id = "sign_in_with_id_token", tag = "connections",
    request_body = SignInWithIdToken,
    responses(
        (status = 200, description = "Signed in, or the attempt that needs more", body = FactorPassed),
        (status = 201, description = "The attempt that needs a second factor", body = FactorPassed),
        SignInErrors
    )
)]
pub(super) async fn sign_in(
    call: Call,
    headers: HeaderMap,
    Json(body): Json<SignInWithIdToken>,
) -> Result<Response, ApiError> {
    let key = parse(&body.connection)?;
    let kept = token(&call, &headers);
    let nonce = match (&body.nonce, &kept) {
        (None, Some(token)) => IdTokenNonce::Ours(token),
        (nonce, _) => IdTokenNonce::Apps(nonce.as_deref()),
    };
    let connections = call.zalt().connections();
    let back = connections
        .take_id_token(
            call.context(),
            &key,
            &body.id_token,
            nonce,
            body.transport.into(),
        )
        .await?;
    came::reply(&call, back.progress).await
}

fn parse(text: &str) -> Result<ConnectionKey, ApiError> {
    // Text that can't be a key names no connection.
    ConnectionKey::parse(text).map_err(|_| Error::ConnectionNotFound.into())
}
