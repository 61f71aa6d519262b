use std::path::PathBuf;

use tempfile::TempDir;

/// A temporary folder with the place of one store.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("zalt.db")
    }
}
