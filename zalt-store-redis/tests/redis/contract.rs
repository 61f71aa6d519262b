//! The storage contract through the cache, with Redis beside the store.

use std::fmt::Write;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use zalt_core::budget::BudgetStore;
use zalt_core::store::Store;
use zalt_store_postgres::PostgresStore;
use zalt_store_redis::{AccountBudgets, RedisStore};
use zalt_store_sqlite::SqliteStore;
use zalt_store_testkit::{Backend, Fresh, behaviours};

use crate::support::{Place, fresh_name, until_current, variable};

/// The store with Redis beside it, once it hears others: only then is anything cached.
async fn in_front_of<S: Store + BudgetStore + 'static>(
    store: S,
    budgets: AccountBudgets,
    held: impl std::any::Any + Send + Sync,
) -> Fresh {
    let place = Place::shared();
    let store = RedisStore::builder(place.connect())
        .account_budgets(budgets)
        .start(Arc::new(store))
        .unwrap();
    until_current(&store).await;
    Fresh::new(store).holding((held, place))
}

async fn over_sqlite(budgets: AccountBudgets) -> Fresh {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("zalt.db")).unwrap();
    in_front_of(store, budgets, folder).await
}

mod cached_sqlite {
    use super::*;

    struct CachedSqlite;

    #[async_trait]
    impl Backend for CachedSqlite {
        async fn fresh(&self) -> Fresh {
            over_sqlite(AccountBudgets::Store).await
        }
    }

    zalt_store_testkit::tests!(CachedSqlite, #[ignore = "needs Redis: cargo xtask test"]);
}

/// A schema of one test, dropped with it.
struct Schema {
    url: String,
    name: String,
}

impl Schema {
    fn new() -> Self {
        Self {
            url: variable("ZALT_TEST_POSTGRES_URL"),
            name: format!("zalt_{}", fresh_name()),
        }
    }

    async fn store(&self) -> PostgresStore {
        PostgresStore::builder()
            .schema(&self.name)
            .max_connections(8)
            .connect(&self.url)
            .await
            .unwrap()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        // The runtime of the test may be on its way out, and it must not be blocked.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                let drop = AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {name} CASCADE"));
                sqlx::raw_sql(drop).execute(&mut connection).await.unwrap();
            });
        });
        let is_dropped = dropped.join().is_ok();
        assert!(
            is_dropped || std::thread::panicking(),
            "the schema of the test could not be dropped"
        );
    }
}

mod cached {
    use super::*;

    struct CachedPostgres;

    #[async_trait]
    impl Backend for CachedPostgres {
        async fn fresh(&self) -> Fresh {
            let schema = Schema::new();
            let store = schema.store().await;
            in_front_of(store, AccountBudgets::Store, schema).await
        }
    }

    zalt_store_testkit::tests!(
        CachedPostgres,
        #[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
    );
}

/// Everything once more with the account budgets in Redis. There they go by themselves, when they may, and not when they
/// are swept.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: cargo xtask test"]
async fn the_contract_holds_with_account_budgets_in_redis() {
    let mut failed = String::new();
    for behaviour in behaviours() {
        if (behaviour.group(), behaviour.name())
            == ("budgets", "the_sweep_forgets_what_changes_no_answer")
        {
            continue;
        }
        let fresh = over_sqlite(AccountBudgets::Redis).await;
        let run = tokio::spawn(async move { behaviour.run(fresh.store()).await });
        if let Err(error) = run.await {
            let _ = write!(failed, "\n{behaviour:?}: {error}");
        }
    }
    assert!(failed.is_empty(), "{failed}");
}
