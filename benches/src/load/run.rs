use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout_at;

use super::latencies::Latencies;
use super::outcome::Outcome;
use super::schedule::Schedule;

/// From the call to when the first operation is due, so that the thread that begins them is there.
const HEAD_START: Duration = Duration::from_millis(10);

/// Begins each operation when it is due, and waits for their ends. One that is not answered `patience` after it was due is
/// given up and counts as failed, so a load ends `patience` after its last operation at the latest.
pub async fn open_loop<F, Fut, E>(schedule: &Schedule, patience: Duration, operation: F) -> Outcome
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send + 'static,
{
    let runtime = Handle::current();
    let begun = Instant::now() + HEAD_START;
    let offsets: Vec<_> = schedule.offsets().collect();
    // A thread of its own: the timers of the runtime are only good to a millisecond.
    let begin_all = move || begin(&runtime, begun, &offsets, patience, &operation);
    let (tasks, lateness) = spawn_blocking(begin_all).await.unwrap();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    let elapsed = begun.elapsed().max(schedule.time);
    Outcome::of(answers, Latencies::of(lateness), elapsed)
}

type Answer = (Duration, Option<String>);

fn begin<F, Fut, E>(
    runtime: &Handle,
    begun: Instant,
    offsets: &[Duration],
    patience: Duration,
    operation: &F,
) -> (Vec<JoinHandle<Answer>>, Vec<Duration>)
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send + 'static,
{
    let mut tasks = Vec::with_capacity(offsets.len());
    let mut lateness = Vec::with_capacity(offsets.len());
    for (index, offset) in offsets.iter().enumerate() {
        let due = begun + *offset;
        wait_until(due);
        lateness.push(due.elapsed());
        let operation = operation.clone();
        tasks.push(runtime.spawn(async move {
            let answer = timeout_at((due + patience).into(), operation(index)).await;
            let failure = match answer {
                Ok(result) => result.err().map(|error| error.to_string()),
                Err(_) => Some(format!("no answer within {patience:?}")),
            };
            (due.elapsed(), failure)
        }));
    }
    (tasks, lateness)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the schedule is one of the clock on the wall"
)]
fn wait_until(due: Instant) {
    while let Some(left) = due.checked_duration_since(Instant::now()) {
        std::thread::sleep(left);
    }
}

/// `clients` callers, each beginning its next operation when the one before is done, for `time`.
pub async fn closed_loop<F, Fut, E>(clients: usize, time: Duration, operation: F) -> Outcome
where
    F: Fn(usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send,
    E: Display + Send + 'static,
{
    let begun = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let operation = operation.clone();
            tokio::spawn(async move {
                let mut answers = Vec::new();
                while begun.elapsed() < time {
                    let at = Instant::now();
                    let result = operation(client).await;
                    answers.push((at.elapsed(), result.err().map(|error| error.to_string())));
                }
                answers
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    Outcome::of(all, Latencies::default(), begun.elapsed())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Mutex;

    use super::*;
    use crate::load::Arrivals;

    fn schedule(rate: f64, millis: u64) -> Schedule {
        Schedule {
            arrivals: Arrivals::Constant,
            rate,
            time: Duration::from_millis(millis),
            most: 10_000,
            seed: 1,
        }
    }

    /// One operation at a time, 40 ms each, asked for every 10 ms: the last of twenty waits for the nineteen before it.
    #[tokio::test(flavor = "multi_thread")]
    async fn who_waits_for_their_turn_is_counted_from_when_it_was_due() {
        let one_at_a_time = Arc::new(Mutex::new(()));
        let operation = move |_| {
            let one_at_a_time = one_at_a_time.clone();
            async move {
                let _turn = one_at_a_time.lock().await;
                tokio::time::sleep(Duration::from_millis(40)).await;
                Ok::<_, Infallible>(())
            }
        };
        let load = schedule(100.0, 200);
        let outcome = open_loop(&load, Duration::from_secs(30), operation.clone()).await;
        assert_eq!((outcome.offered, outcome.failed()), (20, 0));
        assert!(outcome.latencies.quantile(1.0) >= Duration::from_millis(20 * 40 - 200));
        assert!(outcome.per_second() <= 25.0);
        // The closed loop does not notice that anybody would have had to wait.
        let outcome = closed_loop(1, Duration::from_millis(200), operation).await;
        assert!(outcome.latencies.quantile(0.5) < Duration::from_millis(200));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_never_answered_is_given_up_and_counted() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let patience = Duration::from_millis(50);
        let counter = dropped.clone();
        let outcome = open_loop(&schedule(100.0, 100), patience, move |index| {
            let counter = counter.clone();
            async move {
                let _counted = Dropped(counter);
                if index % 2 == 0 {
                    std::future::pending::<()>().await;
                }
                Err::<(), _>("refused")
            }
        })
        .await;
        let reasons: Vec<_> = outcome.failures.iter().collect();
        assert_eq!(
            reasons,
            [
                (&"no answer within 50ms".to_owned(), &5),
                (&"refused".to_owned(), &5)
            ]
        );
        assert_eq!(outcome.latencies.count(), 0);
        assert_eq!(dropped.load(Ordering::SeqCst), 10);
    }

    struct Dropped(Arc<AtomicUsize>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}
