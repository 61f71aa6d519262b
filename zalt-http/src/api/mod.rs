//! The endpoints: one file for each, or for a small family.

mod attempt;
mod call;
mod discovery;
mod fields;
mod me;
mod session;
mod sign_in;
mod sign_up;
mod signed_in;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::http_zalt::ZaltHttp;
use crate::openapi;

/// Every endpoint, with its documentation.
pub(crate) fn open_api_router() -> OpenApiRouter<ZaltHttp> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(sign_up::routes())
        .merge(sign_in::routes())
        .merge(session::routes())
        .merge(me::routes())
        .merge(discovery::routes())
}

/// The router behind [`ZaltService`](crate::ZaltService).
pub(crate) fn routes(http: &ZaltHttp) -> Router {
    let (router, _) = open_api_router().split_for_parts();
    router.with_state(http.clone())
}
