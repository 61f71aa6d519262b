use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::Error;
use sqlx::postgres::PgRow;
use tokio::time::Instant;

use crate::connections::Connections;
use crate::database::Sql;
use crate::error::store_error;
use crate::sql::{Value, arguments};

/// A server that answers lists and counts, and may be behind or away.
#[derive(Debug)]
pub(crate) struct Replica {
    connections: Connections,
    away_until: Mutex<Option<Instant>>,
}

/// How long a replica that failed is left alone, so that not every list waits for it in vain.
const LEFT_ALONE: Duration = Duration::from_secs(5);

impl Replica {
    pub(crate) const fn new(connections: Connections) -> Self {
        Self {
            connections,
            away_until: Mutex::new(None),
        }
    }

    /// The rows of a query; `None` if the replica doesn't answer, for which there is the other server.
    pub(crate) async fn query(
        &self,
        sql: &Sql,
        values: &[Value],
    ) -> Result<Option<Vec<PgRow>>, Error> {
        if self.is_away() {
            return Ok(None);
        }
        match self.connections.query(sql, arguments(values)?).await {
            Ok(rows) => Ok(Some(rows)),
            Err(error) => {
                tracing::warn!(error = %store_error(error), "the read replica failed");
                self.leave_alone();
                Ok(None)
            }
        }
    }

    pub(crate) async fn close(&self) {
        self.connections.close().await;
    }

    fn is_away(&self) -> bool {
        let until = *self
            .away_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn leave_alone(&self) {
        let mut away_until = self
            .away_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *away_until = Some(Instant::now() + LEFT_ALONE);
    }
}
