//! What the replicas share in Redis.

use std::sync::Arc;
use std::time::Duration;

use zalt_core::Clock;
use zalt_core::budget::{BudgetStore, MemoryBudgets};
use zalt_core::config::SessionCacheConfig;
use zalt_core::store::StoreError;
use zalt_store_postgres::PostgresStore;
use zalt_store_redis::{OptionsError, RedisBudgets, RedisConnection, RedisStore, WhenAway};
use zeroize::Zeroizing;

use crate::config::{AccountBudgets, NetworksWithoutRedis, RedisConfig, ServiceAddress};

/// Why Redis can't be used. For a server one that is away is no reason: it starts without it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedisError {
    #[error("REDIS_URL can't be used")]
    Options(#[from] OptionsError),
    #[error("Redis does not answer")]
    Away(#[from] StoreError),
}

/// The most networks that are counted in memory.
const NETWORKS: usize = 65_536;
/// For those who want each check to read the database.
const NO_SESSION_CACHE: SessionCacheConfig = SessionCacheConfig {
    capacity: 1,
    max_age: Duration::ZERO,
};

/// Puts Redis beside the database.
pub(super) fn beside(
    database: &Arc<PostgresStore>,
    config: &RedisConfig,
    session_cache: Option<SessionCacheConfig>,
    clock: &Arc<dyn Clock>,
) -> Result<RedisStore<PostgresStore>, RedisError> {
    let store = RedisStore::builder(connection(config)?)
        .session_cache(session_cache.unwrap_or(NO_SESSION_CACHE))
        .account_budgets(match config.account_budgets {
            AccountBudgets::Database => zalt_store_redis::AccountBudgets::Store,
            AccountBudgets::Redis => zalt_store_redis::AccountBudgets::Redis,
        })
        .clock(clock.clone())
        .start(database.clone())?;
    Ok(store)
}

/// Where it is counted what networks do.
pub(super) fn network_budgets(
    store: &RedisStore<PostgresStore>,
    config: &RedisConfig,
) -> Arc<dyn BudgetStore> {
    let when_away = match config.networks_without_redis {
        NetworksWithoutRedis::Database => WhenAway::Use(store.store().clone()),
        NetworksWithoutRedis::Memory => WhenAway::Use(Arc::new(MemoryBudgets::new(NETWORKS))),
        NetworksWithoutRedis::Refuse => WhenAway::Refuse,
    };
    Arc::new(RedisBudgets::new(store.connection().clone()).when_away(when_away))
}

/// Whether it answers.
pub(crate) async fn ask(config: &RedisConfig) -> Result<(), RedisError> {
    connection(config)?.ready().await?;
    Ok(())
}

fn connection(config: &RedisConfig) -> Result<RedisConnection, OptionsError> {
    let mut options = RedisConnection::builder()
        .cluster(config.cluster)
        .prefix(&config.key_prefix)
        .connect_timeout(config.timeout)
        .response_timeout(config.timeout);
    if let Some(pem) = &config.root_certificates {
        options = options.root_certificates(pem.clone());
    }
    let nodes: Vec<&str> = config.nodes.iter().map(ServiceAddress::expose).collect();
    options.open(&Zeroizing::new(nodes.join(",")))
}
