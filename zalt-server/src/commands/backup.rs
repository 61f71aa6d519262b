use std::io;
use std::path::{Path, PathBuf};

use zalt_store_sqlite::{BackupError, OpenError, SqliteStore};

use super::say;
use crate::config::Config;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupCommandError {
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Copies the database to a new file. A server that uses it goes on.
pub(crate) async fn backup(config: &Config, to: &Path) -> Result<(), BackupCommandError> {
    let path = config.database_path();
    if !path.exists() {
        return Err(BackupCommandError::Missing(path));
    }
    let store = SqliteStore::open(&path)?;
    let copied = store.backup(to).await;
    store.shutdown().await;
    copied?;
    say(format_args!(
        "{} holds a copy of {}",
        to.display(),
        path.display()
    ))?;
    if config.encryption_keys.is_none() {
        say(
            "keep a copy of encryption.key in another place: without it the backup can't be read in full",
        )?;
    }
    Ok(())
}
