//! Where stores keep what they keep.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::LocalBoxFuture;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use zalt_http_behaviours::Stores;
use zalt_store_postgres::PostgresStore;
use zalt_store_sqlite::SqliteStore;

/// A place for the stores of one test, empty at first and gone with it.
pub(crate) trait Place {
    /// A store in this place. A behaviour that makes a second application has it somewhere else.
    fn stores(&self) -> LocalBoxFuture<'_, Stores>;
}

/// The memory of the process.
pub(crate) struct Memory;

pub(crate) const fn in_memory() -> Memory {
    Memory
}

impl Place for Memory {
    fn stores(&self) -> LocalBoxFuture<'_, Stores> {
        Box::pin(std::future::ready(Stores::memory()))
    }
}

/// A file of SQLite in a folder of its own.
pub(crate) struct File {
    folder: tempfile::TempDir,
    opened: AtomicU32,
}

pub(crate) fn in_a_file() -> File {
    File {
        folder: tempfile::tempdir().unwrap(),
        opened: AtomicU32::new(0),
    }
}

impl Place for File {
    fn stores(&self) -> LocalBoxFuture<'_, Stores> {
        let opened = self.opened.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.path().join(format!("{opened}.db"));
        Box::pin(async move { Stores::of(SqliteStore::open(path).unwrap()) })
    }
}

/// Schemas of PostgreSQL, dropped in the end.
pub(crate) struct Schema {
    name: String,
    opened: AtomicU32,
}

impl Schema {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("zalt_every_{}_{count}", std::process::id()),
            opened: AtomicU32::new(0),
        }
    }
}

impl Place for Schema {
    fn stores(&self) -> LocalBoxFuture<'_, Stores> {
        let opened = self.opened.fetch_add(1, Ordering::Relaxed);
        let schema = format!("{}_{opened}", self.name);
        Box::pin(async move {
            let options = PostgresStore::builder().schema(&schema).max_connections(4);
            Stores::of(options.connect(&url()).await.unwrap())
        })
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        on_a_runtime(async {
            let options: PgConnectOptions = url().parse().unwrap();
            let mut connection: PgConnection = options.connect().await.unwrap();
            for opened in 0..self.opened.load(Ordering::Relaxed) {
                let drop = format!("DROP SCHEMA IF EXISTS {}_{opened} CASCADE", self.name);
                let dropped = sqlx::raw_sql(AssertSqlSafe(drop));
                dropped.execute(&mut connection).await.unwrap();
            }
        });
    }
}

fn url() -> String {
    std::env::var("ZALT_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!("ZALT_TEST_POSTGRES_URL names the database: run cargo xtask test")
    })
}

/// Runs a future to its end, with whatever it left behind.
pub(crate) fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
