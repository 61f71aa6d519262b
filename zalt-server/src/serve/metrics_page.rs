//! `GET /metrics`, on a listener of its own.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use zalt_core::Zalt;

use crate::metrics::Registry;
use crate::storage::{Availability, Gauges};

/// What is counted, and what is looked at when somebody asks.
pub(super) struct Observed {
    pub(super) registry: Arc<Registry>,
    pub(super) zalt: Zalt,
    pub(super) gauges: Gauges,
    pub(super) availability: Arc<Availability>,
}

pub(super) fn router(observed: Observed) -> Router {
    Router::new()
        .route("/metrics", get(page))
        .with_state(Arc::new(observed))
}

async fn page(State(observed): State<Arc<Observed>>) -> Response {
    observed.look().await;
    let head = [
        (CONTENT_TYPE, "text/plain; version=0.0.4"),
        (CACHE_CONTROL, "no-store"),
    ];
    (head, observed.registry.render()).into_response()
}

impl Observed {
    /// Brings the gauges up to date.
    async fn look(&self) {
        let found = self.availability.check().await;
        for part in self.availability.parts() {
            let available = !found.missing.contains(&part);
            metrics::gauge!("zalt_available", "part" => part.name()).set(u8::from(available));
        }
        let waiting = u32::try_from(self.zalt.waiting_hashes()).unwrap_or(u32::MAX);
        metrics::gauge!("zalt_hashing_waiting").set(waiting);
        let hashing = &self.zalt.config().hashing;
        let capacity = u32::try_from(hashing.queue.get()).unwrap_or(u32::MAX);
        metrics::gauge!("zalt_hashing_capacity").set(capacity);
        self.gauges.look();
    }
}
