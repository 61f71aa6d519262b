use std::fmt;
use std::num::NonZero;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool};
use zalt_core::store::{StoreError, StoreErrorKind};

use crate::PostgresStore;
use crate::commit::Way;
use crate::connections::{Connections, Limits, Rules};
use crate::database::Database;
use crate::names::Names;
use crate::replica::Replica;
use crate::schema::{self, MIGRATIONS};
use crate::texts::Texts;
use crate::together::Together;

/// How a [`PostgresStore`] is opened. The defaults are right for most; all of it is checked when the store is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    schema: String,
    table_prefix: String,
    max_connections: Option<u32>,
    acquire_timeout: Duration,
    statement_timeout: Duration,
    lock_timeout: Duration,
    idle_timeout: Duration,
    transaction_pooler: bool,
    stale_reads: Option<StaleReads>,
    migrate: bool,
    way: Way,
}

/// How much longer than the server's own limit an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a read replica is: a URL, or a pool of the host's.
#[derive(Clone)]
#[non_exhaustive]
pub enum StaleReads {
    /// The replica's URL.
    Url(String),
    /// A pool that is connected to it.
    Pool(PgPool),
}

impl From<&str> for StaleReads {
    fn from(url: &str) -> Self {
        Self::Url(url.to_owned())
    }
}

impl From<String> for StaleReads {
    fn from(url: String) -> Self {
        Self::Url(url)
    }
}

impl From<PgPool> for StaleReads {
    fn from(pool: PgPool) -> Self {
        Self::Pool(pool)
    }
}

/// `Debug` leaves the URL out: it may hold a password.
impl fmt::Debug for StaleReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url(_) => "Url(..)",
            Self::Pool(_) => "Pool(..)",
        })
    }
}

/// A setting that is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// See [`PostgresOptions::schema`].
    #[error(
        "schema is a name of lower-case letters, digits and underscores, of at most 63 bytes, that does not begin with pg_"
    )]
    Schema,
    /// See [`PostgresOptions::table_prefix`].
    #[error("table_prefix is lower-case letters, digits and underscores, at most 20 bytes")]
    TablePrefix,
    /// See [`PostgresOptions::max_connections`].
    #[error("max_connections is a number from 1 to 1000")]
    MaxConnections,
    /// See [`PostgresOptions::acquire_timeout`], [`PostgresOptions::statement_timeout`], [`PostgresOptions::lock_timeout`] and
    /// [`PostgresOptions::idle_timeout`].
    #[error("a timeout is between a millisecond and an hour")]
    Timeout,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A setting is out of its range.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The URL is none of a PostgreSQL database. It is not repeated, since it may hold a password.
    #[error("not the URL of a PostgreSQL database, such as postgres://user@host/database")]
    Url,
    /// The database could not be opened as a store, for example because it can't be reached
    /// ([`Unavailable`](StoreErrorKind::Unavailable)) or a newer version of Zalt wrote it
    /// ([`NewerSchema`](StoreErrorKind::NewerSchema)).
    #[error("the database can't be opened")]
    Store(#[from] StoreError),
}

impl ConnectError {
    /// What kind of failure the store met, if it came that far.
    pub const fn kind(&self) -> Option<StoreErrorKind> {
        match self {
            Self::Store(source) => Some(source.kind()),
            Self::Options(_) | Self::Url => None,
        }
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            schema: "zalt".to_owned(),
            table_prefix: String::new(),
            max_connections: None,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(10),
            transaction_pooler: false,
            stale_reads: None,
            migrate: true,
            way: Way::Merged,
        }
    }
}

impl PostgresOptions {
    /// The schema that the tables are in, `zalt` by default. It is made if it is not there, for which the role needs `CREATE`
    /// on the database.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// What the names of tables and indexes begin with, nothing by default. With a prefix the tables can live in a schema
    /// beside others.
    #[must_use]
    pub fn table_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.table_prefix = prefix.into();
        self
    }

    /// How many connections the store opens at the most: 1 to 1000, by default twice the number of cores and at least 4.
    /// Connections serve a request each at a time, and the server does no more at once than it has cores.
    #[must_use]
    pub const fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// How long a call waits for a connection before it fails with [`Busy`](StoreErrorKind::Busy), 5 seconds by default.
    #[must_use]
    pub const fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long the server works on one statement before it gives it up and the call fails with
    /// [`Busy`](StoreErrorKind::Busy), 10 seconds by default.
    #[must_use]
    pub const fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// How long a statement waits for a lock, 5 seconds by default.
    #[must_use]
    pub const fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// After what time a connection that nobody needs is closed, 10 minutes by default.
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Whether there is a pooler in between that gives out server connections by the transaction, such as PgBouncer with
    /// `pool_mode = transaction`. Every statement then has a transaction around it, and none is remembered by a connection,
    /// so that any pooler will do, at the price of three more round trips a call.
    #[must_use]
    pub const fn transaction_pooler(mut self, is_between: bool) -> Self {
        self.transaction_pooler = is_between;
        self
    }

    /// Has a read replica answer what may be a little behind: lists of users and of events, and counts of users. Whoever
    /// writes and then reads one of those may not find what they wrote. All else is read where it is written. A replica that
    /// fails is passed over.
    #[must_use]
    pub fn stale_reads_from(mut self, replica: impl Into<StaleReads>) -> Self {
        self.stale_reads = Some(replica.into());
        self
    }

    /// Whether what is not there yet is made and an older schema is brought up to date: yes by default. A tool that works
    /// beside servers says no, and is refused then ([`OlderSchema`](StoreErrorKind::OlderSchema)).
    #[must_use]
    pub const fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// Applies every change by a statement of its own, for tests that hold the usual way against it.
    #[doc(hidden)]
    #[must_use]
    pub const fn one_by_one(mut self) -> Self {
        self.way = Way::OneByOne;
        self
    }

    /// Opens the store in the database of this URL, such as `postgres://user:password@host/database`. What is not there yet is
    /// made; an older schema is brought up to date.
    ///
    /// Over a network, add `?sslmode=verify-full&sslrootcert=...`: what is the default, `prefer`, trusts whoever answers.
    pub async fn connect(self, url: &str) -> Result<PostgresStore, ConnectError> {
        self.check()?;
        let connections = self.own(url)?;
        self.open(connections).await
    }

    /// Opens the store on connections of the host's. The options about connections and timeouts are then the pool's business.
    pub async fn with_pool(self, pool: PgPool) -> Result<PostgresStore, ConnectError> {
        self.check()?;
        let connections = Connections::of_host(pool, self.rules());
        self.open(connections).await
    }

    async fn open(self, connections: Connections) -> Result<PostgresStore, ConnectError> {
        let replica = match &self.stale_reads {
            None => None,
            Some(StaleReads::Pool(pool)) => Some(Connections::of_host(pool.clone(), self.rules())),
            Some(StaleReads::Url(url)) => Some(self.own(url)?),
        };
        let names = Names::new(&self.schema, &self.table_prefix)?;
        // Part of the connections for checks: more of them at once are done sooner together, and the rest is for other work.
        let checks = connections.status().limit / 4;
        let database = Database {
            texts: Texts::new(names),
            sessions: Together::new(usize::try_from(checks).unwrap_or(usize::MAX)),
            connections,
            replica: replica.map(Replica::new),
        };
        if self.migrate {
            schema::migrate(&database, MIGRATIONS).await?;
        } else {
            schema::require_current(&database).await?;
        }
        Ok(PostgresStore::new(database, self.way))
    }

    fn rules(&self) -> Rules {
        let begin = if self.transaction_pooler {
            // A pooler passes no settings on that a connection begins with.
            format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}",
                self.statement_timeout.as_millis(),
                self.lock_timeout.as_millis()
            )
        } else {
            "BEGIN".to_owned()
        };
        Rules {
            begin: begin.into(),
            pooled_by_transaction: self.transaction_pooler,
            patience: self.statement_timeout + PATIENCE,
        }
    }

    fn own(&self, url: &str) -> Result<Connections, ConnectError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(ConnectError::Url);
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| ConnectError::Url)?;
        let options = match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("zalt"),
        };
        let options = if self.transaction_pooler {
            options.extra_float_digits(None).statement_cache_capacity(0)
        } else {
            let millis = |limit: Duration| limit.as_millis().to_string();
            options.statement_cache_capacity(256).options([
                // Commits are right under any; under this one they give way to each other the least.
                ("default_transaction_isolation", "read committed".to_owned()),
                ("statement_timeout", millis(self.statement_timeout)),
                ("lock_timeout", millis(self.lock_timeout)),
                (
                    "idle_in_transaction_session_timeout",
                    millis(self.statement_timeout),
                ),
            ])
        };
        let limits = Limits {
            max_connections: self.max_connections.unwrap_or_else(default_connections),
            acquire_timeout: self.acquire_timeout,
            idle_timeout: self.idle_timeout,
        };
        Ok(Connections::own(options, limits, self.rules()))
    }

    fn check(&self) -> Result<(), OptionsError> {
        Names::new(&self.schema, &self.table_prefix)?;
        if !self
            .max_connections
            .is_none_or(|connections| (1..=1000).contains(&connections))
        {
            return Err(OptionsError::MaxConnections);
        }
        let timeouts = [
            self.acquire_timeout,
            self.statement_timeout,
            self.lock_timeout,
            self.idle_timeout,
        ];
        let range = Duration::from_millis(1)..=Duration::from_hours(1);
        if timeouts.iter().all(|timeout| range.contains(timeout)) {
            Ok(())
        } else {
            Err(OptionsError::Timeout)
        }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("table_prefix", &self.table_prefix)
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("transaction_pooler", &self.transaction_pooler)
            .field("stale_reads", &self.stale_reads)
            .field("migrate", &self.migrate)
            .finish_non_exhaustive()
    }
}

fn default_connections() -> u32 {
    let cores = std::thread::available_parallelism().map_or(2, NonZero::get);
    u32::try_from(cores).map_or(64, |cores| (cores * 2).clamp(4, 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_its_range() {
        let options = PostgresOptions::default;
        for (options, error) in [
            (options().schema("Zalt"), OptionsError::Schema),
            (options().table_prefix("a b"), OptionsError::TablePrefix),
            (options().max_connections(0), OptionsError::MaxConnections),
            (
                options().max_connections(1001),
                OptionsError::MaxConnections,
            ),
            (
                options().acquire_timeout(Duration::ZERO),
                OptionsError::Timeout,
            ),
            (
                options().statement_timeout(Duration::from_hours(2)),
                OptionsError::Timeout,
            ),
        ] {
            assert_eq!(options.check().unwrap_err(), error);
        }
        assert_eq!(options().check(), Ok(()));
    }

    #[tokio::test]
    async fn a_url_of_something_else_is_refused_and_not_repeated() {
        for url in ["sqlite:zalt.db", "", "postgres", "http://secret@host/"] {
            let refused = PostgresOptions::default().connect(url).await.unwrap_err();
            assert!(matches!(refused, ConnectError::Url), "{url}");
            assert!(!refused.to_string().contains("secret"));
        }
    }
}
