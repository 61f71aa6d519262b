use axum::Json as Reply;

use crate::api::call::Call;
use crate::body::PageQuery;
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::{EventView, List};

errors!(ListErrors: [SIGNED_IN] InvalidField);

/// List what happened to one's own account, newest first
#[utoipa::path(
    get, path = "/v1/client/me/events", operation_id = "list_events", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    params(
        ("after" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<u32>, Query, description = "how many at the most, 1 to 100", example = 20)
    ),
    responses((status = 200, description = "Events", body = List<EventView>), ListErrors)
)]
pub(super) async fn list(
    call: Call,
    PageQuery(page): PageQuery,
) -> Result<Reply<List<EventView>>, ApiError> {
    let authenticated = call.authenticated().await?;
    let page = call
        .zalt()
        .users()
        .events(authenticated.user().id, page)
        .await?;
    Ok(Reply(List::of_page(page, EventView::of)))
}
