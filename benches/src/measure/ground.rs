use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use zalt_core::store::Store;
use zalt_store_sqlite::SqliteStore;

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
}

/// Why a backend is left out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotHere {
    /// This program does not know it.
    #[error("{} is not part of this build", .0.title())]
    Unknown(Backend),
}

/// Room for one server's data. All of it goes away with this value.
#[derive(Debug)]
pub struct Ground {
    folder: TempDir,
}

impl Ground {
    /// Makes room for data in this backend.
    pub fn prepare(backend: Backend) -> Result<Self, NotHere> {
        match backend {
            Backend::Sqlite => Ok(Self {
                folder: TempDir::new().unwrap(),
            }),
            other => Err(NotHere::Unknown(other)),
        }
    }

    /// The store, for this program itself.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.folder.path().join("zalt.db")).unwrap())
    }

    /// A server on it.
    pub fn launch(&self, binary: &Path) -> Launch {
        Launch::new(binary, self.folder.path())
    }

    /// A folder beside the data, on the same disk.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
