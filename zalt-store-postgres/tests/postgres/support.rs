use std::time::Duration;

use crate::schema::{Schema, connection};

/// Waits until no connection of a store of this schema is left.
pub(crate) async fn unused(schema: &Schema) {
    let mut observer = connection().await;
    let patience = Patience::of(Duration::from_secs(20), "connections are left");
    loop {
        let left: i64 =
            sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1")
                .bind(schema.name())
                .fetch_one(&mut observer)
                .await
                .unwrap();
        if left == 0 {
            return;
        }
        patience.again().await;
    }
}

/// How long a test waits for something that has to come.
pub(crate) struct Patience {
    until: tokio::time::Instant,
    otherwise: &'static str,
}

impl Patience {
    pub(crate) fn of(limit: Duration, otherwise: &'static str) -> Self {
        Self {
            until: tokio::time::Instant::now() + limit,
            otherwise,
        }
    }

    /// Waits a moment before what is awaited is looked for again, and fails if that has gone on for too long.
    pub(crate) async fn again(&self) {
        assert!(
            tokio::time::Instant::now() < self.until,
            "{}",
            self.otherwise
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
