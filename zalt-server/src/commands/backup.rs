use std::io;
use std::path::{Path, PathBuf};

use zalt_store_sqlite::{BackupError, SqliteStore};

use super::say;
use crate::config::{Config, DatabaseConfig};

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupCommandError {
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    #[error(
        "{address} is backed up by PostgreSQL's own tools: pg_dump --format=custom --schema={schema} --file=FILE, or for every moment pg_basebackup and an archive of the log"
    )]
    Postgres { address: String, schema: String },
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Copies the database to a new file. A server that uses it goes on.
pub(crate) async fn backup(config: &Config, to: &Path) -> Result<(), BackupCommandError> {
    let path = match &config.storage.database {
        DatabaseConfig::Sqlite(path) => path,
        DatabaseConfig::Postgres(postgres) => {
            return Err(BackupCommandError::Postgres {
                address: postgres.url.to_string(),
                schema: postgres.schema.clone(),
            });
        }
    };
    if !path.exists() {
        return Err(BackupCommandError::Missing(path.clone()));
    }
    let (from, copy) = (path.clone(), to.to_owned());
    tokio::task::spawn_blocking(move || SqliteStore::back_up_file(from, copy))
        .await
        .map_err(io::Error::from)??;
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
