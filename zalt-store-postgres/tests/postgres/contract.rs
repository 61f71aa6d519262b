//! The storage contract, by both ways to apply a batch, and with a pooler's rules.

use std::sync::Arc;

use async_trait::async_trait;
use zalt_store_postgres::PostgresOptions;
use zalt_store_testkit::{DurableBackend, Place, SharedStore};

use crate::schema::Schema;
use crate::support::unused;

/// Stores in schemas of their own.
struct Postgres(fn(PostgresOptions) -> PostgresOptions);

#[async_trait]
impl DurableBackend for Postgres {
    async fn place(&self) -> Arc<dyn Place> {
        Arc::new(Home {
            schema: Schema::new(),
            options: self.0,
        })
    }
}

struct Home {
    schema: Schema,
    options: fn(PostgresOptions) -> PostgresOptions,
}

#[async_trait]
impl Place for Home {
    async fn open(&self) -> SharedStore {
        unused(&self.schema).await;
        let options = (self.options)(self.schema.options());
        Arc::new(options.connect(&self.schema.url()).await.unwrap())
    }
}

mod merged {
    use super::Postgres;

    zalt_store_testkit::tests!(
        Postgres(|options| options),
        #[ignore = "needs PostgreSQL: cargo xtask test"]
    );
    zalt_store_testkit::durability_tests!(
        Postgres(|options| options),
        #[ignore = "needs PostgreSQL: cargo xtask test"]
    );
}

mod one_by_one {
    use super::{Postgres, PostgresOptions};

    zalt_store_testkit::tests!(
        Postgres(PostgresOptions::one_by_one),
        #[ignore = "needs PostgreSQL: cargo xtask test"]
    );
    zalt_store_testkit::durability_tests!(
        Postgres(PostgresOptions::one_by_one),
        #[ignore = "needs PostgreSQL: cargo xtask test"]
    );
}

mod pooled {
    use super::Postgres;

    zalt_store_testkit::tests!(
        Postgres(|options| options.transaction_pooler(true)),
        #[ignore = "needs PostgreSQL: cargo xtask test"]
    );
    zalt_store_testkit::durability_tests!(
        Postgres(|options| options.transaction_pooler(true)),
        #[ignore = "needs PostgreSQL: cargo xtask test"]
    );
}
