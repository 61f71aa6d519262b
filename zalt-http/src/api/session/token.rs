use axum::Json as Reply;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zalt_core::Error;

use crate::api::call::Call;
use crate::api::signed_in::Tokens;
use crate::body::{Json, NoFields, OptionalJson};
use crate::openapi::errors;
use crate::problem::ApiError;

/// The refresh token that came last.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    #[schema(example = "zrt_...")]
    refresh_token: String,
}

errors!(RefreshErrors: [BODY] RefreshTokenInvalid, SessionOver, Conflict);

/// Exchange a refresh token for the next pair of tokens
///
/// Requests that present one token at once get the same successor. A token that was replaced before ends its session: it
/// is in two hands.
#[utoipa::path(
    post, path = "/v1/client/tokens/refresh", operation_id = "refresh_tokens", tag = "sessions",
    request_body = Refresh,
    responses((status = 200, description = "The next pair", body = Tokens), RefreshErrors)
)]
pub(super) async fn refresh(
    call: Call,
    Json(body): Json<Refresh>,
) -> Result<Reply<Tokens>, ApiError> {
    let signed_in = call
        .zalt()
        .sessions()
        .refresh(call.context(), &body.refresh_token)
        .await?;
    let tokens = Tokens::of(&call, &signed_in.credentials)
        .ok_or(Error::Internal("a refresh led to a cookie"))?;
    Ok(Reply(tokens))
}

/// A short token that names the session, for a back end that checks it by itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedToken {
    #[schema(example = "eyJ...")]
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// In how many seconds it ends.
    #[schema(example = 300)]
    expires_in: u64,
}

errors!(IssueErrors: [BODY, SIGNED_IN]);

/// Get an access token for the session of the cookie
///
/// Only a cookie counts here: an access token that yields the next one would outlive its own end, and the rotation of
/// refresh tokens would prove nothing.
#[utoipa::path(
    post, path = "/v1/client/tokens", operation_id = "create_access_token", tag = "sessions",
    security(("session_cookie" = [])),
    responses((status = 200, description = "A fresh access token", body = IssuedToken), IssueErrors)
)]
pub(super) async fn issue(
    call: Call,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Reply<IssuedToken>, ApiError> {
    let authenticated = call.authenticated().await?;
    if !call.auth.has_cookie() {
        return Err(Error::Unauthenticated.into());
    }
    let tokens = call.zalt().access_tokens();
    let (access_token, expires_at) = tokens.issue(authenticated.session()).map_err(|error| {
        tracing::error!(%error, "an access token could not be issued");
        Error::Internal("an access token could not be issued")
    })?;
    Ok(Reply(IssuedToken {
        access_token,
        token_type: "Bearer",
        expires_in: expires_at.since(call.zalt().now()).as_secs(),
    }))
}
