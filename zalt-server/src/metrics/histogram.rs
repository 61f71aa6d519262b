use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{GaugeFn, HistogramFn};

/// The upper bounds of the buckets, in seconds: from a check in memory to a request that is given up.
pub(super) const BOUNDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// How many values fell between which bounds.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    counts: [AtomicU64; BOUNDS.len()],
    /// Values above the last bound.
    above: AtomicU64,
    /// The bits of a float.
    sum: AtomicU64,
}

/// What the buckets held at one moment.
pub(super) struct Snapshot {
    /// For each bound, how many values were at most that.
    pub(super) cumulative: Vec<(f64, u64)>,
    pub(super) count: u64,
    pub(super) sum: f64,
}

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        let bucket = BOUNDS
            .iter()
            .zip(&self.counts)
            .find_map(|(bound, count)| (value <= *bound).then_some(count));
        bucket
            .unwrap_or(&self.above)
            .fetch_add(1, Ordering::Relaxed);
        GaugeFn::increment(&self.sum, value);
    }
}

impl Buckets {
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut count = 0;
        let cumulative = BOUNDS
            .iter()
            .zip(&self.counts)
            .map(|(bound, held)| {
                count += held.load(Ordering::Relaxed);
                (*bound, count)
            })
            .collect();
        Snapshot {
            cumulative,
            count: count + self.above.load(Ordering::Relaxed),
            sum: f64::from_bits(self.sum.load(Ordering::Relaxed)),
        }
    }
}
