use axum::response::Response;
use http::header::SET_COOKIE;
use serde::Deserialize;
use utoipa::ToSchema;
use zalt_core::Error;
use zalt_core::attempt::Started;
use zalt_core::identifier::EmailAddress;

use super::came;
use crate::api::attempt::{Begun, ConnectionToken};
use crate::api::call::Call;
use crate::body::Json;
use crate::cookie::CookieKind;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::SignUpView;

/// The address of somebody whose provider told none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveEmailAddress {
    #[schema(example = "ada@example.com")]
    email_address: String,
}

errors!(GiveErrors: [BODY] AttemptNotFound, AttemptStep, AttemptExhausted, SignUpClosed, RateLimited, Conflict);

/// Give the address that the provider did not tell
///
/// The attempt goes on as a sign-up of the same id: a code is on its way to the address.
#[utoipa::path(
    post, path = "/v1/client/sign-ins/{id}/email-address", operation_id = "give_email_address", tag = "connections",
    params(("id" = String, Path, description = "the attempt", example = "att_01h455vb4pex5vsknk084sn02q")),
    security(("connection_cookie" = []), ("attempt_token" = [])),
    request_body = GiveEmailAddress,
    responses((status = 200, description = "A code was sent: verify the address next", body = Begun<SignUpView>), GiveErrors)
)]
pub(super) async fn give(
    call: Call,
    ConnectionToken { token, by_cookie }: ConnectionToken,
    Json(body): Json<GiveEmailAddress>,
) -> Result<Response, ApiError> {
    let address = EmailAddress::parse(&body.email_address).map_err(Error::from)?;
    let connections = call.zalt().connections();
    let started = connections
        .give_email_address(call.context(), &token, address)
        .await?;
    // Its token is the same, and is kept as one of a sign-up from here on.
    let started = Started {
        token: by_cookie.then_some(token),
        ..started
    };
    let mut response = came::verify(&call, &started)?;
    if by_cookie {
        let over = call.clear(CookieKind::Connection);
        response.headers_mut().append(SET_COOKIE, over);
    }
    Ok(response)
}
