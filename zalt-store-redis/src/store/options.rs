use std::sync::Arc;
use std::time::Duration;

use zalt_core::config::SessionCacheConfig;
use zalt_core::store::{Invalidations, SessionCache, SessionCached, Store};
use zalt_core::{Clock, SystemClock};

use super::RedisStore;
use crate::{OptionsError, RedisBudgets, RedisConnection, RedisInvalidations};

/// What a [`RedisStore`] keeps where.
#[derive(Debug)]
pub struct RedisStoreOptions {
    connection: RedisConnection,
    session_cache: SessionCacheConfig,
    lease: Duration,
    account_budgets: AccountBudgets,
    clock: Arc<dyn Clock>,
}

/// Where the budgets are kept that guard accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AccountBudgets {
    /// In Redis. While Redis is away, whatever they guard is refused, a sign-in with a password to begin with. How long
    /// they live is up to how Redis is kept: see the [front page](crate#what-redis-has-to-keep).
    #[default]
    Redis,
    /// In the store, durably, with a commit for each try.
    Store,
}

impl RedisStoreOptions {
    pub(super) fn new(connection: RedisConnection) -> Self {
        Self {
            connection,
            session_cache: SessionCacheConfig {
                capacity: 100_000,
                max_age: Duration::from_secs(10),
            },
            lease: RedisInvalidations::DEFAULT_LEASE,
            account_budgets: AccountBudgets::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// How many sessions are cached, and how old an answer may be. Default: 100 000, 10 s.
    ///
    /// The age bounds how long a replica goes on with a session after another one revoked it in the one case that no lease
    /// covers: that other replica alone is cut off from Redis, or dies between its commit and its announcement.
    #[must_use]
    pub const fn session_cache(mut self, config: SessionCacheConfig) -> Self {
        self.session_cache = config;
        self
    }

    /// How long a replica that can't hear the others goes on using its cache. Default: 1 s.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Where the budgets are kept that guard accounts. Default: in Redis.
    #[must_use]
    pub const fn account_budgets(mut self, budgets: AccountBudgets) -> Self {
        self.account_budgets = budgets;
        self
    }

    /// The clock by which the age of what is cached is told. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Puts Redis beside the store. Listening goes on, on the tokio runtime of the caller, until the value is dropped.
    ///
    /// # Errors
    /// [`OptionsError::OutOfRange`] for a lease that is too short or too long, [`OptionsError::NoRuntime`] outside of a
    /// runtime.
    pub fn start<S: Store + ?Sized>(self, store: Arc<S>) -> Result<RedisStore<S>, OptionsError> {
        let cache = Arc::new(SessionCache::new(self.session_cache));
        let invalidations = Arc::new(RedisInvalidations::start_beside(
            self.connection.clone(),
            &cache,
            self.lease,
            self.account_budgets == AccountBudgets::Redis,
        )?);
        let told_by: Arc<dyn Invalidations> = invalidations.clone();
        let account_budgets = match self.account_budgets {
            AccountBudgets::Redis => Some(RedisBudgets::new(self.connection.clone())),
            AccountBudgets::Store => None,
        };
        Ok(RedisStore {
            cached: SessionCached::new(store, cache, self.clock).told_by(told_by),
            invalidations,
            connection: self.connection,
            account_budgets,
        })
    }
}
