use std::time::Duration;

/// How long each of some operations took, in order of length.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    sorted: Vec<Duration>,
}

impl Latencies {
    /// Those of these operations.
    pub fn of(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        Self { sorted: latencies }
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The latency that `share` of the operations stayed within (nearest rank); zero if there are none.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (self.sorted.len() as f64 * share).ceil() as usize;
        let last = self.sorted.len().saturating_sub(1);
        let index = rank.saturating_sub(1).min(last);
        self.sorted.get(index).copied().unwrap_or_default()
    }

    /// The same, unless so few were measured that it would be the slowest of them and nothing more.
    pub fn known_quantile(&self, share: f64) -> Option<Duration> {
        let beyond = self.sorted.len() as f64 * (1.0 - share);
        (beyond >= 1.0).then(|| self.quantile(share))
    }
}

/// The middle of the values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up_to(count: u64) -> Latencies {
        Latencies::of((1..=count).rev().map(Duration::from_millis).collect())
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let latencies = up_to(1000);
        let millis = |share| latencies.quantile(share).as_millis();
        assert_eq!(
            [
                millis(0.0),
                millis(0.5),
                millis(0.95),
                millis(0.999),
                millis(1.0)
            ],
            [1, 500, 950, 999, 1000]
        );
        assert_eq!(Latencies::default().quantile(0.5), Duration::ZERO);
    }

    #[test]
    fn a_quantile_of_too_few_is_not_claimed() {
        assert_eq!(up_to(100).known_quantile(0.999), None);
        assert_eq!(
            up_to(1000).known_quantile(0.999),
            Some(Duration::from_millis(999))
        );
        assert_eq!(
            up_to(20).known_quantile(0.95),
            Some(Duration::from_millis(19))
        );
    }
}
