//! Connections that are cut, before the server got a request and after.

use std::time::Duration;

use zalt_core::store::{
    Batch, Change, CommitError, SessionQueries, Store, StoreErrorKind, UserQueries,
};
use zalt_store_postgres::PostgresStore;
use zalt_store_testkit::fixtures::{DAY, Fixtures};

use crate::proxy::{Cut, Proxy};
use crate::schema::{Schema, connection};
use crate::support::{is_applied, kind, run, sign_up};

async fn open(schema: &Schema, proxy: &Proxy) -> PostgresStore {
    let options = schema.options().max_connections(2);
    options.connect(&proxy.url(schema)).await.unwrap()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_connection_cut_in_a_commit_leaves_its_outcome_open() {
    let schema = Schema::new();
    let proxy = Proxy::start().await;
    let store = open(&schema, &proxy).await;
    let f = Fixtures::new();
    for (cut, applied) in [(Cut::Before, false), (Cut::After, true)] {
        // One statement, which commits itself.
        let user = f.user();
        let alone = Batch::new().change(Change::InsertUser(user.clone()));
        proxy.cut("execute", cut);
        let outcome = store.commit(alone.clone()).await;
        assert_eq!(kind(outcome), StoreErrorKind::Unknown, "{cut:?}");
        assert_eq!(
            store.user(user.id).await.unwrap().is_some(),
            applied,
            "{cut:?}"
        );

        // Several, which a COMMIT ends.
        let (user, batch) = sign_up(&f, &format!("{cut:?}"));
        proxy.cut("COMMIT", cut);
        let outcome = store.commit(batch.clone()).await;
        assert_eq!(kind(outcome), StoreErrorKind::Unknown, "{cut:?}");
        assert_eq!(is_applied(&store, &user).await, applied, "{cut:?}");

        // The guards make it safe to do it all again.
        let again = store.commit(batch).await;
        if applied {
            assert!(matches!(again, Err(CommitError::Guard(_))));
        } else {
            again.unwrap();
        }
        assert!(is_applied(&store, &user).await);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_connection_cut_before_the_commit_costs_nothing_but_time() {
    let schema = Schema::new();
    let proxy = Proxy::start().await;
    let store = open(&schema, &proxy).await;
    let f = Fixtures::new();
    for (index, (words, cut)) in [
        ("BEGIN", Cut::Before),
        ("BEGIN", Cut::After),
        ("execute", Cut::Before),
        ("execute", Cut::After),
    ]
    .into_iter()
    .enumerate()
    {
        let (user, batch) = sign_up(&f, &format!("name{index}"));
        proxy.cut(words, cut);
        store.commit(batch).await.unwrap();
        assert!(is_applied(&store, &user).await, "{words} {cut:?}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_read_is_repeated() {
    let schema = Schema::new();
    let proxy = Proxy::start().await;
    let store = open(&schema, &proxy).await;
    let f = Fixtures::new();
    let ada = f.user();
    let session = f.session(&ada);
    let batch = Batch::new()
        .change(Change::InsertUser(ada.clone()))
        .change(Change::InsertSession(session.clone()));
    store.commit(batch).await.unwrap();
    for cut in [Cut::Before, Cut::After] {
        proxy.cut("execute", cut);
        let read = store.session_with_user(session.id).await.unwrap();
        assert_eq!(read.map(|(session, _)| session), Some(session.clone()));
    }
    // As often as they are cut, it ends.
    for _ in 0..100 {
        proxy.cut("execute", Cut::Before);
    }
    let failed = store.session(session.id).await.unwrap_err();
    assert_eq!(failed.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_server_that_is_away_is_found_again_when_it_is_back() {
    let schema = Schema::new();
    let proxy = Proxy::start().await;
    let store = open(&schema, &proxy).await;
    let f = Fixtures::new();
    let refusing = schema.options().connect("postgres://zalt@127.0.0.1:1/zalt");
    let refused = refusing.await.unwrap_err();
    assert_eq!(refused.kind(), Some(StoreErrorKind::Unavailable));

    proxy.be_away(true);
    let user = f.user();
    let batch = Batch::new().change(Change::InsertUser(user.clone()));
    let unready = store.ready().await.unwrap_err();
    assert_eq!(unready.kind(), StoreErrorKind::Unavailable);
    let failed = kind(store.commit(batch.clone()).await);
    assert_eq!(failed, StoreErrorKind::Unavailable);
    proxy.be_away(false);
    store.commit(batch).await.unwrap();
    assert_eq!(store.user(user.id).await.unwrap(), Some(user));
}

/// A machine that is gone, or a network that swallows packets, closes no connection.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn nobody_waits_for_ever_for_an_answer() {
    let schema = Schema::new();
    let proxy = Proxy::start().await;
    let options = schema
        .options()
        .statement_timeout(Duration::from_millis(200));
    let store = options.connect(&proxy.url(&schema)).await.unwrap();
    let f = Fixtures::new();
    let ada = f.user();
    let begin = Batch::new().change(Change::InsertUser(ada.clone()));
    proxy.cut("execute", Cut::Silent);
    assert_eq!(
        kind(store.commit(begin.clone()).await),
        StoreErrorKind::Unknown
    );
    store.commit(begin).await.unwrap();
    proxy.cut("execute", Cut::Silent);
    let unread = store.user(ada.id).await.unwrap_err();
    assert_eq!(unread.kind(), StoreErrorKind::Unavailable);
    assert_eq!(store.user(ada.id).await.unwrap(), Some(ada));
}

/// A server that is restarted tells every connection so. Those that nobody uses at that moment are no loss.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn connections_that_the_server_ended_while_they_were_idle_harm_nobody() {
    let schema = Schema::new();
    let store = schema.store().await;
    let f = Fixtures::new();
    let ada = f.user();
    let begin = Batch::new().change(Change::InsertUser(ada.clone()));
    store.commit(begin).await.unwrap();
    for round in 0..5 {
        let sessions: Vec<_> = (0..8).map(|_| f.session(&ada)).collect();
        let at_once = async |session: &zalt_core::session::Session| {
            let batch = Batch::new().change(Change::InsertSession(session.clone()));
            store.commit(batch).await.unwrap();
        };
        let all = sessions.iter().map(at_once);
        join_all(all).await;
        end_all(&schema).await;
        let touched = sessions.iter().map(async |session| {
            let touch = Change::TouchSession {
                id: session.id,
                last_seen_at: f.now(),
                idle_expires_at: f.now() + DAY,
                ip: None,
            };
            if round % 2 == 0 {
                store.commit(Batch::new().change(touch)).await.unwrap();
            } else {
                assert!(store.session(session.id).await.unwrap().is_some());
            }
        });
        join_all(touched).await;
    }
}

/// Has the server end every connection of the schema's stores.
async fn end_all(schema: &Schema) {
    let mut observer = connection().await;
    let end = format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '{}'",
        schema.name()
    );
    run(&mut observer, end).await;
}

async fn join_all(futures: impl IntoIterator<Item = impl Future<Output = ()>>) {
    let mut left: Vec<_> = futures.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        left.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if left.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
