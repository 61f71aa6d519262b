//! The folder in which a server keeps what it owns, for its owner's eyes only.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use zalt_core::secret::{EncryptionKeys, KeyError};
use zalt_core::{Rng, RngError};
use zeroize::Zeroizing;

use crate::config::{Config, DatabaseConfig};

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct DataDir {
    path: PathBuf,
}

/// The folder is this process's own until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDirLock {
    _file: File,
}

/// Why the folder can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    #[error("the data folder {} can't be used: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    #[error("others may write to the data folder {}, so what is in it can't be trusted: chmod 700 {}", .0.display(), .0.display())]
    Writable(PathBuf),
    #[error("another server{} uses the data folder {}: stop it, or set ZALT_DATA_DIR to another folder", pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), path.display())]
    InUse { path: PathBuf, pid: Option<u32> },
    #[error("{} can't be used: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("others may read {}, so the key in it is not secret any more: chmod 600 {}, and replace the key if others had access", .0.display(), .0.display())]
    Readable(PathBuf),
    #[error("{}: {source}", path.display())]
    Key { path: PathBuf, source: KeyError },
    #[error("{} is there and its key {} is not: put the key back or set ENCRYPTION_KEY; a new key can't read what the old one sealed", database.display(), key.display())]
    KeyMissing { database: PathBuf, key: PathBuf },
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// A database file belongs to one server at a time. One of PostgreSQL is for many, and they keep nothing here but a key.
pub(crate) fn take_folder(config: &Config) -> Result<Option<DataDirLock>, DataDirError> {
    match config.storage.database {
        DatabaseConfig::Sqlite(_) => DataDir::open(&config.data_dir)?.lock().map(Some),
        DatabaseConfig::Postgres(_) => Ok(None),
    }
}

const KEY_FILE: &str = "encryption.key";
const LOCK_FILE: &str = "zalt.lock";

impl DataDir {
    /// The folder at `path`, made if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Folder {
            path: path.to_owned(),
            source,
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                DataDirError::NotAFolder(path.to_owned())
            }
            _ => failed(error),
        })?;
        let metadata = fs::metadata(path).map_err(failed)?;
        if mode(&metadata) & 0o022 != 0 {
            return Err(DataDirError::Writable(path.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether others on this machine may look into the folder.
    pub(crate) fn is_open_to_others(&self) -> Result<bool, DataDirError> {
        let metadata = fs::metadata(&self.path).map_err(|source| DataDirError::Folder {
            path: self.path.clone(),
            source,
        })?;
        Ok(mode(&metadata) & 0o077 != 0)
    }

    /// Takes the folder for this process. The system gives it back when the process ends, however it ends.
    pub(crate) fn lock(&self) -> Result<DataDirLock, DataDirError> {
        let path = self.path.join(LOCK_FILE);
        let failed = |source| DataDirError::File {
            path: path.clone(),
            source,
        };
        let mut file = owner_only()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Who holds it is a courtesy; that somebody does is what matters.
                let read = file.read_to_string(&mut text);
                return Err(DataDirError::InUse {
                    path: self.path.clone(),
                    pid: read.ok().and_then(|_| text.trim().parse().ok()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(DataDirLock { _file: file })
    }

    /// The key that is kept here, made if there is none yet. Where there is a database file already, its key was lost.
    pub(crate) fn encryption_keys(
        &self,
        database: Option<&Path>,
        rng: &dyn Rng,
    ) -> Result<EncryptionKeys, DataDirError> {
        let path = self.key_file();
        if !path.exists() {
            if let Some(database) = database.filter(|database| database.exists()) {
                return Err(DataDirError::KeyMissing {
                    database: database.to_owned(),
                    key: path,
                });
            }
            self.make_key(rng)?;
        }
        self.read_key()
    }

    /// The key that is kept here.
    pub(crate) fn read_key(&self) -> Result<EncryptionKeys, DataDirError> {
        let path = self.key_file();
        let failed = |source| DataDirError::File {
            path: path.clone(),
            source,
        };
        let mut file = File::open(&path).map_err(failed)?;
        // Of the file that was opened, and not of whichever has the name a moment later.
        let metadata = file.metadata().map_err(failed)?;
        if mode(&metadata) & 0o077 != 0 {
            return Err(DataDirError::Readable(path));
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(failed)?;
        EncryptionKeys::parse(text.trim()).map_err(|source| DataDirError::Key { path, source })
    }

    fn key_file(&self) -> PathBuf {
        self.path.join(KEY_FILE)
    }

    /// Writes a fresh key under another name and then links it, so that whoever sees the name sees a whole key, and of
    /// two processes that make one at once the first wins.
    fn make_key(&self, rng: &dyn Rng) -> Result<(), DataDirError> {
        let key = EncryptionKeys::generate(rng)?;
        let path = self.key_file();
        let fresh = self.path.join(format!("{KEY_FILE}.{}", std::process::id()));
        let failed = |source| DataDirError::File {
            path: path.clone(),
            source,
        };
        // One that a process of the same id left behind when it was killed.
        let _ = fs::remove_file(&fresh);
        let written = owner_only()
            .write(true)
            .create_new(true)
            .open(&fresh)
            .and_then(|mut file| {
                writeln!(file, "{}", *key)?;
                file.sync_all()
            })
            .and_then(|()| match fs::hard_link(&fresh, &path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => File::open(&self.path)?.sync_all(),
            });
        let _ = fs::remove_file(&fresh);
        written.map_err(failed)
    }
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use zalt_core::SystemRng;

    use super::*;

    const NO_DATABASE: Option<&Path> = None;

    fn with_mode(mode: u32) -> fs::Permissions {
        fs::Permissions::from_mode(mode)
    }

    #[test]
    fn the_folder_and_the_key_are_their_owners_alone() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDir::open(&parent.path().join("a/b")).unwrap();
        data.encryption_keys(NO_DATABASE, &SystemRng).unwrap();
        assert_eq!(mode(&fs::metadata(data.path()).unwrap()) & 0o777, 0o700);
        assert_eq!(mode(&fs::metadata(data.key_file()).unwrap()) & 0o777, 0o600);
        assert!(!data.is_open_to_others().unwrap());
        let names = fs::read_dir(data.path()).unwrap().count();
        assert_eq!(names, 1, "nothing but the key is left");
    }

    #[test]
    fn the_key_is_made_once() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDir::open(&parent.path().join("data")).unwrap();
        data.encryption_keys(NO_DATABASE, &SystemRng).unwrap();
        let first = fs::read_to_string(data.key_file()).unwrap();
        data.make_key(&SystemRng).unwrap();
        data.encryption_keys(NO_DATABASE, &SystemRng).unwrap();
        assert_eq!(fs::read_to_string(data.key_file()).unwrap(), first);
    }

    #[test]
    fn no_new_key_takes_the_place_of_one_that_was_lost() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDir::open(&parent.path().join("data")).unwrap();
        let database = data.path().join("zalt.db");
        fs::write(&database, "").unwrap();
        assert!(matches!(
            data.encryption_keys(Some(&database), &SystemRng),
            Err(DataDirError::KeyMissing { .. })
        ));
        assert!(!data.key_file().exists());
    }

    #[test]
    fn what_others_may_read_or_write_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let data = DataDir::open(&path).unwrap();
        data.encryption_keys(NO_DATABASE, &SystemRng).unwrap();
        fs::set_permissions(data.key_file(), with_mode(0o640)).unwrap();
        assert!(matches!(
            data.encryption_keys(NO_DATABASE, &SystemRng),
            Err(DataDirError::Readable(_))
        ));
        fs::set_permissions(&path, with_mode(0o770)).unwrap();
        assert!(matches!(
            DataDir::open(&path),
            Err(DataDirError::Writable(_))
        ));
        fs::set_permissions(&path, with_mode(0o755)).unwrap();
        assert!(DataDir::open(&path).unwrap().is_open_to_others().unwrap());
    }

    #[test]
    fn a_damaged_key_is_refused_and_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDir::open(&parent.path().join("data")).unwrap();
        fs::write(data.key_file(), "half a key").unwrap();
        fs::set_permissions(data.key_file(), with_mode(0o600)).unwrap();
        assert!(matches!(
            data.encryption_keys(NO_DATABASE, &SystemRng),
            Err(DataDirError::Key { .. })
        ));
        assert_eq!(fs::read_to_string(data.key_file()).unwrap(), "half a key");
    }

    #[test]
    fn a_second_holder_learns_who_the_first_is() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDir::open(&parent.path().join("data")).unwrap();
        let first = data.lock().unwrap();
        let Err(DataDirError::InUse { pid, path }) = data.lock() else {
            panic!("the folder was locked twice");
        };
        assert_eq!(pid, Some(std::process::id()));
        assert_eq!(path, data.path());
        drop(first);
        data.lock().unwrap();
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        fs::write(&path, "").unwrap();
        assert!(matches!(
            DataDir::open(&path),
            Err(DataDirError::NotAFolder(_))
        ));
    }
}
