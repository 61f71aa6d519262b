use axum::Router;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::http_zalt::ZaltHttp;

/// Collects the endpoints: a router to serve them, or the description of what they are.
///
/// Not both at once, as `OpenApiRouter` would have it. The description takes megabytes while it is put together, most of which
/// the allocator keeps for as long as the process lives, and few processes are ever asked for it.
pub(crate) trait Endpoints: Sized {
    /// Adds a path with its methods: what `utoipa_axum::routes!` makes.
    fn routes(self, endpoint: UtoipaMethodRouter<ZaltHttp>) -> Self;
}

impl Endpoints for Router<ZaltHttp> {
    fn routes(self, (_, paths, methods): UtoipaMethodRouter<ZaltHttp>) -> Self {
        let paths = paths.paths.into_keys();
        paths.fold(self, |router, path| router.route(&path, methods.clone()))
    }
}

impl Endpoints for OpenApiRouter<ZaltHttp> {
    fn routes(self, endpoint: UtoipaMethodRouter<ZaltHttp>) -> Self {
        Self::routes(self, endpoint)
    }
}
