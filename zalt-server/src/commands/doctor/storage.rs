//! The database and Redis.

use std::path::Path;
use std::sync::Arc;

use zalt_core::store::{EventFilter, PageLimit, PageRequest, StoreErrorKind};
use zalt_core::{Clock, SystemClock, Timestamp};

use super::{Finding, bad};
use crate::causes::WithCauses;
use crate::config::{Config, DatabaseConfig, PostgresConfig, RedisConfig, ServiceAddress};
use crate::storage::{Schema, Storage, ask_redis};

/// What was found out about the database.
pub(super) struct Database {
    pub(super) finding: Finding,
    /// Whether a server would find it as it needs it.
    pub(super) is_current: bool,
    /// When the last event happened.
    pub(super) newest: Option<Timestamp>,
}

impl From<Finding> for Database {
    fn from(finding: Finding) -> Self {
        Self {
            finding,
            is_current: false,
            newest: None,
        }
    }
}

pub(super) async fn database(config: &Config) -> Database {
    let name = &config.storage.database;
    let path = match name {
        DatabaseConfig::Sqlite(path) => Some(path),
        DatabaseConfig::Postgres(_) => None,
    };
    if path.is_some_and(|path| !path.exists()) {
        return Finding::Note(format!("none yet: the first start makes {name}")).into();
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let storage = match Storage::open(config, Schema::AsItIs, &clock).await {
        Ok(storage) => storage,
        Err(error) if error.kind() == Some(StoreErrorKind::OlderSchema) => {
            return Finding::Note(format!(
                "{name} has no schema of this version yet: the next start makes it, or `zalt-server migrate`"
            ))
            .into();
        }
        Err(error) => return bad(&error).into(),
    };
    let looked = look(&storage, name, path.map(AsRef::as_ref)).await;
    storage.close().await;
    match looked {
        Ok(database) => database,
        Err(finding) => finding.into(),
    }
}

async fn look(
    storage: &Storage,
    name: &DatabaseConfig,
    path: Option<&Path>,
) -> Result<Database, Finding> {
    let version = storage
        .schema_version()
        .await
        .map_err(|error| bad(&error))?;
    match path {
        Some(_) => storage
            .integrity_check()
            .await
            .map_err(|error| bad(&error))?,
        None => storage.store.ready().await.map_err(|error| {
            if error.kind() == StoreErrorKind::ReadOnly {
                Finding::Bad(format!(
                    "{name} can only be read: it is a standby, or writing is switched off"
                ))
            } else {
                bad(&error)
            }
        })?,
    }
    let page = PageRequest {
        after: None,
        limit: PageLimit::clamped(1),
    };
    let events = storage.store.events(&EventFilter::default(), page).await;
    let events = events.map_err(|error| bad(&error))?;
    let text = match path {
        Some(_) => format!("{name} is sound, schema version {version}"),
        None => format!("{name} answers and can be written, schema version {version}"),
    };
    Ok(Database {
        finding: Finding::Good(text),
        is_current: true,
        newest: events.data.first().map(|event| event.occurred_at),
    })
}

/// Whether what goes to the services can be read on the way.
pub(super) fn transport(postgres: &PostgresConfig) -> Finding {
    let open: Vec<String> = postgres
        .exposed()
        .into_iter()
        .map(ServiceAddress::to_string)
        .collect();
    if open.is_empty() {
        Finding::Good("encrypted and verified, or on this machine".to_owned())
    } else {
        Finding::Note(format!(
            "others on the network may read or change what goes to {}: add ?sslmode=verify-full to a URL of PostgreSQL, and write rediss:// for Redis",
            open.join(", ")
        ))
    }
}

pub(super) async fn redis(config: &RedisConfig) -> Finding {
    let nodes: Vec<String> = config.nodes.iter().map(ServiceAddress::to_string).collect();
    let nodes = nodes.join(", ");
    match ask_redis(config).await {
        Ok(()) => Finding::Good(format!("{nodes} answers")),
        Err(error) => Finding::Bad(format!("{nodes}: {}", WithCauses(&error))),
    }
}
