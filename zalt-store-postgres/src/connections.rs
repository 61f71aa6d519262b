use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::{AssertSqlSafe, Error, Postgres};

use crate::database::Sql;
use crate::error::{is_lost, is_stale};

/// The connections to one server.
#[derive(Debug)]
pub(crate) struct Connections {
    pool: PgPool,
    /// What opens a transaction.
    begin: Arc<str>,
    /// Whether one connection is one server process only while a transaction lasts.
    pooled_by_transaction: bool,
}

impl Connections {
    pub(crate) fn new(pool: PgPool, begin: &str, pooled_by_transaction: bool) -> Self {
        Self {
            pool,
            begin: begin.into(),
            pooled_by_transaction,
        }
    }

    pub(crate) async fn lease(&self) -> Result<Lease, Error> {
        Ok(Lease {
            connection: self.pool.acquire().await?,
            begin: Arc::clone(&self.begin),
            remembers: !self.pooled_by_transaction,
            is_open: false,
        })
    }

    /// Whether every statement needs a transaction around it.
    pub(crate) const fn need_transactions(&self) -> bool {
        self.pooled_by_transaction
    }

    /// Runs one statement that writes nothing.
    pub(crate) async fn query(
        &self,
        sql: &Sql,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>, Error> {
        let mut lease = self.lease().await?;
        if !self.pooled_by_transaction {
            return lease.rows(sql, arguments).await;
        }
        lease.begin().await?;
        let rows = lease.rows(sql, arguments).await;
        let ended = lease.roll_back().await;
        let rows = rows?;
        ended.map(|()| rows)
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A connection while somebody uses it.
///
/// A statement whose caller goes away is finished or given up by the driver before the connection serves anybody else. A
/// transaction is not: the connection of one that is still open is closed.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: PoolConnection<Postgres>,
    begin: Arc<str>,
    /// Whether the connection may remember statements.
    remembers: bool,
    /// Whether a transaction is open.
    is_open: bool,
}

impl Lease {
    pub(crate) async fn rows(
        &mut self,
        sql: &Sql,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>, Error> {
        // Every text is one of ours; whatever comes from outside is an argument.
        let rows = sqlx::query_with(AssertSqlSafe(Arc::clone(&sql.text)), arguments)
            .persistent(self.remembers && sql.is_usual)
            .fetch_all(&mut *self.connection)
            .await;
        self.checked(rows)
    }

    /// Runs statements that have no arguments and whose answers don't matter.
    pub(crate) async fn run(&mut self, sql: Arc<str>) -> Result<(), Error> {
        let done = sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *self.connection)
            .await;
        self.checked(done).map(drop)
    }

    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        self.is_open = true;
        self.run(Arc::clone(&self.begin)).await
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

    /// Keeps a connection that is of no use any more from being used again.
    fn checked<T>(&mut self, answer: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &answer
            && (is_lost(error) || is_stale(error))
        {
            self.connection.close_on_drop();
        }
        answer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_open {
            self.connection.close_on_drop();
        }
    }
}
