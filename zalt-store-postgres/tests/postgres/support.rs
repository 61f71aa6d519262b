use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use zalt_store_postgres::{PostgresOptions, PostgresStore};

/// The database that the tests may use.
pub(crate) fn url() -> String {
    std::env::var("ZALT_TEST_POSTGRES_URL")
        .expect("ZALT_TEST_POSTGRES_URL names the database: run cargo xtask test")
}

/// A connection of somebody else's to the same database.
pub(crate) async fn connection() -> PgConnection {
    let options: PgConnectOptions = url().parse().unwrap();
    options
        .application_name("zalt-test-observer")
        .connect()
        .await
        .unwrap()
}

/// A schema of one test, dropped with it.
pub(crate) struct Schema {
    name: String,
}

impl Schema {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("zalt_test_{}_{count}", std::process::id()),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The URL of the database, whose connections are recognised by the name of the schema.
    pub(crate) fn url(&self) -> String {
        let url = url();
        let before = if url.contains('?') { '&' } else { '?' };
        format!("{url}{before}application_name={}", self.name)
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        PostgresStore::builder()
            .schema(&self.name)
            .max_connections(8)
    }

    pub(crate) async fn store(&self) -> PostgresStore {
        self.options().connect(&self.url()).await.unwrap()
    }

    /// Waits until no connection of a store of this schema is left.
    pub(crate) async fn unused(&self) {
        let mut observer = connection().await;
        let patience = Patience::of(Duration::from_secs(20), "connections are left");
        loop {
            let left: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1",
            )
            .bind(&self.name)
            .fetch_one(&mut observer)
            .await
            .unwrap();
            if left == 0 {
                return;
            }
            patience.again().await;
        }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let name = self.name.clone();
        // The test's own runtime may be on its way out, and it must not be blocked.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = connection().await;
                let drop = format!("DROP SCHEMA IF EXISTS {name} CASCADE");
                sqlx::raw_sql(AssertSqlSafe(drop))
                    .execute(&mut connection)
                    .await
                    .unwrap();
                connection.close().await.unwrap();
            });
        });
        if dropped.join().is_err() && !std::thread::panicking() {
            panic!("the schema of the test could not be dropped");
        }
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
