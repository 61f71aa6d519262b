use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, BudgetStore, Decision};
use zalt_core::store::{Batch, CommitError, Store, StoreError};

use crate::commit::{self, Way};
use crate::connections::PoolStatus;
use crate::database::Database;
use crate::options::{ConnectError, PostgresOptions};
use crate::{budget, schema};

/// A store in one schema of a PostgreSQL database. Cheap to clone; the clones are one store.
#[derive(Clone)]
pub struct PostgresStore {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    way: Way,
}

impl PostgresStore {
    /// Opens the store in the database of this URL with the usual options; see [`PostgresOptions::connect`].
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }

    /// Options to open a store with.
    pub fn builder() -> PostgresOptions {
        PostgresOptions::default()
    }

    pub(crate) fn new(database: Database, way: Way) -> Self {
        Self {
            inner: Arc::new(Inner { database, way }),
        }
    }

    /// The version of the schema. It is [`SCHEMA_VERSION`](crate::SCHEMA_VERSION), unless a newer version of Zalt has changed
    /// it since the store was opened.
    pub async fn schema_version(&self) -> Result<u32, StoreError> {
        schema::version(self.database()).await
    }

    /// The connections that the store has just now, for whoever watches. A read replica has its own.
    pub fn pool_status(&self) -> PoolStatus {
        self.database().connections.status()
    }

    /// Closes the connections, also those of a pool that the host handed in, once the calls that hold them are over. All calls
    /// that come later, on every clone, fail with [`Unavailable`](zalt_core::store::StoreErrorKind::Unavailable).
    pub async fn close(&self) {
        self.database().connections.close().await;
        if let Some(replica) = &self.database().replica {
            replica.close().await;
        }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("names", self.database().texts.names())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        commit::commit(self.database(), self.inner.way, &batch).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        schema::ready(self.database()).await
    }
}

#[async_trait]
impl BudgetStore for PostgresStore {
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        budget::take(self.database(), key, budget, now).await
    }

    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError> {
        budget::give_back(self.database(), key).await
    }
}
