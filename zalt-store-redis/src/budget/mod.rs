mod script;

use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, BudgetStore, Decision};
use zalt_core::store::StoreError;

use crate::RedisConnection;
use crate::failure::Failure;
use crate::metrics;

/// Budgets in Redis, which all replicas take from: each try is one atomic step on the server.
///
/// A try is counted before Redis answers, so one whose answer was lost may be gone: an account then has fewer tries, never
/// more.
#[derive(Clone)]
pub struct RedisBudgets {
    connection: RedisConnection,
    when_away: WhenAway,
}

/// What becomes of a try while Redis can't be asked.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum WhenAway {
    /// It is refused, and with it what it guards. For budgets that guard accounts: whoever takes Redis down must not get
    /// tries for it.
    #[default]
    Refuse,
    /// It is taken from these budgets. For those of networks, with
    /// [`MemoryBudgets`](zalt_core::budget::MemoryBudgets): each replica then counts for itself.
    Use(Arc<dyn BudgetStore>),
}

impl RedisBudgets {
    /// Budgets over this connection that are refused while Redis is away.
    pub const fn new(connection: RedisConnection) -> Self {
        Self {
            connection,
            when_away: WhenAway::Refuse,
        }
    }

    /// What becomes of tries while Redis can't be asked, or refuses to answer.
    #[must_use]
    pub fn when_away(mut self, when_away: WhenAway) -> Self {
        self.when_away = when_away;
        self
    }

    async fn take_in_redis(
        &self,
        key: &str,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, Failure> {
        let run = |command| async move { self.connection.run("take", key, &command).await };
        let answer = match run(script::by_hash(key, budget, now)).await {
            Err(failure) if failure.asks_for_script() => {
                run(script::by_source(key, budget, now)).await
            }
            answer => answer,
        };
        script::decision(&answer?).map_err(Failure::Refused)
    }

    async fn give_back_in_redis(&self, key: &str) -> Result<(), Failure> {
        let mut command = redis::cmd("DEL");
        command.arg(key);
        self.connection.run("give_back", key, &command).await?;
        Ok(())
    }

    /// Gives one try of a rate back, of which one comes back by itself in `each`.
    ///
    /// # Errors
    /// [`StoreError`]; the budget is as it was.
    pub(crate) async fn give_back_try(
        &self,
        key: BudgetKey,
        each: Duration,
    ) -> Result<(), StoreError> {
        let key = self.key(key);
        let command = script::give_back_try(&key, each);
        self.connection.run("give_back", &key, &command).await?;
        Ok(())
    }

    fn key(&self, key: BudgetKey) -> String {
        let mut text = format!("{}budget:", self.connection.prefix());
        for byte in key.as_bytes() {
            // Writing into a String does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[async_trait]
impl BudgetStore for RedisBudgets {
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let failure = match self.take_in_redis(&self.key(key), budget, now).await {
            Ok(decision) => return Ok(decision),
            Err(failure) => failure,
        };
        match &self.when_away {
            WhenAway::Refuse => {
                metrics::budget_without_redis(self.connection.prefix(), "refuse");
                Err(failure.into())
            }
            WhenAway::Use(others) => {
                metrics::budget_without_redis(self.connection.prefix(), "use");
                others.take(key, budget, now).await
            }
        }
    }

    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError> {
        let given = self.give_back_in_redis(&self.key(key)).await;
        match &self.when_away {
            WhenAway::Refuse => Ok(given?),
            // It may have been taken from there while Redis was away, or from Redis before that.
            WhenAway::Use(others) => others.give_back(key).await,
        }
    }
}

impl fmt::Debug for RedisBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBudgets")
            .field("connection", &self.connection)
            .field("when_away", &self.when_away)
            .finish()
    }
}
