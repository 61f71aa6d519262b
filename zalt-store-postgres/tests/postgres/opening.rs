//! Opening a store: what is made, what is refused, and who may open one at the same moment.

use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Row};
use zalt_core::event::EventKind;
use zalt_core::store::{Batch, Change, Store, StoreErrorKind, UserFilter, UserQueries};
use zalt_store_postgres::{PostgresStore, SCHEMA_VERSION};
use zalt_store_testkit::fixtures::Fixtures;

use crate::proxy::Proxy;
use crate::schema::{Schema, connection};

async fn run(sql: String) {
    let mut connection = connection().await;
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();
}

/// Signs a user up, as an example of what a store is for.
async fn is_of_use(store: &PostgresStore) {
    let f = Fixtures::new();
    let user = f.user();
    let batch = Batch::new()
        .change(Change::InsertUser(user.clone()))
        .change(Change::InsertSession(f.session(&user)))
        .event(f.event(Some(user.id), EventKind::UserCreated));
    store.commit(batch).await.unwrap();
    assert!(store.user(user.id).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn stores_that_are_opened_at_once_on_nothing_all_come_up() {
    for _ in 0..5 {
        let schema = Schema::new();
        let opened: Vec<_> = (0..8)
            .map(|_| {
                let (options, url) = (schema.options(), schema.url());
                tokio::spawn(async move { options.max_connections(2).connect(&url).await })
            })
            .collect();
        let mut stores = Vec::new();
        for store in opened {
            stores.push(store.await.unwrap().unwrap());
        }
        for store in &stores {
            assert_eq!(store.schema_version().await.unwrap(), SCHEMA_VERSION);
            store.ready().await.unwrap();
        }
        is_of_use(&stores[0]).await;
        let count = stores[7].user_count(&UserFilter::default()).await;
        assert_eq!(count.unwrap(), 1);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_tool_that_may_not_migrate_is_refused_and_changes_nothing() {
    let schema = Schema::new();
    let open = || schema.options().migrate(false);
    let error = open().connect(&schema.url()).await.unwrap_err();
    assert_eq!(error.kind(), Some(StoreErrorKind::OlderSchema));
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname = $1";
    let made: i64 = sqlx::query(made)
        .bind(schema.name())
        .fetch_one(&mut connection().await)
        .await
        .unwrap()
        .get(0);
    assert_eq!(made, 0);

    let server = schema.options().connect(&schema.url()).await.unwrap();
    let store = open().connect(&schema.url()).await.unwrap();
    assert_eq!(store.schema_version().await.unwrap(), SCHEMA_VERSION);
    server.close().await;
    run(format!(
        "UPDATE {}.schema_version SET version = {}",
        schema.name(),
        SCHEMA_VERSION - 1
    ))
    .await;
    let error = open().connect(&schema.url()).await.unwrap_err();
    assert_eq!(error.kind(), Some(StoreErrorKind::OlderSchema));
    store.close().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_newer_schema_is_served_if_it_says_so_and_refused_otherwise() {
    let schema = Schema::new();
    let store = schema.store().await;
    let name = schema.name();
    let newer = SCHEMA_VERSION + 1;
    run(format!(
        "UPDATE {name}.schema_version SET version = {newer}, compatible_from = {SCHEMA_VERSION}"
    ))
    .await;
    let again = schema.store().await;
    assert_eq!(again.schema_version().await.unwrap(), newer);
    is_of_use(&again).await;
    run(format!(
        "UPDATE {name}.schema_version SET compatible_from = {newer}"
    ))
    .await;
    let refused = schema.options().connect(&schema.url()).await.unwrap_err();
    assert_eq!(refused.kind(), Some(StoreErrorKind::NewerSchema));
    // Whoever has it open already says that it should be taken out of service.
    let unready = store.ready().await.unwrap_err();
    assert_eq!(unready.kind(), StoreErrorKind::NewerSchema);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn tables_with_a_prefix_live_beside_others_on_a_pool_of_the_host() {
    let schema = Schema::new();
    let name = schema.name();
    run(format!(
        "CREATE SCHEMA {name}; CREATE TABLE {name}.users (id BIGINT); INSERT INTO {name}.users VALUES (7)"
    ))
    .await;
    let pool = PgPool::connect(&schema.url()).await.unwrap();
    let options = schema.options().table_prefix("auth_");
    let store = options.with_pool(pool.clone()).await.unwrap();
    is_of_use(&store).await;
    let tables = sqlx::query("SELECT tablename::TEXT FROM pg_tables WHERE schemaname = $1")
        .bind(name)
        .fetch_all(&pool)
        .await
        .unwrap();
    let mut of_others: Vec<String> = tables.iter().map(|row| row.get(0)).collect();
    of_others.retain(|table| !table.starts_with("auth_"));
    assert_eq!(of_others, ["users"]);
    let indexes = sqlx::query("SELECT indexname::TEXT FROM pg_indexes WHERE schemaname = $1")
        .bind(name)
        .fetch_all(&pool)
        .await
        .unwrap();
    for index in indexes {
        let index: String = index.get(0);
        assert!(index.starts_with("auth_"), "{index}");
    }
    // What the host refers to goes with the user.
    run(format!(
        "CREATE TABLE {name}.notes (owner UUID REFERENCES {name}.auth_users (id) ON DELETE CASCADE)"
    ))
    .await;
    // Two stores in one schema have nothing to do with each other.
    let other = schema.options().table_prefix("other_");
    let other = other.with_pool(pool.clone()).await.unwrap();
    let count = other.user_count(&UserFilter::default()).await;
    assert_eq!(count.unwrap(), 0);
    pool.close().await;
    let closed = store.ready().await.unwrap_err();
    assert_eq!(closed.kind(), StoreErrorKind::Unavailable);
}

/// A role that may make no schema can open one that somebody else made: nobody asks for what is there.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_schema_that_is_there_is_not_asked_for() {
    let schema = Schema::new();
    run(format!("CREATE SCHEMA {}", schema.name())).await;
    let proxy = Proxy::start().await;
    let store = schema.options().connect(&proxy.url(&schema)).await;
    is_of_use(&store.unwrap()).await;
    let requests = proxy.requests();
    assert!(
        requests
            .iter()
            .any(|request| request.contains("CREATE TABLE"))
    );
    assert!(
        !requests
            .iter()
            .any(|request| request.contains("CREATE SCHEMA"))
    );
}
