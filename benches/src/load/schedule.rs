use std::time::Duration;

use super::random::Random;

/// When requests are due, decided before the first is sent and whatever becomes of it.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// How requests follow each other.
    pub arrivals: Arrivals,
    /// How many are due in a second, on average.
    pub rate: f64,
    /// For how long.
    pub time: Duration,
    /// The most requests, whatever rate and time come to.
    pub most: usize,
    /// What the random gaps are drawn from.
    pub seed: u64,
}

/// How requests follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Arrivals {
    /// At even distances.
    Constant,
    /// As from many people who know nothing of each other: the gaps are exponentially distributed.
    Poisson,
}

impl Schedule {
    /// When each request is due, counted from the beginning, in order.
    pub fn offsets(&self) -> impl Iterator<Item = Duration> + use<> {
        let mut random = Random::seeded(self.seed);
        let (arrivals, rate, end) = (self.arrivals, self.rate, self.time.as_secs_f64());
        let mut at = 0.0_f64;
        let due = (0..).map_while(move |index: u32| {
            let now = match arrivals {
                Arrivals::Constant => f64::from(index) / rate,
                Arrivals::Poisson => {
                    at -= (1.0 - random.unit()).ln() / rate;
                    at
                }
            };
            // Not for a rate of zero either, whose first arrival is at no time at all.
            (now < end).then(|| Duration::from_secs_f64(now))
        });
        due.take(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(arrivals: Arrivals, rate: f64) -> Schedule {
        Schedule {
            arrivals,
            rate,
            time: Duration::from_secs(10),
            most: usize::MAX,
            seed: 42,
        }
    }

    #[test]
    fn constant_arrivals_are_evenly_apart() {
        let due: Vec<_> = schedule(Arrivals::Constant, 4.0).offsets().collect();
        assert_eq!(due.len(), 40);
        assert_eq!(due[0], Duration::ZERO);
        assert_eq!(due[5], Duration::from_millis(1250));
    }

    #[test]
    fn random_arrivals_have_the_rate_and_the_spread_of_strangers() {
        let due: Vec<_> = schedule(Arrivals::Poisson, 2_000.0).offsets().collect();
        assert!(due.is_sorted());
        assert!((19_500..20_500).contains(&due.len()), "{}", due.len());
        // Of exponential gaps, 1/e are longer than the mean.
        let mean = Duration::from_secs_f64(1.0 / 2_000.0);
        let long = due
            .windows(2)
            .filter(|pair| pair[1].checked_sub(pair[0]).unwrap() > mean);
        let share = long.count() as f64 / due.len() as f64;
        assert!((0.35..0.39).contains(&share), "{share}");
    }

    #[test]
    fn the_seed_decides_and_the_count_is_bounded() {
        let of = |seed, most| -> Vec<_> {
            let schedule = Schedule {
                most,
                seed,
                ..schedule(Arrivals::Poisson, 50.0)
            };
            schedule.offsets().collect()
        };
        assert_eq!(of(1, 1_000), of(1, 1_000));
        assert_ne!(of(1, 1_000), of(2, 1_000));
        assert_eq!(of(1, 7).len(), 7);
    }

    #[test]
    fn no_rate_is_no_request() {
        assert_eq!(schedule(Arrivals::Constant, 0.0).offsets().count(), 0);
        assert_eq!(schedule(Arrivals::Poisson, 0.0).offsets().count(), 0);
    }
}
