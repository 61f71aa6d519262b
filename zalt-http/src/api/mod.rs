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
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;

use crate::http_zalt::ZaltHttp;
use crate::openapi;
use crate::service::MatchedRoute;

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
    router
        .route_layer(middleware::from_fn(name_route))
        .with_state(http.clone())
}

/// Leaves the name of the route with the response, for whoever counts responses.
async fn name_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(MatchedRoute(route));
    }
    response
}
