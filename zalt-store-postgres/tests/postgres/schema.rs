//! A place for one test, which the tests in the crate itself use too.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use zalt_store_postgres::{PostgresOptions, PostgresStore};

/// The database that the tests may use.
pub(crate) fn url() -> String {
    std::env::var("ZALT_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!("ZALT_TEST_POSTGRES_URL names the database: run cargo xtask test")
    })
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
        self.named(&url())
    }

    /// The URL, with the name of the schema for that of the application.
    pub(crate) fn named(&self, url: &str) -> String {
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
        let is_dropped = dropped.join().is_ok();
        // A test that fails says why itself.
        assert!(
            is_dropped || std::thread::panicking(),
            "the schema of the test could not be dropped"
        );
    }
}
