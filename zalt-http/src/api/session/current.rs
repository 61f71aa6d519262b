use axum::Json as Reply;

use crate::api::call::Call;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::SessionView;

errors!(CurrentErrors: [SIGNED_IN]);

/// Look at the session that asks
///
/// The cheapest way to learn whether somebody is still signed in: nothing but the session is looked up.
#[utoipa::path(
    get, path = "/v1/client/sessions/current", operation_id = "get_current_session", tag = "sessions",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "The session, which is live", body = SessionView), CurrentErrors)
)]
pub(super) async fn current(call: Call) -> Result<Reply<SessionView>, ApiError> {
    let authenticated = call.authenticated_even_limited().await?;
    Ok(Reply(SessionView::of(authenticated.session(), true)))
}
