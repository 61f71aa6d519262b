//! More work than there are connections, locks that others hold, and transactions that give way.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPool};
use zalt_core::store::{Batch, Change, Store, StoreErrorKind, UserQueries};
use zalt_core::user::User;
use zalt_store_testkit::fixtures::Fixtures;

use crate::schema::{Schema, connection};
use crate::support::{kind, run, waiting};

fn begin(user: &User) -> Batch {
    Batch::new().change(Change::InsertUser(user.clone()))
}

fn update(user: &User) -> Batch {
    Batch::new().change(Change::UpdateUser(user.clone()))
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_pool_that_has_run_dry_says_so_and_recovers() {
    let schema = Schema::new();
    let options = schema
        .options()
        .max_connections(2)
        .acquire_timeout(Duration::from_millis(100));
    let store = options.connect(&schema.url()).await.unwrap();
    let f = Fixtures::new();
    let (ada, ben) = (f.user(), f.user());
    store.commit(begin(&ada)).await.unwrap();
    let mut other = connection().await;
    let locked = format!("BEGIN; UPDATE {}.users SET updated_at = 1", schema.name());
    run(&mut other, locked).await;
    let stuck: Vec<_> = (0..2)
        .map(|_| {
            let (store, batch) = (store.clone(), update(&ada));
            tokio::spawn(async move { store.commit(batch).await })
        })
        .collect();
    waiting(&schema, 2).await;
    let status = store.pool_status();
    assert_eq!((status.limit, status.used, status.idle), (2, 2, 0));
    assert_eq!(kind(store.commit(begin(&ben)).await), StoreErrorKind::Busy);
    let unread = store.user(ada.id).await.unwrap_err();
    assert_eq!(unread.kind(), StoreErrorKind::Busy);
    assert!(unread.is_retryable());
    let unready = store.ready().await.unwrap_err();
    assert_eq!(unready.kind(), StoreErrorKind::Busy);
    run(&mut other, "ROLLBACK").await;
    let mut won = 0;
    for commit in stuck {
        won += usize::from(commit.await.unwrap().is_ok());
    }
    assert_eq!(won, 1);
    store.commit(begin(&ben)).await.unwrap();
    store.ready().await.unwrap();
    assert_eq!(store.pool_status().used, 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_lock_that_is_not_to_be_had_in_time_leaves_no_trace() {
    for is_lock_limited in [true, false] {
        let schema = Schema::new();
        let limit = Duration::from_millis(100);
        let options = if is_lock_limited {
            schema.options().lock_timeout(limit)
        } else {
            schema.options().statement_timeout(limit)
        };
        let store = options.connect(&schema.url()).await.unwrap();
        let f = Fixtures::new();
        let ada = f.user();
        store.commit(begin(&ada)).await.unwrap();
        let mut other = connection().await;
        let locked = format!("BEGIN; UPDATE {}.users SET updated_at = 1", schema.name());
        run(&mut other, locked).await;
        assert_eq!(kind(store.commit(update(&ada)).await), StoreErrorKind::Busy);
        run(&mut other, "ROLLBACK").await;
        assert_eq!(store.user(ada.id).await.unwrap(), Some(ada.clone()));
        store.commit(update(&ada)).await.unwrap();
    }
}

/// Under an isolation that the host chose, a write over a row that somebody else has written meanwhile is given up by the
/// server. It is tried again.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_transaction_that_can_t_be_serialized_is_tried_again() {
    for isolation in ["repeatable read", "serializable"] {
        let schema = Schema::new();
        let options: PgConnectOptions = schema.url().parse().unwrap();
        let options = options.options([("default_transaction_isolation", isolation)]);
        let pool = PgPool::connect_with(options).await.unwrap();
        let store = schema.options().with_pool(pool.clone()).await.unwrap();
        let f = Fixtures::new();
        let ada = f.user();
        store.commit(begin(&ada)).await.unwrap();
        let mut other = connection().await;
        let locked = format!(
            "BEGIN; UPDATE {}.users SET image_url = 'https://example.com/'",
            schema.name()
        );
        run(&mut other, locked).await;
        let commit = {
            let store = store.clone();
            let batch = Batch::new().change(Change::InsertSession(f.session(&ada)));
            tokio::spawn(async move { store.commit(batch).await })
        };
        waiting(&schema, 1).await;
        // The one that waited is told "could not serialize access due to concurrent update".
        run(&mut other, "COMMIT").await;
        commit.await.unwrap().unwrap();
        let after = store.user(ada.id).await.unwrap().unwrap();
        assert!(after.last_sign_in_at.is_some());
        assert!(after.profile.image_url.is_some());
        pool.close().await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn the_victim_of_a_deadlock_is_tried_again() {
    let schema = Schema::new();
    let store = schema.store().await;
    let f = Fixtures::new();
    let (ada, ben) = (f.user(), f.user());
    store.commit(begin(&ada)).await.unwrap();
    store.commit(begin(&ben)).await.unwrap();
    let lock = |user: &User| {
        let id = u128::from_be_bytes(*user.id.as_bytes());
        format!(
            "UPDATE {}.users SET image_url = NULL WHERE id = '{id:032x}'",
            schema.name()
        )
    };
    let mut other = connection().await;
    // Who waits looks for a deadlock once, after a second, and gives way if there is one. The store begins to wait first, but
    // where the machine is slow, the other side may be the one to find it.
    for version in 1..=10 {
        let at = |user: &User| User {
            version,
            ..user.clone()
        };
        run(&mut other, format!("BEGIN; {}", lock(&ben))).await;
        let commit = {
            let store = store.clone();
            let batch = Batch::new()
                .change(Change::UpdateUser(at(&ada)))
                .change(Change::UpdateUser(at(&ben)));
            tokio::spawn(async move { store.commit(batch).await })
        };
        waiting(&schema, 1).await;
        // Now each has what the other wants.
        let got_it = sqlx::raw_sql(AssertSqlSafe(lock(&ada)))
            .execute(&mut other)
            .await
            .is_ok();
        run(&mut other, "ROLLBACK").await;
        commit.await.unwrap().unwrap();
        for id in [ada.id, ben.id] {
            let after = store.user(id).await.unwrap().unwrap();
            assert_eq!(after.version, version + 1);
        }
        if got_it {
            return;
        }
    }
    panic!("the store was never the victim");
}
