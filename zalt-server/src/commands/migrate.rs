use std::io;

use zalt_core::SystemRng;
use zalt_store_sqlite::{OpenError, SqliteStore};

use super::say;
use crate::application::encryption_keys;
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};

/// Why the database was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] zalt_core::store::StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Brings the database up to date, while no server uses it.
pub(crate) async fn migrate(config: &Config) -> Result<(), MigrateError> {
    let data = DataDir::open(&config.data_dir)?;
    let _lock = data.lock()?;
    // Before the database is made: one without its key is a database whose key was lost.
    encryption_keys(config, &data, &SystemRng)?;
    let store = SqliteStore::open(config.database_path())?;
    let version = store.schema_version()?;
    store.shutdown().await;
    say(format_args!(
        "{} has schema version {version}",
        store.path().display()
    ))?;
    Ok(())
}
