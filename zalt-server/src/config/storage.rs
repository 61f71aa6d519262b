//! Where everything is kept.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use zalt_core::config::SessionCacheConfig;
use zeroize::Zeroizing;

/// The database, and what stands in front of it.
#[derive(Debug)]
pub(crate) struct StorageConfig {
    pub(crate) database: DatabaseConfig,
    /// `None` where each check of a session reads the database.
    pub(crate) session_cache: Option<SessionCacheConfig>,
}

/// The database.
#[derive(Debug)]
pub(crate) enum DatabaseConfig {
    /// A file.
    Sqlite(PathBuf),
    Postgres(Box<PostgresConfig>),
}

/// A database of PostgreSQL, which several replicas may share.
#[derive(Debug)]
pub(crate) struct PostgresConfig {
    pub(crate) url: ServiceAddress,
    /// Where lists are read.
    pub(crate) replica: Option<ServiceAddress>,
    pub(crate) schema: String,
    pub(crate) pool_size: u32,
    pub(crate) acquire_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) transaction_pooler: bool,
    /// How long a start waits for the database.
    pub(crate) startup_timeout: Duration,
    pub(crate) redis: Option<RedisConfig>,
}

impl PostgresConfig {
    /// The services to which what is sent can be read by others on the way.
    pub(crate) fn exposed(&self) -> Vec<&ServiceAddress> {
        let nodes = self.redis.iter().flat_map(|redis| &redis.nodes);
        [&self.url]
            .into_iter()
            .chain(&self.replica)
            .chain(nodes)
            .filter(|address| !address.is_private())
            .collect()
    }
}

/// What the replicas share besides the database.
#[derive(Debug)]
pub(crate) struct RedisConfig {
    /// One, or several of one cluster.
    pub(crate) nodes: Vec<ServiceAddress>,
    pub(crate) cluster: bool,
    pub(crate) key_prefix: String,
    pub(crate) timeout: Duration,
    /// In PEM, in place of those that browsers trust.
    pub(crate) root_certificates: Option<Vec<u8>>,
    pub(crate) account_budgets: AccountBudgets,
    pub(crate) networks_without_redis: NetworksWithoutRedis,
}

/// Where tries at accounts are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountBudgets {
    Database,
    Redis,
}

/// Where what networks do is counted while Redis is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NetworksWithoutRedis {
    Database,
    /// Each server counts for itself.
    Memory,
    /// Nowhere: it is refused.
    Refuse,
}

/// The URL of a service, which may hold a password.
#[derive(Clone)]
pub(crate) struct ServiceAddress {
    text: Zeroizing<String>,
    /// What may be shown of it.
    shown: String,
    private: bool,
}

impl ServiceAddress {
    /// `verified` says whether the connection is encrypted, and for nobody but the service.
    pub(super) fn new(text: &str, url: &Url, verified: bool) -> Self {
        let host = url.host_str().filter(|host| !host.is_empty());
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        let shown = format!(
            "{}://{}{port}{}",
            url.scheme(),
            host.unwrap_or_default(),
            url.path()
        );
        Self {
            text: Zeroizing::new(text.to_owned()),
            shown,
            private: verified || is_here(url),
        }
    }

    /// All of it, for the driver.
    pub(crate) fn expose(&self) -> &str {
        &self.text
    }

    /// Whether what goes there can be read by nobody on the way.
    pub(crate) const fn is_private(&self) -> bool {
        self.private
    }
}

/// Without user, password and options.
impl fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// On this very machine.
fn is_here(url: &Url) -> bool {
    let named = url.query_pairs().find(|(name, _)| name == "host");
    let host = match (&named, url.host_str()) {
        (Some((_, host)), _) => host,
        (None, host) => host.unwrap_or_default(),
    };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    // Nothing at all, or a path, is a socket in the file system.
    host.is_empty()
        || host.starts_with('/')
        || host.to_ascii_lowercase().starts_with("%2f")
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
}

/// What names it and may be shown.
impl fmt::Display for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(postgres) => postgres.url.fmt(f),
        }
    }
}
