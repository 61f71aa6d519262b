//! Where the application is kept: the database, and what stands in front of it.

mod availability;
mod gauges;
mod postgres;
mod redis;

use std::sync::Arc;
use std::time::Duration;

use zalt_core::budget::BudgetStore;
use zalt_core::config::SessionCacheConfig;
use zalt_core::store::{SessionCache, SessionCached, Store, StoreError, StoreErrorKind};
use zalt_core::{Clock, Zalt};
use zalt_store_postgres::PostgresStore;
use zalt_store_redis::RedisStore;
use zalt_store_sqlite::{IntegrityError, OpenError, SqliteStore};

use crate::config::{AccountBudgets, Config, DatabaseConfig, RedisConfig};

pub(crate) use availability::{Availability, Part};
pub(crate) use gauges::Gauges;
pub(crate) use postgres::DatabaseError;
pub(crate) use redis::{RedisError, ask as ask_redis};

/// The stores of one application.
pub(crate) struct Storage {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) account_budgets: Arc<dyn BudgetStore>,
    /// `None` where this process is the only one, and counts in its memory.
    pub(crate) network_budgets: Option<Arc<dyn BudgetStore>>,
    session_cache: Option<Arc<SessionCache>>,
    backend: Backend,
}

enum Backend {
    Sqlite(SqliteStore),
    Postgres(Arc<PostgresStore>),
    /// Beside PostgreSQL.
    Redis {
        store: Arc<RedisStore<PostgresStore>>,
        /// Whether nobody can sign in without it.
        is_needed: bool,
    },
}

/// What becomes of a schema that is not up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// It is brought up to date, or made.
    Migrated,
    /// It is refused: a server of an older version may be at work on it.
    AsItIs,
}

/// How long the end of a process waits for a Redis that has not heard of the last commits yet.
const LONGEST_FLUSH: Duration = Duration::from_secs(2);

/// Why nothing can be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error(
        "{database} has no schema of this version yet: start the server of this version, or run `zalt-server migrate`"
    )]
    OlderSchema {
        database: String,
        source: Box<StorageError>,
    },
    #[error(transparent)]
    Sqlite(OpenError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl StorageError {
    /// What kind of failure a store met, if it came that far.
    pub(crate) fn kind(&self) -> Option<StoreErrorKind> {
        match self {
            Self::OlderSchema { .. } => Some(StoreErrorKind::OlderSchema),
            Self::Sqlite(error) => error.kind(),
            Self::Database(error) => error.kind(),
            Self::Redis(_) => None,
        }
    }
}

impl Storage {
    pub(crate) async fn open(
        config: &Config,
        schema: Schema,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StorageError> {
        let opened = Self::open_as(config, schema, clock).await;
        opened.map_err(|error| {
            if error.kind() != Some(StoreErrorKind::OlderSchema) {
                return error;
            }
            StorageError::OlderSchema {
                database: config.storage.database.to_string(),
                source: Box::new(error),
            }
        })
    }

    async fn open_as(
        config: &Config,
        schema: Schema,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StorageError> {
        let cache = config.storage.session_cache;
        match &config.storage.database {
            DatabaseConfig::Sqlite(path) => {
                let migrate = schema == Schema::Migrated;
                let store = SqliteStore::builder().migrate(migrate).open(path);
                let store = store.map_err(StorageError::Sqlite)?;
                Ok(Self::sqlite(store, cache, clock))
            }
            DatabaseConfig::Postgres(postgres) => {
                let store = Arc::new(postgres::open(postgres, schema).await?);
                match &postgres.redis {
                    Some(redis) => Self::with_redis(&store, redis, cache, clock),
                    None => Ok(Self::postgres(store)),
                }
            }
        }
    }

    fn sqlite(
        store: SqliteStore,
        cache: Option<SessionCacheConfig>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let shared = Arc::new(store.clone());
        let cache = cache.map(|config| Arc::new(SessionCache::new(config)));
        Self {
            store: match &cache {
                Some(cache) => {
                    let (cache, clock) = (cache.clone(), clock.clone());
                    Arc::new(SessionCached::new(shared.clone(), cache, clock))
                }
                None => shared.clone(),
            },
            account_budgets: shared,
            network_budgets: None,
            session_cache: cache,
            backend: Backend::Sqlite(store),
        }
    }

    fn postgres(store: Arc<PostgresStore>) -> Self {
        Self {
            store: store.clone(),
            account_budgets: store.clone(),
            // For all replicas together; without Redis they have nothing else in common.
            network_budgets: Some(store.clone()),
            session_cache: None,
            backend: Backend::Postgres(store),
        }
    }

    fn with_redis(
        store: &Arc<PostgresStore>,
        config: &RedisConfig,
        cache: Option<SessionCacheConfig>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StorageError> {
        let store = Arc::new(redis::beside(store, config, cache, clock)?);
        Ok(Self {
            store: store.clone(),
            account_budgets: store.clone(),
            network_budgets: Some(redis::network_budgets(&store, config)),
            session_cache: cache.map(|_| store.cache().clone()),
            backend: Backend::Redis {
                store,
                is_needed: config.account_budgets == AccountBudgets::Redis,
            },
        })
    }

    pub(crate) async fn schema_version(&self) -> Result<u32, StoreError> {
        match &self.backend {
            Backend::Sqlite(store) => store.schema_version(),
            Backend::Postgres(store) => store.schema_version().await,
            Backend::Redis { store, .. } => store.store().schema_version().await,
        }
    }

    /// Reads the whole of a database file. One of PostgreSQL is looked after by PostgreSQL.
    pub(crate) async fn integrity_check(&self) -> Result<(), IntegrityError> {
        match &self.backend {
            Backend::Sqlite(store) => store.integrity_check().await,
            Backend::Postgres(_) | Backend::Redis { .. } => Ok(()),
        }
    }

    /// What finds out whether everything works that `zalt`, which is kept here, needs.
    pub(crate) fn availability(&self, zalt: &Zalt) -> Availability {
        let (redis, is_needed) = match &self.backend {
            Backend::Redis { store, is_needed } => (Some(store.connection().clone()), *is_needed),
            Backend::Sqlite(_) | Backend::Postgres(_) => (None, false),
        };
        Availability::new(zalt.clone(), redis, is_needed)
    }

    /// What the stores tell of themselves.
    pub(crate) fn gauges(&self) -> Gauges {
        Gauges {
            session_cache: self.session_cache.clone(),
            database: match &self.backend {
                Backend::Sqlite(store) => gauges::Database::Sqlite(store.clone()),
                Backend::Postgres(store) => gauges::Database::Postgres(store.clone()),
                Backend::Redis { store, .. } => gauges::Database::Postgres(store.store().clone()),
            },
        }
    }

    /// Writes and tells what has to be written and told, and lets go of everything.
    pub(crate) async fn close(self) {
        match self.backend {
            Backend::Sqlite(store) => store.shutdown().await,
            Backend::Postgres(store) => store.close().await,
            Backend::Redis { store, .. } => {
                store.invalidations().flush(LONGEST_FLUSH).await;
                store.store().close().await;
            }
        }
    }
}
