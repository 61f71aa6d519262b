//! Where everything is kept.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use zalt_core::config::SessionCacheConfig;

use super::Checker;
use super::parse::{time, truth, within};
use crate::config::Key;
use crate::config::problem::Problem;
use crate::config::storage::{
    AccountBudgets, DatabaseConfig, NetworksWithoutRedis, PostgresConfig, RedisConfig,
    ServiceAddress, StorageConfig,
};

const SCHEMA: &str = "zalt";
const KEY_PREFIX: &str = "zalt:";
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
const STARTUP_TIMEOUT: Duration = Duration::from_secs(30);
const REDIS_TIMEOUT: Duration = Duration::from_secs(1);
const SESSION_CACHE: SessionCacheConfig = SessionCacheConfig {
    capacity: 10_000,
    max_age: Duration::from_secs(5),
};

/// Settings that only PostgreSQL has a use for.
const OF_POSTGRES: &[Key] = &[
    Key::DatabaseReplica,
    Key::DatabaseSchema,
    Key::DatabasePoolSize,
    Key::DatabaseAcquireTimeout,
    Key::DatabaseStatementTimeout,
    Key::DatabaseTransactionPooler,
    Key::DatabaseStartupTimeout,
];
/// Settings that only Redis has a use for.
const OF_REDIS: &[Key] = &[
    Key::RedisCluster,
    Key::RedisKeyPrefix,
    Key::RedisTimeout,
    Key::RedisRootCertificates,
    Key::NetworksWithoutRedis,
];
const OF_SESSION_CACHE: &[Key] = &[Key::SessionCacheMaxAge, Key::SessionCacheCapacity];

/// What a database URL names.
enum Named {
    File(PathBuf),
    Postgres(ServiceAddress),
}

impl Checker<'_> {
    /// `default` is the file of a database that nothing is said of.
    pub(super) fn storage(&mut self, default: PathBuf) -> StorageConfig {
        let named = self.read(Key::Database, database);
        // One that can't be read has its own problem, and says nothing of the other settings.
        let unknown = named.is_none() && self.values.has(Key::Database);
        let redis = self.redis(unknown);
        let (database, cached_by_default) = match named {
            Some(Named::Postgres(url)) => {
                let cached = redis.is_some();
                (
                    DatabaseConfig::Postgres(Box::new(self.postgres(url, redis))),
                    cached,
                )
            }
            named => {
                if !unknown {
                    self.refuse_all(OF_POSTGRES, "SQLite has no use for it");
                    self.refuse_all(
                        &[Key::Redis],
                        "Redis is for several replicas, and SQLite serves one: remove it, or set DATABASE_URL to a database of PostgreSQL",
                    );
                }
                let path = match named {
                    Some(Named::File(path)) => path,
                    _ => default,
                };
                (DatabaseConfig::Sqlite(path), true)
            }
        };
        StorageConfig {
            session_cache: self.session_cache(cached_by_default || unknown),
            database,
        }
    }

    fn postgres(&mut self, url: ServiceAddress, redis: Option<RedisConfig>) -> PostgresConfig {
        PostgresConfig {
            url,
            replica: self.read(Key::DatabaseReplica, postgres_url),
            schema: self
                .read(Key::DatabaseSchema, schema)
                .unwrap_or_else(|| SCHEMA.to_owned()),
            pool_size: self
                .read(Key::DatabasePoolSize, |text| within(text, 1, 1000))
                .unwrap_or_else(pool_size),
            acquire_timeout: self
                .read(Key::DatabaseAcquireTimeout, up_to_a_minute)
                .unwrap_or(ACQUIRE_TIMEOUT),
            statement_timeout: self
                .read(Key::DatabaseStatementTimeout, up_to_a_minute)
                .unwrap_or(STATEMENT_TIMEOUT),
            transaction_pooler: self
                .read(Key::DatabaseTransactionPooler, truth)
                .unwrap_or(false),
            startup_timeout: self
                .read(Key::DatabaseStartupTimeout, time)
                .unwrap_or(STARTUP_TIMEOUT),
            redis,
        }
    }

    fn redis(&mut self, database_unknown: bool) -> Option<RedisConfig> {
        if !self.values.has(Key::Redis) {
            if !database_unknown {
                self.refuse_all(OF_REDIS, "it needs REDIS_URL");
            }
            if let Some(AccountBudgets::Redis) = self.read(Key::AccountBudgets, account_budgets)
                && let Some(given) = self.values.get(Key::AccountBudgets)
            {
                self.needs::<()>(given, Key::Redis);
            }
            return None;
        }
        let nodes = self.read(Key::Redis, redis_urls)?;
        let cluster = self.read(Key::RedisCluster, truth);
        if cluster == Some(false)
            && nodes.len() > 1
            && let Some(given) = self.values.get(Key::RedisCluster)
        {
            self.refuse::<()>(
                given,
                "several servers are those of a cluster: name one, or remove it",
            );
        }
        Some(RedisConfig {
            cluster: cluster.unwrap_or(nodes.len() > 1),
            nodes,
            key_prefix: self
                .read(Key::RedisKeyPrefix, key_prefix)
                .unwrap_or_else(|| KEY_PREFIX.to_owned()),
            timeout: self
                .read(Key::RedisTimeout, up_to_a_minute)
                .unwrap_or(REDIS_TIMEOUT),
            root_certificates: self.read(Key::RedisRootCertificates, |path| {
                fs::read(path).map_err(|error| format!("{path} can't be read: {error}"))
            }),
            account_budgets: self
                .read(Key::AccountBudgets, account_budgets)
                .unwrap_or(AccountBudgets::Database),
            networks_without_redis: self
                .read(Key::NetworksWithoutRedis, |text| match text {
                    "database" => Ok(NetworksWithoutRedis::Database),
                    "memory" => Ok(NetworksWithoutRedis::Memory),
                    "refuse" => Ok(NetworksWithoutRedis::Refuse),
                    _ => Err("write database, memory or refuse".to_owned()),
                })
                .unwrap_or(NetworksWithoutRedis::Database),
        })
    }

    /// Without somebody who tells of revocations on other replicas, a cache would let revoked sessions through for a while.
    fn session_cache(&mut self, is_told: bool) -> Option<SessionCacheConfig> {
        let wanted = self.read(Key::SessionCache, truth);
        if !is_told {
            if wanted == Some(true)
                && let Some(given) = self.values.get(Key::SessionCache)
            {
                self.needs::<()>(given, Key::Redis);
            }
            self.refuse_all(
                OF_SESSION_CACHE,
                "on PostgreSQL sessions are held in memory only with REDIS_URL",
            );
            return None;
        }
        if wanted == Some(false) {
            self.refuse_all(OF_SESSION_CACHE, "sessions.cache is off");
            return None;
        }
        Some(SessionCacheConfig {
            capacity: self
                .read(Key::SessionCacheCapacity, |text| {
                    within(text, 1, 10_000_000)
                })
                .unwrap_or(SESSION_CACHE.capacity),
            max_age: self
                .read(Key::SessionCacheMaxAge, up_to_a_minute)
                .unwrap_or(SESSION_CACHE.max_age),
        })
    }

    /// Settings without effect are mistakes.
    fn refuse_all(&mut self, keys: &[Key], reason: &'static str) {
        for key in keys {
            if let Some(given) = self.values.get(*key) {
                self.problems.push(Problem::NoEffect {
                    origin: given.origin.clone(),
                    reason,
                });
            }
        }
    }
}

/// A database answers as many callers at once as it has cores, and waiting for the network is done beside that.
fn pool_size() -> u32 {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    u32::try_from(cores.saturating_mul(2))
        .unwrap_or(u32::MAX)
        .clamp(8, 32)
}

fn database(text: &str) -> Result<Named, String> {
    if let Some(rest) = text.strip_prefix("sqlite:") {
        return file(rest).map(Named::File);
    }
    if text.starts_with("postgres") {
        return postgres_url(text).map(Named::Postgres);
    }
    Err(
        "write sqlite: and the path of a file, or postgres://user:password@host/database"
            .to_owned(),
    )
}

fn file(rest: &str) -> Result<PathBuf, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path.contains(['?', '#']) || path == ":memory:" {
        return Err(
            "write sqlite: and the path of the file, without options, such as sqlite:/var/lib/zalt/zalt.db"
                .to_owned(),
        );
    }
    Ok(PathBuf::from(path))
}

fn postgres_url(text: &str) -> Result<ServiceAddress, String> {
    let advice = || "write postgres://user:password@host/database".to_owned();
    // What stands in it is never repeated: it has a password.
    let text = text.trim();
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err(advice());
    }
    let url = Url::parse(text).map_err(|_| advice())?;
    // `require` encrypts, for whoever answers.
    let verified = url
        .query_pairs()
        .any(|(name, value)| name == "sslmode" && matches!(&*value, "verify-ca" | "verify-full"));
    Ok(ServiceAddress::new(text, &url, verified))
}

fn redis_urls(text: &str) -> Result<Vec<ServiceAddress>, String> {
    let advice = || {
        "write redis://user:password@host:port or rediss:// for TLS; the servers of a cluster separated by commas"
            .to_owned()
    };
    let nodes: Vec<ServiceAddress> = text
        .split(',')
        .map(str::trim)
        .filter(|node| !node.is_empty())
        .map(|node| {
            let url = Url::parse(node).map_err(|_| advice())?;
            match url.scheme() {
                "redis" | "rediss" if url.has_host() => {
                    Ok(ServiceAddress::new(node, &url, url.scheme() == "rediss"))
                }
                _ => Err(advice()),
            }
        })
        .collect::<Result<_, String>>()?;
    if nodes.is_empty() {
        return Err(advice());
    }
    Ok(nodes)
}

/// As the store takes it, so that it is refused here and not at the first connection.
fn schema(text: &str) -> Result<String, String> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let good = text.len() <= 63
        && !text.starts_with("pg_")
        && text.bytes().next().is_some_and(letter)
        && text
            .bytes()
            .all(|byte| letter(byte) || byte.is_ascii_digit());
    if good {
        Ok(text.to_owned())
    } else {
        Err(
            "write up to 63 small letters, digits and underscores, beginning with a letter"
                .to_owned(),
        )
    }
}

fn key_prefix(text: &str) -> Result<String, String> {
    let good = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b":._-/".contains(&byte));
    if good {
        Ok(text.to_owned())
    } else {
        Err("write 1 to 64 letters, digits and any of : . _ - /".to_owned())
    }
}

fn account_budgets(text: &str) -> Result<AccountBudgets, String> {
    match text {
        "database" => Ok(AccountBudgets::Database),
        "redis" => Ok(AccountBudgets::Redis),
        _ => Err("write database or redis".to_owned()),
    }
}

fn up_to_a_minute(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time.is_zero() || time > Duration::from_mins(1) {
        return Err("write a duration from 1s to 1m".to_owned());
    }
    Ok(time)
}
