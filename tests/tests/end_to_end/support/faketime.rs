//! A clock of the server that the test moves, by libfaketime.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::Setup;

/// The clock of the servers whose setup it is applied to, however many they are.
pub(crate) struct Clock {
    library: PathBuf,
    folder: TempDir,
}

impl Clock {
    /// A clock that is ahead by this much, such as `+90d`. `None`, with the reason printed, where libfaketime is not
    /// installed and nobody promised that it is.
    pub(crate) fn at(shift: &str) -> Option<Self> {
        let clock = Self {
            library: library()?,
            folder: tempfile::tempdir().unwrap(),
        };
        clock.set(shift);
        Some(clock)
    }

    /// Moves it, for servers that run too: they see it within a second.
    pub(crate) fn set(&self, shift: &str) {
        let next = self.folder.path().join("next");
        fs::write(&next, shift).unwrap();
        // At once, since a server may read it at any moment.
        fs::rename(next, self.file()).unwrap();
    }

    pub(crate) fn applied_to(&self, setup: Setup) -> Setup {
        setup
            .env("LD_PRELOAD", self.library.to_str().unwrap())
            .env("FAKETIME_TIMESTAMP_FILE", self.file().to_str().unwrap())
            .env("FAKETIME_CACHE_DURATION", "1")
            // Timers go by the monotonic clock, which has to run as ever.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("shift")
    }
}

/// `cargo xtask test` installs the library and says where it is in `ZALT_FAKETIME`.
fn library() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ZALT_FAKETIME") {
        let named = PathBuf::from(named);
        assert!(named.exists(), "ZALT_FAKETIME names no file");
        return Some(named);
    }
    let found = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .iter()
        .map(|machine| PathBuf::from(format!("/usr/lib/{machine}/faketime/libfaketime.so.1")))
        .find(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: libfaketime is not installed, and ZALT_FAKETIME does not name it");
    }
    found
}
