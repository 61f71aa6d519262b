//! The storage contract, by both ways to apply a batch, and through a pooler.

use std::sync::Arc;

use async_trait::async_trait;
use zalt_store_testkit::{DurableBackend, Place, SharedStore};

use crate::schema::Schema;
use crate::support::{pooler_url, unused};

/// Stores in schemas of their own.
#[derive(Clone, Copy)]
enum Postgres {
    /// As it is usually.
    Merged,
    /// With every change by a statement of its own.
    OneByOne,
    /// Through a pooler that gives out connections by the transaction.
    Pooled,
}

#[async_trait]
impl DurableBackend for Postgres {
    async fn place(&self) -> Arc<dyn Place> {
        Arc::new(Home {
            schema: Schema::new(),
            way: *self,
        })
    }
}

struct Home {
    schema: Schema,
    way: Postgres,
}

#[async_trait]
impl Place for Home {
    async fn open(&self) -> SharedStore {
        let is_pooled = matches!(self.way, Postgres::Pooled);
        unused(&self.schema, is_pooled).await;
        let options = self.schema.options();
        let url = self.schema.url();
        let opened = match self.way {
            Postgres::Merged => options.connect(&url).await,
            Postgres::OneByOne => options.one_by_one().connect(&url).await,
            Postgres::Pooled => {
                let url = self.schema.named(&pooler_url());
                options.transaction_pooler(true).connect(&url).await
            }
        };
        Arc::new(opened.unwrap())
    }
}

/// All of the kit in one way.
macro_rules! contract {
    ($name:ident, $way:ident) => {
        mod $name {
            use super::Postgres;

            zalt_store_testkit::tests!(
                Postgres::$way,
                #[ignore = "needs PostgreSQL: cargo xtask test"]
            );
            zalt_store_testkit::durability_tests!(
                Postgres::$way,
                #[ignore = "needs PostgreSQL: cargo xtask test"]
            );
        }
    };
}

contract!(merged, Merged);
contract!(one_by_one, OneByOne);
contract!(pooled, Pooled);
