//! Opening a database of PostgreSQL, with patience for one that is about to come up.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use zalt_core::store::StoreErrorKind;
use zalt_store_postgres::{ConnectError, PostgresOptions, PostgresStore};

use super::Schema;
use crate::config::PostgresConfig;

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("{address} can't be used")]
    Open {
        address: String,
        source: ConnectError,
    },
    #[error("{address} did not answer within {} seconds", waited.as_secs())]
    Away {
        address: String,
        waited: Duration,
        source: Option<ConnectError>,
    },
}

impl DatabaseError {
    pub(super) const fn kind(&self) -> Option<StoreErrorKind> {
        match self {
            Self::Open { source, .. } => source.kind(),
            Self::Away { .. } => Some(StoreErrorKind::Unavailable),
        }
    }
}

/// The pause after the first try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Opens the store. Containers are started together, so a server waits for a database that is away at first; a tool does
/// not.
pub(super) async fn open(
    config: &PostgresConfig,
    schema: Schema,
) -> Result<PostgresStore, DatabaseError> {
    let began = Instant::now();
    let patience = match schema {
        Schema::Migrated => config.startup_timeout,
        Schema::AsItIs => config.acquire_timeout,
    };
    let deadline = began + patience;
    let mut pause = FIRST_PAUSE;
    let mut last = None;
    loop {
        let connecting = options(config, schema).connect(config.url.expose());
        let error = match timeout_at(deadline, connecting).await {
            Ok(Ok(store)) => return Ok(store),
            Ok(Err(error)) if is_away(&error) => error,
            Ok(Err(source)) => {
                return Err(DatabaseError::Open {
                    address: config.url.to_string(),
                    source,
                });
            }
            Err(_) => {
                return Err(DatabaseError::Away {
                    address: config.url.to_string(),
                    waited: began.elapsed(),
                    source: last,
                });
            }
        };
        tracing::warn!(
            database = %config.url,
            error = &error as &dyn std::error::Error,
            waited_s = began.elapsed().as_secs(),
            longest_s = patience.as_secs(),
            "the database does not answer yet: trying again"
        );
        last = Some(error);
        sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether it may come up yet.
fn is_away(error: &ConnectError) -> bool {
    matches!(
        error.kind(),
        Some(StoreErrorKind::Unavailable | StoreErrorKind::Busy | StoreErrorKind::Unknown)
    )
}

fn options(config: &PostgresConfig, schema: Schema) -> PostgresOptions {
    let options = PostgresStore::builder()
        .schema(&config.schema)
        .max_connections(config.pool_size)
        .acquire_timeout(config.acquire_timeout)
        .statement_timeout(config.statement_timeout)
        .transaction_pooler(config.transaction_pooler)
        .migrate(schema == Schema::Migrated);
    match &config.replica {
        Some(replica) => options.stale_reads_from(replica.expose()),
        None => options,
    }
}
