//! A disk without room, and a server that takes no writes.

use sqlx::postgres::{PgConnectOptions, PgPool};
use zalt_core::event::EventKind;
use zalt_core::store::{Batch, Change, Store, StoreErrorKind, UserFilter, UserQueries};
use zalt_store_testkit::fixtures::Fixtures;

use crate::schema::{Schema, connection};
use crate::support::{is_applied, kind, run, sign_up};

/// The server reports a full disk by `disk_full` at whatever write needed another page. Here the write of an event does, the
/// last of a batch, so that all that went before has to be undone.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_full_disk_undoes_the_batch_and_is_over_when_there_is_room() {
    let schema = Schema::new();
    let store = schema.store().await;
    let name = schema.name();
    let f = Fixtures::new();
    let mut other = connection().await;
    let fill = format!(
        "CREATE FUNCTION {name}.full() RETURNS TRIGGER LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$; \
         CREATE TRIGGER full_disk BEFORE INSERT ON {name}.events FOR EACH ROW EXECUTE FUNCTION {name}.full()"
    );
    run(&mut other, fill).await;
    // In one statement, and in several.
    let user = f.user();
    let alone = Batch::new()
        .change(Change::InsertUser(user.clone()))
        .event(f.event(Some(user.id), EventKind::UserCreated));
    assert_eq!(
        kind(store.commit(alone.clone()).await),
        StoreErrorKind::Full
    );
    assert_eq!(store.user(user.id).await.unwrap(), None);
    let (ada, batch) = sign_up(&f, "ada");
    assert_eq!(
        kind(store.commit(batch.clone()).await),
        StoreErrorKind::Full
    );
    assert!(!is_applied(&store, &ada).await);
    // What needs no room goes on.
    store.ready().await.unwrap();
    run(
        &mut other,
        format!("DROP TRIGGER full_disk ON {name}.events"),
    )
    .await;
    store.commit(alone).await.unwrap();
    store.commit(batch).await.unwrap();
    assert!(is_applied(&store, &ada).await);
    assert_eq!(store.user_count(&UserFilter::default()).await.unwrap(), 2);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_server_that_takes_no_writes_is_read_from() {
    let schema = Schema::new();
    let f = Fixtures::new();
    let (ada, batch) = sign_up(&f, "ada");
    schema.store().await.commit(batch).await.unwrap();
    // A standby behaves so too.
    let options: PgConnectOptions = schema.url().parse().unwrap();
    let options = options.options([("default_transaction_read_only", "on")]);
    let pool = PgPool::connect_with(options).await.unwrap();
    let store = schema.options().with_pool(pool.clone()).await.unwrap();
    assert!(is_applied(&store, &ada).await);
    let unready = store.ready().await.unwrap_err();
    assert_eq!(unready.kind(), StoreErrorKind::ReadOnly);
    let refused = store.commit(Batch::new().change(Change::InsertUser(f.user())));
    assert_eq!(kind(refused.await), StoreErrorKind::ReadOnly);
    let elsewhere = Schema::new();
    let refused = elsewhere
        .options()
        .with_pool(pool.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), Some(StoreErrorKind::ReadOnly));
    pool.close().await;
}
