//! Connections: the store's own or the host's, and what is done on one while it is leased.

mod pool;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgRow};
use sqlx::{AssertSqlSafe, Error, Postgres};

pub(crate) use self::pool::Limits;
pub use self::pool::PoolStatus;
use self::pool::{Pool, Pooled};
use crate::database::Sql;
use crate::error::{is_lost, is_read_only, is_stale};

/// The connections to one server.
#[derive(Debug)]
pub(crate) struct Connections {
    source: Source,
    rules: Arc<Rules>,
}

#[derive(Debug)]
enum Source {
    Own(Arc<Pool>),
    Host(PgPool),
}

/// How connections are used.
#[derive(Debug)]
pub(crate) struct Rules {
    /// What opens a transaction.
    pub(crate) begin: Arc<str>,
    /// Whether one connection is one server process only while a transaction lasts.
    pub(crate) pooled_by_transaction: bool,
    /// How long an answer may take. The server gives up by itself before; what takes longer than this will not come, for
    /// example because the server's machine is gone.
    pub(crate) patience: Duration,
}

impl Connections {
    pub(crate) fn own(options: PgConnectOptions, limits: Limits, rules: Rules) -> Self {
        Self {
            source: Source::Own(Pool::new(options, limits)),
            rules: Arc::new(rules),
        }
    }

    pub(crate) fn of_host(pool: PgPool, rules: Rules) -> Self {
        Self {
            source: Source::Host(pool),
            rules: Arc::new(rules),
        }
    }

    pub(crate) async fn lease(&self) -> Result<Lease, Error> {
        let connection = match &self.source {
            Source::Own(pool) => Leased::Own(pool.acquire().await?),
            Source::Host(pool) => Leased::Host(pool.acquire().await?),
        };
        Ok(Lease {
            connection,
            rules: Arc::clone(&self.rules),
            patience: Some(self.rules.patience),
            is_open: false,
        })
    }

    /// Whether every statement needs a transaction around it.
    pub(crate) fn need_transactions(&self) -> bool {
        self.rules.pooled_by_transaction
    }

    /// Runs one statement that writes nothing.
    pub(crate) async fn query(
        &self,
        sql: &Sql,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>, Error> {
        let mut lease = self.lease().await?;
        if !self.need_transactions() {
            return lease.rows(sql, arguments).await;
        }
        lease.begin().await?;
        let rows = lease.rows(sql, arguments).await;
        let ended = lease.roll_back().await;
        let rows = rows?;
        ended.map(|()| rows)
    }

    pub(crate) fn status(&self) -> PoolStatus {
        match &self.source {
            Source::Own(pool) => pool.status(),
            Source::Host(pool) => {
                let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
                PoolStatus {
                    limit: pool.options().get_max_connections(),
                    used: pool.size().saturating_sub(idle),
                    idle,
                }
            }
        }
    }

    pub(crate) async fn close(&self) {
        match &self.source {
            Source::Own(pool) => pool.close().await,
            Source::Host(pool) => pool.close().await,
        }
    }
}

/// A connection while somebody uses it.
///
/// A statement whose caller goes away is finished before the connection serves anybody else. A transaction is not: the
/// connection of one that is still open is closed.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: Leased,
    rules: Arc<Rules>,
    /// How long an answer may take; `None` for ever.
    patience: Option<Duration>,
    /// Whether a transaction is open.
    is_open: bool,
}

enum Leased {
    Own(Pooled),
    Host(PoolConnection<Postgres>),
}

impl Lease {
    pub(crate) async fn rows(
        &mut self,
        sql: &Sql,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>, Error> {
        let is_remembered = sql.is_usual && !self.rules.pooled_by_transaction;
        // Every text is one of ours; whatever comes from outside is an argument.
        let query = sqlx::query_with(AssertSqlSafe(Arc::clone(&sql.text)), arguments)
            .persistent(is_remembered);
        let answer = within(self.patience, query.fetch_all(self.connection.begin()?)).await;
        self.checked(answer)
    }

    /// Runs statements that have no arguments and whose answers don't matter.
    pub(crate) async fn run(&mut self, sql: Arc<str>) -> Result<(), Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql));
        let done = within(self.patience, script.execute(self.connection.begin()?)).await;
        self.checked(done).map(drop)
    }

    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        self.is_open = true;
        self.run(Arc::clone(&self.rules.begin)).await
    }

    pub(crate) async fn commit(&mut self) -> Result<(), Error> {
        self.run("COMMIT".into()).await?;
        self.is_open = false;
        Ok(())
    }

    pub(crate) async fn roll_back(&mut self) -> Result<(), Error> {
        self.run("ROLLBACK".into()).await?;
        self.is_open = false;
        Ok(())
    }

    /// From now on an answer may take as long as it takes.
    pub(crate) const fn wait_for_ever(&mut self) {
        self.patience = None;
    }

    /// Keeps a connection that is of no use any more from being used again.
    fn checked<T>(&mut self, answer: Result<T, Error>) -> Result<T, Error> {
        match &answer {
            Err(error) if is_lost(error) => self.connection.is_lost(),
            // Another connection may lead to the server that took over.
            Err(error) if is_stale(error) || is_read_only(error) => self.connection.is_spent(),
            _ => self.connection.is_over(),
        }
        answer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_open {
            self.connection.is_spent();
        }
    }
}

impl Leased {
    fn begin(&mut self) -> Result<&mut PgConnection, Error> {
        match self {
            Self::Own(connection) => connection.begin(),
            Self::Host(connection) => Ok(connection),
        }
    }

    fn is_over(&mut self) {
        if let Self::Own(connection) = self {
            connection.is_over();
        }
    }

    fn is_lost(&mut self) {
        match self {
            Self::Own(connection) => connection.is_lost(),
            Self::Host(connection) => connection.close_on_drop(),
        }
    }

    fn is_spent(&mut self) {
        match self {
            Self::Own(connection) => connection.is_spent(),
            Self::Host(connection) => connection.close_on_drop(),
        }
    }
}

impl fmt::Debug for Leased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own(_) => "Own(..)",
            Self::Host(_) => "Host(..)",
        })
    }
}

async fn within<T>(
    patience: Option<Duration>,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match patience {
        None => answer.await,
        Some(patience) => tokio::time::timeout(patience, answer)
            .await
            .unwrap_or_else(|_| Err(Error::Io(io::ErrorKind::TimedOut.into()))),
    }
}
