//! The endpoints: one file for each, or for a small family.

mod attempt;
mod call;
mod connection;
mod discovery;
mod endpoints;
mod fields;
mod me;
mod safety;
mod session;
mod sign_in;
mod sign_up;
mod signed_in;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use self::endpoints::Endpoints;
use crate::http_zalt::ZaltHttp;
use crate::openapi;
use crate::service::MatchedRoute;

pub(crate) use connection::is_form_post;

/// What the endpoints are, for the OpenAPI document.
pub(crate) fn description() -> OpenApi {
    collected(OpenApiRouter::with_openapi(openapi::base())).into_openapi()
}

/// The router behind [`ZaltService`](crate::ZaltService).
pub(crate) fn routes(http: &ZaltHttp) -> Router {
    collected(Router::new())
        .route_layer(middleware::from_fn(name_route))
        .with_state(http.clone())
}

/// Every endpoint.
fn collected<E: Endpoints>(endpoints: E) -> E {
    let endpoints = sign_up::routes(endpoints);
    let endpoints = sign_in::routes(endpoints);
    let endpoints = connection::routes(endpoints);
    let endpoints = session::routes(endpoints);
    let endpoints = me::routes(endpoints);
    let endpoints = safety::routes(endpoints);
    discovery::routes(endpoints)
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
