use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

/// Where the servers of one place keep everything.
///
/// `ZALT_E2E_DATABASE` says which of them the tests use that don't care: `sqlite` (without it), `postgres` or
/// `postgres+redis`, which are then found in `ZALT_TEST_POSTGRES_URL` and `ZALT_TEST_REDIS_URL`.
#[derive(Debug)]
pub(crate) enum Kept {
    /// In the data folder, or wherever the test says.
    AsSaid,
    Postgres {
        url: String,
        redis: Option<String>,
        /// The schema, and what keys in Redis begin with.
        name: String,
    },
}

static NUMBER: AtomicU32 = AtomicU32::new(0);
static CHOICE: OnceLock<String> = OnceLock::new();

impl Kept {
    pub(super) fn chosen() -> Self {
        let choice = CHOICE.get_or_init(|| std::env::var("ZALT_E2E_DATABASE").unwrap_or_default());
        let redis = match choice.as_str() {
            "" | "sqlite" => return Self::AsSaid,
            "postgres" => None,
            "postgres+redis" => Some(service("ZALT_TEST_REDIS_URL")),
            other => {
                panic!("ZALT_E2E_DATABASE is {other:?}: write sqlite, postgres or postgres+redis")
            }
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self::Postgres {
            url: service("ZALT_TEST_POSTGRES_URL"),
            redis,
            name: format!("e2e_{}_{number}", std::process::id()),
        }
    }

    /// What tells a server of it.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::AsSaid => Vec::new(),
            Self::Postgres { url, redis, name } => {
                let mut variables = vec![
                    ("DATABASE_URL", url.clone()),
                    ("ZALT_DATABASE_SCHEMA", name.clone()),
                    // Many tests run at once on one server.
                    ("ZALT_DATABASE_POOL_SIZE", "4".to_owned()),
                ];
                if let Some(redis) = redis {
                    variables.push(("REDIS_URL", redis.clone()));
                    variables.push(("ZALT_REDIS_KEY_PREFIX", format!("{name}:")));
                }
                variables
            }
        }
    }

    /// All that the database holds as text, with bytes in hexadecimal; `None` where that is a file.
    pub(crate) async fn dump(&self) -> Option<String> {
        let Self::Postgres { url, name, .. } = self else {
            return None;
        };
        let options: PgConnectOptions = url.parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        let tables = "SELECT tablename FROM pg_tables WHERE schemaname = $1";
        let tables = sqlx::query(tables).bind(name);
        let mut dumped = String::new();
        for table in tables.fetch_all(&mut connection).await.unwrap() {
            let table: String = table.get(0);
            let rows = format!("SELECT t::text FROM \"{name}\".\"{table}\" t");
            let rows = sqlx::query(AssertSqlSafe(rows));
            for row in rows.fetch_all(&mut connection).await.unwrap() {
                dumped.push_str(&row.get::<String, _>(0));
                dumped.push('\n');
            }
        }
        connection.close().await.unwrap();
        Some(dumped)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let Self::Postgres { url, name, .. } = self else {
            return;
        };
        let (url, sql) = (
            url.clone(),
            format!("DROP SCHEMA IF EXISTS \"{name}\" CASCADE"),
        );
        // The runtime of the test may be ending, and must not be blocked.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(run(&url, sql))
        });
        if !matches!(dropped.join(), Ok(Ok(()))) {
            eprintln!("{name} could not be dropped");
        }
    }
}

/// Runs SQL whose answer does not matter.
async fn run(url: &str, sql: String) -> Result<(), sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    let mut connection = options.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// Where a service of the tests is.
pub(crate) fn service(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} names no service: `cargo xtask test` starts them, or `cargo xtask services`"
        )
    })
}
