use std::future::Future;
use std::time::Duration;

use tokio::time::{interval, timeout};

/// Asks again and again until the answer is there, and fails the test if that takes longer than `limit`.
pub(crate) async fn until<T, F, A>(what: &str, limit: Duration, mut ask: F) -> T
where
    F: FnMut() -> A,
    A: Future<Output = Option<T>>,
{
    let mut pace = interval(Duration::from_millis(10));
    let asked = timeout(limit, async {
        loop {
            pace.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    });
    let Ok(answer) = asked.await else {
        panic!("{what}: not within {limit:?}");
    };
    answer
}
