//! The storage contract, in memory of none but the file.

use std::sync::Arc;

use async_trait::async_trait;
use zalt_store_sqlite::SqliteStore;
use zalt_store_testkit::{DurableBackend, Place, SharedStore};

use crate::support::Folder;

/// Stores in files of temporary folders.
struct Sqlite;

#[async_trait]
impl DurableBackend for Sqlite {
    async fn place(&self) -> Arc<dyn Place> {
        Arc::new(Folder::new())
    }
}

#[async_trait]
impl Place for Folder {
    async fn open(&self) -> SharedStore {
        Arc::new(SqliteStore::open(self.file()).unwrap())
    }
}

zalt_store_testkit::tests!(Sqlite);
zalt_store_testkit::durability_tests!(Sqlite);
