//! What the common calls cost, counted on the wire.

use zalt_core::event::EventKind;
use zalt_core::session::RevokeReason;
use zalt_core::store::{Batch, Change, SessionQueries, Store, UserQueries};
use zalt_store_postgres::PostgresStore;
use zalt_store_testkit::fixtures::{DAY, Fixtures};

use crate::proxy::Proxy;
use crate::schema::Schema;

/// Commits two batches of one form, and says what the second cost: the first has the connection learn the statement.
async fn second(
    store: &PostgresStore,
    proxy: &Proxy,
    mut batch: impl FnMut() -> Batch,
) -> Vec<String> {
    store.commit(batch()).await.unwrap();
    proxy.requests();
    store.commit(batch()).await.unwrap();
    proxy.requests()
}

const ONE: [&str; 1] = ["execute sync"];

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn reads_and_common_commits_are_one_round_trip() {
    let schema = Schema::new();
    let proxy = Proxy::start().await;
    let options = schema.options().max_connections(1);
    let store = options.connect(&proxy.url(&schema)).await.unwrap();
    let f = Fixtures::new();
    let ada = f.user();
    let identifier = f.identifier(&ada, "ada@example.com", true);
    let session = f.bearer_session(&ada);
    let batch = Batch::new()
        .change(Change::InsertUser(ada.clone()))
        .change(Change::InsertIdentifier(identifier.clone()))
        .change(Change::InsertPassword(f.password(&ada)))
        .change(Change::InsertSession(session.clone()));
    store.commit(batch).await.unwrap();

    for _ in 0..2 {
        proxy.requests();
        assert!(store.session_with_user(session.id).await.unwrap().is_some());
    }
    assert_eq!(proxy.requests(), ONE, "a session check");
    for _ in 0..2 {
        proxy.requests();
        let key = identifier.value.key();
        assert!(store.account_by_identifier(&key).await.unwrap().is_some());
    }
    assert_eq!(proxy.requests(), ONE, "looking an account up");

    let mut generation = 0;
    let refresh = second(&store, &proxy, || {
        let change = Change::RotateRefresh {
            id: session.id,
            presented: generation,
            at: f.now(),
            idle_expires_at: f.now() + DAY,
            ip: None,
        };
        generation += 1;
        Batch::new().change(change)
    });
    assert_eq!(refresh.await, ONE, "a refresh");

    let mut attempt = f.attempt();
    let begin = Batch::new().change(Change::InsertAttempt(attempt.clone()));
    store.commit(begin).await.unwrap();
    let consume = second(&store, &proxy, || {
        let change = Change::UpdateAttempt(attempt.clone());
        attempt.version += 1;
        let event = f.event(Some(ada.id), EventKind::SignUpAddressTaken);
        Batch::new().change(change).event(event)
    });
    assert_eq!(consume.await, ONE, "using a code up");

    let mut password = f.password(&ada);
    let sign_in = second(&store, &proxy, || {
        let batch = Batch::new()
            .change(Change::UpdateAttempt(attempt.clone()))
            .change(Change::GiveBackBudget(f.budget_key()))
            .change(Change::InsertSession(f.session(&ada)))
            .change(Change::UpdatePassword(password.clone()))
            .event(f.event(Some(ada.id), EventKind::UserUpdated));
        attempt.version += 1;
        password.version += 1;
        batch
    });
    assert_eq!(sign_in.await, ONE, "a sign-in");

    let mut ended = [f.session(&ada), f.session(&ada)].into_iter();
    for session in ended.clone() {
        let begin = Batch::new().change(Change::InsertSession(session));
        store.commit(begin).await.unwrap();
    }
    let sign_out = second(&store, &proxy, || {
        let change = Change::RevokeSession {
            id: ended.next().unwrap().id,
            at: f.now(),
            reason: RevokeReason::SignedOut,
        };
        let event = f.event(Some(ada.id), EventKind::UserUpdated);
        Batch::new().change(change).event(event)
    });
    assert_eq!(sign_out.await, ONE, "a sign-out");

    // What can't be one statement is a transaction of two.
    let end_all = second(&store, &proxy, || {
        Batch::new().change(Change::RevokeUserSessions {
            user_id: ada.id,
            except: None,
            at: f.now(),
            reason: RevokeReason::RevokedByUser,
        })
    });
    let transaction = ["BEGIN", "execute sync", "execute sync", "COMMIT"];
    assert_eq!(end_all.await, transaction, "the end of all sessions");
}
