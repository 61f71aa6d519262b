use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use zalt_core::password::PasswordPhc;
use zalt_core::secret::EncryptionKeys;
use zalt_core::store::Store;
use zalt_services::{Postgres, PostgresOptions, Redis, RedisOptions, ServiceError};
use zalt_store_postgres::PostgresStore;
use zalt_store_sqlite::SqliteStore;

use super::limits::commits_of_a_file;
use crate::load::Latencies;
use crate::population::{self, Population};
use crate::process::Process;
use crate::server::Launch;

/// What keeps the data of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "kebab-case")]
pub enum Backend {
    /// A file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// PostgreSQL, with Redis for budgets and the session cache.
    PostgresRedis,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::PostgresRedis];

    /// What reports call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::PostgresRedis => "PostgreSQL + Redis",
        }
    }

    /// Where accounts are kept.
    pub const fn storage(self) -> Storage {
        match self {
            Self::Sqlite => Storage::Sqlite,
            Self::Postgres | Self::PostgresRedis => Storage::Postgres,
        }
    }
}

/// Where accounts are kept. Backends that share one are measured on the same data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// A file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Room for one server's data, with the services that it needs. All of it goes away with this value.
#[derive(Debug)]
pub struct Ground {
    folder: TempDir,
    postgres: Option<Postgres>,
    redis: Option<Redis>,
}

const DATABASE: &str = "zalt";
/// The one that the store makes unless another is named.
const SCHEMA: &str = "zalt";

impl Ground {
    /// Makes room for data, with Redis beside it where a backend wants it.
    pub fn prepare(storage: Storage, redis: bool) -> Result<Self, ServiceError> {
        Ok(Self {
            folder: TempDir::new().unwrap(),
            postgres: match storage {
                Storage::Sqlite => None,
                Storage::Postgres => Some(Postgres::start(&settings())?),
            },
            redis: if redis {
                Some(Redis::start(&RedisOptions::default())?)
            } else {
                None
            },
        })
    }

    /// The store, for this program itself.
    pub async fn store(&self) -> Arc<dyn Store> {
        match &self.postgres {
            None => Arc::new(SqliteStore::open(self.file()).unwrap()),
            Some(postgres) => {
                let opened = PostgresStore::connect(&postgres.url(DATABASE)).await;
                Arc::new(opened.unwrap())
            }
        }
    }

    /// Fills it with people, by the fastest way there is.
    pub async fn fill(
        &self,
        plan: population::Plan,
        keys: &EncryptionKeys,
        phc: &PasswordPhc,
    ) -> Population {
        // Opening it makes the schema.
        let store = self.store().await;
        let Some(postgres) = &self.postgres else {
            return plan.fill(&*store, keys, phc).await;
        };
        let url = postgres.superuser_url(DATABASE);
        let population = plan.copy(&url, SCHEMA, keys, phc).await;
        // As it is after a night: statistics are there, and the log is in the files.
        for settle in ["VACUUM ANALYZE", "CHECKPOINT"] {
            let mut db = PgConnection::connect(&url).await.unwrap();
            sqlx::query(settle).execute(&mut db).await.unwrap();
        }
        population
    }

    /// A server on it.
    pub fn launch(&self, binary: &Path, backend: Backend) -> Launch {
        let mut launch = Launch::new(binary, self.folder.path());
        if let Some(postgres) = &self.postgres {
            launch = launch.with("DATABASE_URL", &postgres.url(DATABASE));
        }
        match &self.redis {
            Some(redis) if backend == Backend::PostgresRedis => {
                launch.with("REDIS_URL", &redis.url())
            }
            _ => launch,
        }
    }

    /// The processes that keep the data, beside the server's own.
    pub fn processes(&self) -> Vec<Process> {
        let redis = self.redis.as_ref().and_then(|redis| {
            let info = redis.command("INFO server").ok()?;
            let line = info
                .lines()
                .find_map(|line| line.strip_prefix("process_id:"))?;
            line.trim().parse().ok()
        });
        let postgres = self.postgres.as_ref().and_then(|postgres| {
            let folder = postgres.psql("SHOW data_directory").ok()?;
            let pid = Path::new(folder.trim()).join("postmaster.pid");
            let text = std::fs::read_to_string(pid).ok()?;
            text.lines().next()?.trim().parse().ok()
        });
        redis.into_iter().chain(postgres).map(Process::of).collect()
    }

    /// How long it takes to change one row for good, one change after the other, by the shortest way there is.
    pub async fn durable_commits(&self, time: Duration) -> Latencies {
        match &self.postgres {
            None => commits_of_a_file(self.folder.path(), time),
            Some(postgres) => commits_of(&postgres.url(DATABASE), time).await,
        }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("zalt.db")
    }
}

/// What PostgreSQL has by default is meant for much smaller machines.
fn settings() -> PostgresOptions {
    PostgresOptions::default()
        .setting("shared_buffers", "1GB")
        .setting("max_wal_size", "4GB")
}

async fn commits_of(url: &str, time: Duration) -> Latencies {
    let mut db = PgConnection::connect(url).await.unwrap();
    for statement in [
        "CREATE TABLE IF NOT EXISTS bench_limit (id int PRIMARY KEY, generation int, padding text)",
        "INSERT INTO bench_limit VALUES (1, 0, repeat('x', 300)) ON CONFLICT DO NOTHING",
    ] {
        sqlx::query(statement).execute(&mut db).await.unwrap();
    }
    let update = "UPDATE bench_limit SET generation = generation + 1 WHERE id = 1";
    let begun = Instant::now();
    let mut took = Vec::new();
    while begun.elapsed() < time {
        let at = Instant::now();
        sqlx::query(update).execute(&mut db).await.unwrap();
        took.push(at.elapsed());
    }
    db.close().await.unwrap();
    Latencies::of(took)
}
