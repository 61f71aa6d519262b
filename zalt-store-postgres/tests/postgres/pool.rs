//! The store's own connections: how many, for how long, and their end.

use std::time::Duration;

use zalt_core::store::{Batch, Change, Store, StoreErrorKind, UserQueries};
use zalt_store_testkit::fixtures::Fixtures;

use crate::schema::{Schema, connection};
use crate::support::{kind, run, unused, waiting};

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn connections_that_nobody_needs_are_closed() {
    let schema = Schema::new();
    let options = schema.options().idle_timeout(Duration::from_millis(50));
    let store = options.connect(&schema.url()).await.unwrap();
    let f = Fixtures::new();
    for _ in 0..3 {
        unused(&schema, false).await;
        assert_eq!(store.pool_status().idle, 0);
        let batch = Batch::new().change(Change::InsertUser(f.user()));
        store.commit(batch).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn closing_waits_for_calls_under_way_and_refuses_those_that_wait() {
    let schema = Schema::new();
    let options = schema.options().max_connections(1);
    let store = options.connect(&schema.url()).await.unwrap();
    let f = Fixtures::new();
    let ada = f.user();
    let begin = Batch::new().change(Change::InsertUser(ada.clone()));
    store.commit(begin).await.unwrap();
    let mut other = connection().await;
    let lock = format!("BEGIN; UPDATE {}.users SET image_url = NULL", schema.name());
    run(&mut other, lock).await;
    let underway = {
        let (store, update) = (store.clone(), Change::UpdateUser(ada.clone()));
        tokio::spawn(async move { store.commit(Batch::new().change(update)).await })
    };
    waiting(&schema, 1).await;
    let queued = {
        let (store, id) = (store.clone(), ada.id);
        tokio::spawn(async move { store.user(id).await })
    };
    let closing = {
        let store = store.clone();
        tokio::spawn(async move { store.close().await })
    };
    // Both begin to wait, in this order. Whoever comes after that is refused at once.
    tokio::task::yield_now().await;
    let refused = store.user(ada.id).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
    assert!(!closing.is_finished());
    run(&mut other, "ROLLBACK").await;
    underway.await.unwrap().unwrap();
    closing.await.unwrap();
    let refused = queued.await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
    unused(&schema, false).await;
    let late = Batch::new().change(Change::InsertUser(f.user()));
    assert_eq!(kind(store.commit(late).await), StoreErrorKind::Unavailable);
    store.close().await;
}
