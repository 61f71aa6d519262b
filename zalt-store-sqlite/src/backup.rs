use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, Error, OpenFlags};
use zalt_core::store::{StoreError, StoreErrorKind};

use crate::connection::create_new;
use crate::error::{kind, store_error};

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is a file at its place, or one left over from a backup that did not end. Neither is overwritten.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The file could not be written.
    #[error("{} can't be written", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store could not be read, or its copy not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a check of the whole file found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntegrityError {
    /// The file is damaged, or rows refer to rows that are not there. The findings, at most 100, are SQLite's words.
    #[error("the file is damaged: {}", .0.first().map_or("", String::as_str))]
    Damaged(Vec<String>),
    /// The file could not be checked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies what is committed at this moment to a new file.
///
/// The copy has another name until it is whole, so that what has the right name is a backup.
pub(crate) fn back_up(db: &Connection, path: &Path) -> Result<(), BackupError> {
    let file_error = |source| BackupError::File {
        path: path.to_owned(),
        source,
    };
    if fs::symlink_metadata(path).is_ok() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    let partial = with_suffix(path, ".partial");
    create_new(&partial).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(partial.clone()),
        _ => file_error(error),
    })?;
    let copied = copy(db, &partial)
        .map_err(BackupError::from)
        .and_then(|()| publish(&partial, path).map_err(file_error));
    if copied.is_err() {
        for leftover in [with_suffix(&partial, "-journal"), partial] {
            // What matters is the error that led here.
            let _ = fs::remove_file(leftover);
        }
    }
    copied
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn copy(db: &Connection, to: &Path) -> Result<(), StoreError> {
    let all_pages = || -> Result<StepResult, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = Connection::open_with_flags(to, flags)?;
        // One step reads one moment. Writes go on beside it; with smaller steps each would make the copy begin anew.
        let step = Backup::new(db, &mut copy)?.step(-1)?;
        copy.close().map_err(|(_, error)| error)?;
        Ok(step)
    };
    match all_pages().map_err(store_error)? {
        StepResult::Done => Ok(()),
        _ => Err(StoreError::new(StoreErrorKind::Busy)),
    }
}

/// Gives the whole copy its name, and makes both last.
fn publish(partial: &Path, path: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    fs::rename(partial, path)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Checks every page, index and constraint of the file, and every reference of the tables of Zalt.
pub(crate) fn check(db: &Connection) -> Result<(), IntegrityError> {
    match findings(db) {
        Ok(findings) if findings.is_empty() => Ok(()),
        Ok(findings) => Err(IntegrityError::Damaged(findings)),
        // Some damage ends the check itself.
        Err(error) if kind(&error) == StoreErrorKind::Corrupt => {
            Err(IntegrityError::Damaged(vec![error.to_string()]))
        }
        Err(error) => Err(store_error(error).into()),
    }
}

fn findings(db: &Connection) -> Result<Vec<String>, Error> {
    let mut findings: Vec<String> = db
        .prepare("PRAGMA integrity_check(100)")?
        .query_map([], |row| row.get(0))?
        .filter(|finding| finding.as_deref() != Ok("ok"))
        .collect::<Result<_, _>>()?;
    if !findings.is_empty() {
        // References are of no interest in a file that is broken, and it may be impossible to read them.
        return Ok(findings);
    }
    let dangling = "SELECT 'a row of ' || s.name || ' refers to a row of ' || f.parent || ' that is not there' \
         FROM sqlite_schema s, pragma_foreign_key_check(s.name) f \
         WHERE s.type = 'table' AND s.name LIKE 'zalt\\_%' ESCAPE '\\' LIMIT 100";
    let mut dangling = db.prepare(dangling)?;
    for finding in dangling.query_map([], |row| row.get(0))? {
        findings.push(finding?);
    }
    Ok(findings)
}
