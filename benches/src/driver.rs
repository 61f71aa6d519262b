use std::future::Future;
use std::time::{Duration, Instant};

/// The latencies of a load, sorted.
pub(crate) struct Latencies {
    sorted: Vec<Duration>,
    pub(crate) elapsed: Duration,
}

impl Latencies {
    pub(crate) fn of(mut latencies: Vec<Duration>, elapsed: Duration) -> Self {
        latencies.sort_unstable();
        Self {
            sorted: latencies,
            elapsed,
        }
    }

    /// The latency that `share` of the operations stayed within.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        let index = (last as f64 * share).round() as usize;
        self.sorted.get(index).copied().unwrap_or_default()
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.sorted.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// `clients` callers, each beginning its next operation when the one before is done, for `time`.
pub(crate) async fn closed_loop<F, Fut>(clients: usize, time: Duration, operation: F) -> Latencies
where
    F: Fn(usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send,
{
    let begun = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let operation = operation.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while begun.elapsed() < time {
                    let at = Instant::now();
                    operation(client).await;
                    latencies.push(at.elapsed());
                }
                latencies
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.expect("a client runs to its end"));
    }
    Latencies::of(all, begun.elapsed())
}

/// Operations that begin `rate` times a second whether or not those before are done, so that waiting shows up as latency.
pub(crate) async fn open_loop<F, Fut>(rate: f64, time: Duration, operation: F) -> Latencies
where
    F: Fn(usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send,
{
    let begun = Instant::now();
    let count = (rate * time.as_secs_f64()) as usize;
    let tasks: Vec<_> = (0..count)
        .map(|index| {
            let operation = operation.clone();
            let due = begun + Duration::from_secs_f64(index as f64 / rate);
            tokio::spawn(async move {
                tokio::time::sleep_until(due.into()).await;
                operation(index).await;
                due.elapsed()
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.expect("an operation runs to its end"));
    }
    Latencies::of(all, begun.elapsed())
}

/// The middle of the values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
