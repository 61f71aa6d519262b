//! The storage contract through the cache, with Redis beside the store.

use std::fmt::Write;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use zalt_core::budget::BudgetStore;
use zalt_core::store::Store;
use zalt_store_redis::{AccountBudgets, RedisStore};
use zalt_store_sqlite::SqliteStore;
use zalt_store_testkit::{Backend, Fresh, behaviours};

use crate::support::Place;

/// With the budgets in the store.
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
    crate::support::until_current(&store).await;
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
