mod options;
mod queries;
mod returned;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, BudgetStore, Decision};
use zalt_core::store::{Batch, CommitError, SessionCache, SessionCached, Store, StoreError};

pub use self::options::{AccountBudgets, RedisStoreOptions};
use self::returned::{GivenBack, Returned};
use crate::failure::Causes;
use crate::{RedisBudgets, RedisConnection, RedisInvalidations};

/// A store with Redis beside it: sessions are cached in each replica, replicas tell each other through Redis what they
/// wrote, and account budgets are taken from Redis.
///
/// It adds nothing to what the store behind it keeps, and takes nothing from it: leave it away, and the data is there.
///
/// Build the application without a [session cache](zalt_core::config::SessionConfig::cache) of its own, which would hear of
/// no other replica.
pub struct RedisStore<S: ?Sized> {
    cached: SessionCached<S>,
    invalidations: Arc<RedisInvalidations>,
    connection: RedisConnection,
    /// `None` leaves them in the store.
    account_budgets: Option<RedisBudgets>,
}

impl RedisStore<dyn Store> {
    /// Options to begin with.
    pub fn builder(connection: RedisConnection) -> RedisStoreOptions {
        RedisStoreOptions::new(connection)
    }
}

impl<S: Store + ?Sized> RedisStore<S> {
    /// The store behind the cache.
    pub const fn store(&self) -> &Arc<S> {
        self.cached.store()
    }

    /// The cache of this replica.
    pub const fn cache(&self) -> &Arc<SessionCache> {
        self.cached.cache()
    }

    /// The way to Redis. [`Store::ready`] does not ask it, since sessions are checked without it; whoever wants to know
    /// asks [`RedisConnection::ready`].
    pub const fn connection(&self) -> &RedisConnection {
        &self.connection
    }

    /// How this replica tells others what it wrote, and hears of them. At the end of a process,
    /// [`flush`](RedisInvalidations::flush) it.
    pub const fn invalidations(&self) -> &Arc<RedisInvalidations> {
        &self.invalidations
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for RedisStore<S> {
    async fn commit(&self, mut batch: Batch) -> Result<(), CommitError> {
        let Some(budgets) = &self.account_budgets else {
            return self.cached.commit(batch).await;
        };
        let returned = Returned::take_out(&mut batch);
        self.cached
            .commit(batch)
            .await
            .map_err(|error| returned.restore_positions(error))?;
        for given in returned.budgets() {
            let done = match *given {
                GivenBack::Whole(key) => budgets.give_back(key).await,
                GivenBack::Try(key, each) => budgets.give_back_try(key, each).await,
            };
            // The commit is made. An account whose tries can't be given back now has fewer of them, never more.
            if let Err(error) = done {
                tracing::warn!(
                    prefix = self.connection.prefix(),
                    error = %Causes(&error),
                    "the tries of an account could not be given back"
                );
            }
        }
        Ok(())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.cached.ready().await
    }
}

#[async_trait]
impl<S: Store + BudgetStore + ?Sized> BudgetStore for RedisStore<S> {
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        match &self.account_budgets {
            Some(budgets) => budgets.take(key, budget, now).await,
            None => self.cached.take(key, budget, now).await,
        }
    }

    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError> {
        match &self.account_budgets {
            Some(budgets) => budgets.give_back(key).await,
            None => self.cached.give_back(key).await,
        }
    }
}

impl<S: ?Sized> fmt::Debug for RedisStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("cached", &self.cached)
            .field("account_budgets", &self.account_budgets)
            .finish_non_exhaustive()
    }
}
