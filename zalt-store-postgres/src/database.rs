//! What a store runs its statements on.

use std::sync::Arc;

use sqlx::Error;
use sqlx::postgres::PgRow;
use zalt_core::id::SessionId;
use zalt_core::session::Session;
use zalt_core::store::StoreError;
use zalt_core::user::User;

use crate::connections::{Connections, Lease};
use crate::error::{may_pass, store_error};
use crate::replica::Replica;
use crate::sql::{Columns, Read, Statement, Value, arguments};
use crate::steps::Step;
use crate::texts::Texts;
use crate::together::Together;
use crate::tries::Tries;

/// The server that takes the writes, perhaps one that answers lists in its stead, and the statements for both.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) texts: Texts,
    pub(crate) connections: Connections,
    /// Answers lists and counts, which may then be a little behind.
    pub(crate) replica: Option<Replica>,
    /// Sessions that are being checked.
    pub(crate) sessions: Together<SessionId, (Session, User)>,
}

impl Database {
    /// The first row of a query, if there is one.
    pub(crate) async fn first<T>(
        &self,
        statement: Statement,
        values: &[Value],
        read: Read<T>,
    ) -> Result<Option<T>, StoreError> {
        self.whole(statement, values, |rows| {
            rows.first()
                .map(|row| read(&mut Columns::of(row)))
                .transpose()
        })
        .await
    }

    /// Every row of a query.
    pub(crate) async fn all<T>(
        &self,
        statement: Statement,
        values: &[Value],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.whole(statement, values, |rows| read_each(rows, read))
            .await
    }

    /// What all rows of a query come to together.
    pub(crate) async fn whole<T>(
        &self,
        statement: Statement,
        values: &[Value],
        read: impl FnOnce(&[PgRow]) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let sql = Sql {
            text: self.texts.of(statement),
            is_usual: true,
        };
        let rows = query(&self.connections, &sql, values).await;
        rows.and_then(|rows| read(&rows)).map_err(store_error)
    }

    /// The first row of a query that a replica may answer.
    pub(crate) async fn counted<T>(
        &self,
        statement: Statement,
        values: &[Value],
        read: Read<T>,
    ) -> Result<Option<T>, StoreError> {
        let sql = Sql {
            text: self.texts.of(statement),
            is_usual: true,
        };
        self.stale(&sql, values, read)
            .await
            .map(|mut rows| rows.pop())
    }

    /// Every row of a query that was put together for one filter, and that a replica may answer. It is planned for the values
    /// that it has: of two filters of one form one may hold a handful and the other a million.
    pub(crate) async fn listed<T>(
        &self,
        sql: &str,
        values: &[Value],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        let sql = Sql {
            text: self.texts.names().qualify(sql).into(),
            is_usual: false,
        };
        self.stale(&sql, values, read).await
    }

    async fn stale<T>(
        &self,
        sql: &Sql,
        values: &[Value],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        if let Some(replica) = &self.replica {
            let rows = replica.query(sql, values).await.map_err(store_error)?;
            if let Some(rows) = rows {
                return read_each(&rows, read).map_err(store_error);
            }
        }
        let rows = query(&self.connections, sql, values).await;
        rows.and_then(|rows| read_each(&rows, read))
            .map_err(store_error)
    }
}

/// A text that is sent to the server.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    pub(crate) text: Arc<str>,
    /// Whether it comes often enough for a connection to remember it.
    pub(crate) is_usual: bool,
}

/// Runs a query, and again on another connection if this one was lost: a query may always be repeated.
pub(crate) async fn query(
    connections: &Connections,
    sql: &Sql,
    values: &[Value],
) -> Result<Vec<PgRow>, Error> {
    let mut tries = Tries::new();
    loop {
        match connections.query(sql, arguments(values)?).await {
            Err(error) if may_pass(&error) => {
                if !tries.another().await {
                    return Err(error);
                }
            }
            answer => return answer,
        }
    }
}

fn read_each<T>(rows: &[PgRow], read: Read<T>) -> Result<Vec<T>, Error> {
    rows.iter().map(|row| read(&mut Columns::of(row))).collect()
}

/// A transaction that is open. Unless it is committed or rolled back, its connection is closed, which undoes it.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    lease: Lease,
    texts: &'a Texts,
}

impl<'a> Transaction<'a> {
    pub(crate) async fn begin(database: &'a Database) -> Result<Self, Error> {
        let mut lease = database.connections.lease().await?;
        lease.begin().await?;
        Ok(Self {
            lease,
            texts: &database.texts,
        })
    }

    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        self.lease.commit().await
    }

    pub(crate) async fn roll_back(mut self) -> Result<(), Error> {
        self.lease.roll_back().await
    }

    pub(crate) async fn rows<'v>(
        &mut self,
        sql: &Sql,
        values: impl IntoIterator<Item = &'v Value>,
    ) -> Result<Vec<PgRow>, Error> {
        let arguments = arguments(values)?;
        self.lease.rows(sql, arguments).await
    }

    /// The first row of a query, if there is one.
    pub(crate) async fn first<T>(
        &mut self,
        statement: Statement,
        values: &[Value],
        read: Read<T>,
    ) -> Result<Option<T>, Error> {
        let sql = Sql {
            text: self.texts.of(statement),
            is_usual: true,
        };
        let rows = self.rows(&sql, values).await?;
        rows.first()
            .map(|row| read(&mut Columns::of(row)))
            .transpose()
    }

    /// Whether a query has any row.
    pub(crate) async fn any(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<bool, Error> {
        let row = self.first(statement, values, |_| Ok(())).await?;
        Ok(row.is_some())
    }

    /// Whether there is a row of this id.
    pub(crate) async fn exists(
        &mut self,
        statement: Statement,
        id: &[u8; 16],
    ) -> Result<bool, Error> {
        self.any(statement, &[Value::id(id)]).await
    }

    /// Takes one step, and says whether its guard held.
    pub(crate) async fn step(&mut self, step: &Step) -> Result<bool, Error> {
        let sql = self.texts.single(step.text);
        let rows = self.rows(&sql, &step.values).await?;
        holds(&rows)
    }
}

/// Whether the answer of a statement says that its guard held. Where several had to, there is no other answer.
pub(crate) fn holds(rows: &[PgRow]) -> Result<bool, Error> {
    let row = rows.first().ok_or(Error::RowNotFound)?;
    Columns::of(row).truth()
}
