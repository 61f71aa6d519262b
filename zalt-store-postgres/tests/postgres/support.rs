use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use zalt_core::event::EventKind;
use zalt_core::store::{
    Batch, Change, CommitError, EventFilter, EventQueries, PageRequest, StoreErrorKind, UserQueries,
};
use zalt_core::user::User;
use zalt_store_postgres::PostgresStore;
use zalt_store_testkit::fixtures::Fixtures;

use crate::schema::{Schema, connection};

/// The same database behind a pooler that gives out connections by the transaction.
pub(crate) fn pooler_url() -> String {
    std::env::var("ZALT_TEST_PGBOUNCER_URL").unwrap_or_else(|_| {
        panic!("ZALT_TEST_PGBOUNCER_URL names the pooler: run cargo xtask test")
    })
}

/// Waits until no connection of a store of this schema is left. Those of a pooler stay; they have to be at rest.
pub(crate) async fn unused(schema: &Schema, is_pooled: bool) {
    let mut observer = connection().await;
    let patience = Patience::of(Duration::from_secs(20), "connections are left");
    loop {
        let left: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND NOT ($2 AND state = 'idle')",
        )
        .bind(schema.name())
        .bind(is_pooled)
        .fetch_one(&mut observer)
        .await
        .unwrap();
        if left == 0 {
            return;
        }
        patience.again().await;
    }
}

/// Runs statements of somebody else's.
pub(crate) async fn run(connection: &mut PgConnection, sql: impl Into<String>) {
    sqlx::raw_sql(AssertSqlSafe(sql.into()))
        .execute(connection)
        .await
        .unwrap();
}

/// A user with an address and an event: a batch of two statements, since the address needs to see its user.
pub(crate) fn sign_up(f: &Fixtures, name: &str) -> (User, Batch) {
    let user = f.user();
    let identifier = f.identifier(&user, &format!("{name}@example.com"), true);
    let batch = Batch::new()
        .change(Change::InsertUser(user.clone()))
        .change(Change::InsertIdentifier(identifier))
        .event(f.event(Some(user.id), EventKind::UserCreated));
    (user, batch)
}

/// Whether the batch of [`sign_up`] was applied. It must not be there by half.
pub(crate) async fn is_applied(store: &PostgresStore, user: &User) -> bool {
    let account = store.account(user.id).await.unwrap();
    let filter = EventFilter {
        user_id: Some(user.id),
        kind: None,
    };
    let events = store.events(&filter, PageRequest::default()).await.unwrap();
    match &account {
        Some(account) => {
            assert_eq!(account.identifiers.len(), 1);
            assert_eq!(events.data.len(), 1);
        }
        None => assert_eq!(events.data, []),
    }
    account.is_some()
}

/// The kind of the store's failure.
pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, CommitError>) -> StoreErrorKind {
    match result.unwrap_err() {
        CommitError::Store(error) => error.kind(),
        other => panic!("a guard failed: {other}"),
    }
}

/// Waits until so many connections of the schema's stores wait for a lock.
pub(crate) async fn waiting(schema: &Schema, count: i64) {
    let mut observer = connection().await;
    let patience = Patience::of(Duration::from_secs(10), "nobody waits for the lock");
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'",
        )
        .bind(schema.name())
        .fetch_one(&mut observer)
        .await
        .unwrap();
        if waiting == count {
            return;
        }
        patience.again().await;
    }
}

/// How long a test waits for something that has to come.
pub(crate) struct Patience {
    until: tokio::time::Instant,
    otherwise: &'static str,
}

impl Patience {
    pub(crate) fn of(limit: Duration, otherwise: &'static str) -> Self {
        Self {
            until: tokio::time::Instant::now() + limit,
            otherwise,
        }
    }

    /// Waits a moment before what is awaited is looked for again, and fails if that has gone on for too long.
    pub(crate) async fn again(&self) {
        assert!(
            tokio::time::Instant::now() < self.until,
            "{}",
            self.otherwise
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
