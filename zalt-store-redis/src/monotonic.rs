use std::time::Instant;

/// The monotonic clock: for timeouts and leases, which no step of the wall clock may stretch.
///
/// It goes on while the process is stopped, so a lease that ran out meanwhile is over when the process wakes up.
#[expect(
    clippy::disallowed_methods,
    reason = "this function is the one place that reads the monotonic clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
