use std::io;
use std::sync::Arc;

use zalt_core::store::StoreError;
use zalt_core::{Clock, SystemClock, SystemRng};

use super::say;
use crate::application::encryption_keys;
use crate::config::Config;
use crate::data_dir::{DataDirError, take_folder};
use crate::storage::{Schema, Storage, StorageError};

/// Why the database was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Brings the database up to date: a file while no server uses it, PostgreSQL also while servers of the version before do.
pub(crate) async fn migrate(config: &Config) -> Result<(), MigrateError> {
    let _lock = take_folder(config)?;
    // Before the database is made: one without its key is a database whose key was lost.
    encryption_keys(config, &SystemRng)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let storage = Storage::open(config, Schema::Migrated, &clock).await?;
    let version = storage.schema_version().await;
    storage.close().await;
    say(format_args!(
        "{} has schema version {}",
        config.storage.database, version?
    ))?;
    Ok(())
}
