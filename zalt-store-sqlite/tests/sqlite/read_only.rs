//! A store that can only be read is refused when it is opened, rather than at the first sign-in.

use std::ffi::OsStr;
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zalt_core::store::StoreErrorKind;
use zalt_store_sqlite::{OpenError, SqliteStore};

use crate::support::{Folder, ran};

/// Takes away the right to write a file, from root as well if possible, and gives it back in the end.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn make(path: &Path) -> Option<Self> {
        std::fs::set_permissions(path, Permissions::from_mode(0o500)).unwrap();
        let guard = Self(path.to_owned());
        // Modes mean nothing to root, who has to take an attribute of the file system.
        let read_only = !writable(path)
            || (ran("chattr", &[OsStr::new("+i"), path.as_os_str()]) && !writable(path));
        if !read_only {
            eprintln!(
                "skipped: nothing keeps this user from writing {}",
                path.display()
            );
        }
        read_only.then_some(guard)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        ran("chattr", &[OsStr::new("-i"), self.0.as_os_str()]);
        let _ = std::fs::set_permissions(&self.0, Permissions::from_mode(0o700));
    }
}

fn writable(path: &Path) -> bool {
    if path.is_dir() {
        let probe = path.join("probe");
        std::fs::write(&probe, "").is_ok_and(|()| std::fs::remove_file(probe).is_ok())
    } else {
        OpenOptions::new().append(true).open(path).is_ok()
    }
}

#[test]
fn a_read_only_file_is_refused() {
    let folder = Folder::new();
    drop(SqliteStore::open(folder.file()).unwrap());
    let Some(_read_only) = ReadOnly::make(&folder.file()) else {
        return;
    };
    let error = SqliteStore::open(folder.file()).unwrap_err();
    assert_eq!(error.kind(), Some(StoreErrorKind::ReadOnly));
}

#[test]
fn a_new_file_in_a_read_only_folder_is_refused() {
    let folder = Folder::new();
    let Some(_read_only) = ReadOnly::make(folder.path()) else {
        return;
    };
    let error = SqliteStore::open(folder.file()).unwrap_err();
    let OpenError::File { source, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
}

/// The log can't be made beside the file.
#[test]
fn a_file_in_a_read_only_folder_is_refused() {
    let folder = Folder::new();
    drop(SqliteStore::open(folder.file()).unwrap());
    let Some(_read_only) = ReadOnly::make(folder.path()) else {
        return;
    };
    let error = SqliteStore::open(folder.file()).unwrap_err();
    let kind = error.kind();
    assert!(
        matches!(
            kind,
            Some(StoreErrorKind::Unavailable | StoreErrorKind::ReadOnly)
        ),
        "{error:?}"
    );
}
