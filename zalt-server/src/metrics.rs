//! What operators can watch. The libraries count with the `metrics` facade; this keeps the counts and writes them down.

mod histogram;
mod registry;
mod text;

use std::sync::Arc;

use metrics::SetRecorderError;

pub(crate) use registry::Registry;

/// Begins to count in this process. Without it nothing is counted, and counting costs nothing.
///
/// # Errors
/// Somebody else counts already.
pub(crate) fn install() -> Result<Arc<Registry>, SetRecorderError<Arc<Registry>>> {
    let registry = Arc::new(Registry::default());
    metrics::set_global_recorder(Arc::clone(&registry))?;
    describe();
    Ok(registry)
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!(
        "zalt_http_requests_total",
        "Requests that were answered, by route and status"
    );
    describe_histogram!(
        "zalt_http_request_duration_seconds",
        "From the head of a request to that of its answer"
    );
    describe_gauge!(
        "zalt_http_requests_in_flight",
        "Requests that are being answered"
    );
    describe_gauge!(
        "zalt_available",
        "1 where a part that the server needs does its work, else 0"
    );
    describe_gauge!("zalt_hashing_waiting", "Passwords that wait to be hashed");
    describe_gauge!(
        "zalt_hashing_capacity",
        "Passwords that may wait; the next one is refused"
    );
    describe_counter!(
        "zalt_messages_total",
        "Messages that a sender took, refused for good or will be asked to send again"
    );
    describe_counter!(
        "zalt_session_cache_checks_total",
        "Session checks that the cache answered (hit), did not know (miss) or was not to be asked about (bypass)"
    );
    describe_gauge!(
        "zalt_session_cache_entries",
        "Sessions that the cache holds"
    );
}
