use std::time::Duration;

/// How often something is tried that failed without a trace, with a longer wait each time.
#[derive(Debug)]
pub(crate) struct Tries {
    left: u32,
    wait: Duration,
}

impl Tries {
    pub(crate) const fn new() -> Self {
        Self {
            left: 5,
            wait: Duration::from_millis(2),
        }
    }

    /// Waits, and says whether there is another try.
    pub(crate) async fn another(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };
        metrics::counter!("zalt_postgres_retries_total").increment(1);
        tokio::time::sleep(self.wait).await;
        self.left = left;
        self.wait *= 4;
        true
    }
}
