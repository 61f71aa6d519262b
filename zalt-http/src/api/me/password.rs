use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use zalt_core::{Error, ErrorCode};

use crate::api::call::Call;
use crate::api::fields::password;
use crate::body::Json;
use crate::openapi::errors;
use crate::problem::ApiError;

const fn yes() -> bool {
    true
}

/// The old and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    /// Needed where a password is set.
    #[schema(example = "a walk in the rain")]
    current_password: Option<String>,
    #[schema(example = "a walk in the snow")]
    new_password: String,
    /// Whether the other sessions end. They do where nothing is said.
    #[serde(default = "yes")]
    sign_out_others: bool,
}

errors!(ChangeErrors: [BODY, SIGNED_IN, NEW_PASSWORD] CredentialsIncorrect, ReauthenticationRequired, AccountFrozen, AccountSuspended,
    NotFound, RateLimited, Conflict);

/// Change the password, or set the first one
#[utoipa::path(
    post, path = "/v1/client/me/password", operation_id = "change_password", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    request_body = ChangePassword,
    responses((status = 204, description = "Changed"), ChangeErrors)
)]
pub(super) async fn change(
    call: Call,
    Json(body): Json<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    let authenticated = call.authenticated().await?;
    let current = body
        .current_password
        .map(|text| password(text).map_err(|error| error.at("current_password")))
        .transpose()?;
    let new = password(body.new_password).map_err(|error| error.at("new_password"))?;
    call.zalt()
        .users()
        .change_password(
            call.context(),
            &authenticated,
            current,
            new,
            body.sign_out_others,
        )
        .await
        .map_err(with_field)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Core knows one password in this operation; here there are two.
fn with_field(error: Error) -> ApiError {
    let field = match error.code() {
        ErrorCode::MissingField | ErrorCode::CredentialsIncorrect => "current_password",
        ErrorCode::PasswordTooShort
        | ErrorCode::PasswordTooLong
        | ErrorCode::PasswordCommon
        | ErrorCode::PasswordContext => "new_password",
        _ => return error.into(),
    };
    ApiError::from(error).at(field)
}
