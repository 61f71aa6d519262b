use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};
use zalt_core::store::{StoreError, StoreErrorKind};

use crate::error::store_error;
use crate::options::Settings;

/// The log that the writer brings into the file by itself, in pages: 64 MiB. It gets that long only where writes never pause,
/// and most of it is in the file by then.
pub(crate) const LONGEST_LOG: i64 = 16_384;
/// To how many bytes the log is cut after a burst of writes.
const LOG_BYTES: i64 = 16 << 20;
/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS: usize = 128;
/// How long to wait before asking once more for the lock that a change of the journal mode needs.
const PAUSE: Duration = Duration::from_millis(5);

/// Makes the file, readable by its owner only, unless it is there. The log that SQLite adds beside it gets the same mode.
///
/// A file that exists is not even opened: closing it again would drop the locks that other connections of this process hold
/// on it (the way of POSIX with advisory locks).
pub(crate) fn create_file(path: &Path) -> io::Result<()> {
    match create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

/// Makes a file that is not there yet, readable by its owner only.
pub(crate) fn create_new(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The connection that writes.
pub(crate) fn open_writer(path: &Path, settings: &Settings) -> Result<Connection, StoreError> {
    let db = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, settings).map_err(store_error)?;
    // SQLite falls back to reading where it may not write.
    if db.is_readonly("main").map_err(store_error)? {
        return Err(StoreError::new(StoreErrorKind::ReadOnly));
    }
    enter_wal(&db, settings.busy_timeout)?;
    set_up_writer(&db, settings).map_err(store_error)?;
    Ok(db)
}

fn set_up_writer(db: &Connection, settings: &Settings) -> Result<(), Error> {
    // An acknowledged write survives a power cut; NORMAL would lose the last ones.
    db.pragma_update(None, "synchronous", "FULL")?;
    set(db, "wal_autocheckpoint", LONGEST_LOG)?;
    set(db, "journal_size_limit", LOG_BYTES)?;
    // What is deleted is overwritten where that costs no further write.
    db.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
    if let Some(bytes) = settings.max_bytes {
        let page: u32 = db.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = bytes / u64::from(page.max(1));
        // As many as a file can have, if it may have more.
        let pages = u32::try_from(pages).unwrap_or(u32::MAX - 1).into();
        set(db, "max_page_count", pages)?;
    }
    Ok(())
}

/// A connection that brings the log into the file and does nothing else.
pub(crate) fn open_checkpointer(
    path: &Path,
    settings: &Settings,
) -> Result<Connection, StoreError> {
    let open = || {
        let db = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, settings)?;
        // What is taken over has to be on the disk before the log begins anew.
        db.pragma_update(None, "synchronous", "FULL")?;
        set(&db, "journal_size_limit", LOG_BYTES)?;
        Ok(db)
    };
    open().map_err(store_error)
}

/// A connection that reads.
pub(crate) fn open_reader(path: &Path, settings: &Settings) -> Result<Connection, StoreError> {
    let open = || {
        let db = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, settings)?;
        db.pragma_update(None, "query_only", true)?;
        Ok(db)
    };
    open().map_err(store_error)
}

fn open(path: &Path, access: OpenFlags, settings: &Settings) -> Result<Connection, Error> {
    // Every connection is used by one thread at a time.
    let db = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(settings.busy_timeout)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // The file may have been written by others: what its schema names is not run with our rights, and no statement can
    // write to the file other than through tables.
    db.pragma_update(None, "trusted_schema", false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.pragma_update(None, "cell_size_check", true)?;
    // Else SQLite prepares a statement anew whenever another value is bound, where a table has a partial index.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    // A negative number counts KiB and not pages.
    db.pragma_update(None, "cache_size", -i64::from(settings.cache_kib))?;
    Ok(db)
}

/// Sets a pragma that answers with its new value.
fn set(db: &Connection, pragma: &str, value: i64) -> Result<(), Error> {
    db.pragma_update_and_check(None, pragma, value, |_| Ok(()))
}

/// The file does not take a write-ahead log, as on most network file systems.
#[derive(Debug, thiserror::Error)]
#[error("the file can't have a write-ahead log; its journal mode stays {mode}")]
struct NoWal {
    mode: String,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the lock is another process's, and nothing tells when it is free"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}

/// Switches the file to a write-ahead log, once and for all who open it.
fn enter_wal(db: &Connection, timeout: Duration) -> Result<(), StoreError> {
    let mode: String = db
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(store_error)?;
    if mode == "wal" {
        return Ok(());
    }
    // Two that switch at once would deadlock, so SQLite refuses one of them without waiting: wait here.
    let mut waited = Duration::ZERO;
    loop {
        let switched: Result<String, Error> =
            db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
        match switched {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let kind = StoreErrorKind::Unavailable;
                return Err(StoreError::with_source(kind, NoWal { mode }));
            }
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && waited < timeout =>
            {
                pause();
                waited += PAUSE;
            }
            Err(error) => return Err(store_error(error)),
        }
    }
}
