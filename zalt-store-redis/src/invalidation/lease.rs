use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::monotonic;

/// Until when the cache may be used without having heard more.
#[derive(Debug)]
pub(super) struct Lease {
    base: Instant,
    /// In microseconds after the base; 0 when there is none.
    until: AtomicU64,
}

impl Lease {
    pub(super) fn none() -> Self {
        Self {
            base: monotonic::now(),
            until: AtomicU64::new(0),
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        self.is_valid_at(monotonic::now())
    }

    pub(super) fn renew(&self, until: Instant) {
        self.until.store(self.place(until), Ordering::SeqCst);
    }

    pub(super) fn end(&self) {
        self.until.store(0, Ordering::SeqCst);
    }

    fn is_valid_at(&self, now: Instant) -> bool {
        self.place(now) < self.until.load(Ordering::SeqCst)
    }

    fn place(&self, instant: Instant) -> u64 {
        let since: Duration = instant.saturating_duration_since(self.base);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_runs_out_by_itself_and_can_be_ended() {
        let lease = Lease::none();
        let now = lease.base + Duration::from_secs(5);
        let second = Duration::from_secs(1);
        assert!(!lease.is_valid_at(now));
        lease.renew(now + second);
        assert!(lease.is_valid_at(now));
        assert!(!lease.is_valid_at(now + second));
        lease.end();
        assert!(!lease.is_valid_at(now));
    }
}
