//! The reference store passes every behaviour. It keeps nothing beyond the process, so it has none of durability.

use zalt_core::store::memory::MemoryStore;
use zalt_store_testkit::{Backend, Fresh};

struct Memory;

#[async_trait::async_trait]
impl Backend for Memory {
    async fn fresh(&self) -> Fresh {
        Fresh::new(MemoryStore::new())
    }
}

zalt_store_testkit::tests!(Memory);
