use std::collections::BTreeMap;
use std::time::Duration;

use super::latencies::Latencies;

/// What came of a load.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// How many operations were due.
    pub offered: usize,
    /// How long those took that succeeded, from when they were due.
    pub latencies: Latencies,
    /// How many failed, by what they failed of.
    pub failures: BTreeMap<String, usize>,
    /// By how much operations began later than they were due, for which the driver is to blame. It is part of their latency.
    pub lateness: Latencies,
    /// From when the first was due to when the last was answered, and at least as long as the load was to last.
    pub elapsed: Duration,
}

impl Outcome {
    /// What one operation came to: how long it took, and what it failed of.
    pub(super) fn of(
        answers: Vec<(Duration, Option<String>)>,
        lateness: Latencies,
        elapsed: Duration,
    ) -> Self {
        let offered = answers.len();
        let mut failures = BTreeMap::new();
        let mut took = Vec::with_capacity(offered);
        for (latency, failure) in answers {
            match failure {
                None => took.push(latency),
                Some(reason) => *failures.entry(reason).or_default() += 1,
            }
        }
        Self {
            offered,
            latencies: Latencies::of(took),
            failures,
            lateness,
            elapsed,
        }
    }

    /// How many operations succeeded in a second.
    pub fn per_second(&self) -> f64 {
        self.latencies.count() as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// How many operations failed.
    pub fn failed(&self) -> usize {
        self.failures.values().sum()
    }

    /// Whether the driver itself was too late to measure what is claimed: the lateness of one operation in twenty is more
    /// than half of the latency that one in twenty exceeds.
    pub fn driver_was_late(&self) -> bool {
        self.lateness.count() > 0
            && self.lateness.quantile(0.95) > self.latencies.quantile(0.95) / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_apart() {
        let second = Duration::from_secs(1);
        let failed = Some("status 500".to_owned());
        let answers = vec![
            (second, None),
            (second * 9, failed.clone()),
            (second, failed),
        ];
        let outcome = Outcome::of(answers, Latencies::default(), second * 2);
        assert_eq!(outcome.offered, 3);
        assert_eq!(outcome.failed(), 2);
        assert_eq!(outcome.failures["status 500"], 2);
        assert_eq!(outcome.latencies.quantile(1.0), second);
        assert!((outcome.per_second() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_late_driver_is_noticed() {
        let late = |by: u64| Outcome {
            latencies: Latencies::of(vec![Duration::from_millis(10)]),
            lateness: Latencies::of(vec![Duration::from_millis(by)]),
            ..Outcome::default()
        };
        assert!(!late(1).driver_was_late());
        assert!(late(6).driver_was_late());
    }
}
