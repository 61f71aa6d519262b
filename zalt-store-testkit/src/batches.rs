//! Batches: in order, all or nothing, and seen by every later query.

use std::future::poll_fn;
use std::task::Poll;

use zalt_core::event::EventKind;
use zalt_core::session::RevokeReason;
use zalt_core::store::{
    Batch, Change, CommitError, EventFilter, GuardFailure, GuardReason, UserFilter,
};
use zalt_core::user::User;

use crate::SharedStore;
use crate::assertions::{
    FIRST_PAGE, account, all_events, all_users, commit, refused, session, user,
};
use crate::fixtures::Fixtures;
use crate::world::World;

/// A batch may hold nothing.
pub async fn an_empty_batch_is_applied(store: &SharedStore) {
    commit(store, Batch::new()).await;
    assert_eq!(all_users(store, &UserFilter::default()).await, []);
}

/// A batch may hold every kind of change at once.
pub async fn a_batch_of_everything_is_applied(store: &SharedStore) {
    let world = World::populate(store).await;
    let before = world.picture(store).await;
    assert_eq!(before, world.picture(store).await);
    let batch = world.everything();
    commit(store, batch.clone()).await;
    let after = world.picture(store).await;
    assert_ne!(before.accounts, after.accounts);
    assert_ne!(before.owned, after.owned);
    assert_ne!(before.attempts, after.attempts);
    assert_ne!(before.messages, after.messages);
    assert_ne!(before.signing_keys, after.signing_keys);
    assert_ne!(before.connections, after.connections);
    assert_ne!(before.budget, after.budget);
    // The sweep took the oldest event, the two of the batch came.
    assert_eq!(after.events.len(), before.events.len() + 1);
    // One session is gone with the sweep, one was added and went with its user, two are revoked.
    let left: Vec<_> = after.sessions.iter().map(Option::is_some).collect();
    assert_eq!(left, [true, true, true, false, false]);
}

/// Each change sees what those before it did.
pub async fn changes_are_applied_in_order(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let identifier = f.identifier(&ada, "ada@example.com", true);
    let second = User {
        version: 2,
        ..ada.clone()
    };
    let (stays, ends) = (f.session(&ada), f.session(&ada));
    let fresh = zalt_core::session::Session {
        epoch: 1,
        ..f.session(&ada)
    };
    commit(
        store,
        [
            Change::InsertUser(ada.clone()),
            Change::InsertIdentifier(identifier.clone()),
            Change::InsertPassword(f.password(&ada)),
            Change::UpdatePassword(f.password(&ada)),
            Change::UpdateUser(ada.clone()),
            Change::UpdateUser(second),
            Change::InsertSession(stays.clone()),
            Change::InsertSession(ends.clone()),
            Change::RevokeUserSessions {
                user_id: ada.id,
                except: Some(stays.id),
                at: f.now(),
                reason: RevokeReason::PasswordChanged,
            },
            Change::InsertSession(fresh.clone()),
        ],
    )
    .await;
    let read = account(store, ada.id).await;
    assert_eq!(read.user.version, 3);
    assert_eq!(read.user.session_epoch, 1);
    assert_eq!(read.identifiers, [identifier]);
    assert_eq!(read.password.map(|password| password.version), Some(2));
    for (id, revoked) in [(stays.id, false), (ends.id, true), (fresh.id, false)] {
        assert_eq!(session(store, id).await.revoked.is_some(), revoked);
    }

    // What stands first in a batch is not yet there for those before it.
    let ben = f.user();
    let early = [
        Change::InsertIdentifier(f.identifier(&ben, "ben@example.com", true)),
        Change::InsertUser(ben),
    ];
    refused(store, early, 0, GuardReason::NotFound).await;
}

/// A change that fails at any position, for any reason, undoes everything before it, of every kind, and the events.
pub async fn a_failed_guard_at_any_position_leaves_no_trace(store: &SharedStore) {
    let world = World::populate(store).await;
    let before = world.picture(store).await;
    let Batch { changes, events } = world.everything();
    for position in 0..=changes.len() {
        for (failing, reason) in world.refused() {
            let mut changes = changes.clone();
            let kind = format!("{failing:?}");
            changes.insert(position, failing);
            let batch = Batch {
                changes,
                events: events.clone(),
            };
            let outcome = store.commit(batch).await;
            let Err(CommitError::Guard(failure)) = outcome else {
                panic!("{kind} at {position} has to be refused, not {outcome:?}");
            };
            let expected = GuardFailure {
                change: position,
                reason,
            };
            assert_eq!(failure, expected, "{kind} at {position}");
        }
        let after = world.picture(store).await;
        assert_eq!(before, after, "a failure at {position} left a trace");
    }
    // There was nothing wrong with the rest: without the one that fails, it is applied.
    commit(store, Batch { changes, events }).await;
}

/// Of several guards that fail, the first in the batch is named.
pub async fn the_first_guard_that_fails_is_named(store: &SharedStore) {
    let world = World::populate(store).await;
    let failing = world.refused();
    for (index, (_, reason)) in failing.iter().enumerate() {
        let changes: Vec<_> = failing
            .iter()
            .skip(index)
            .map(|(change, _)| change.clone())
            .collect();
        refused(store, changes, 0, *reason).await;
    }
}

/// What a refused batch would have inserted is free for the next one.
pub async fn a_refused_batch_takes_nothing(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let identifier = f.identifier(&ada, "ada@example.com", true);
    let event = f.event(Some(ada.id), EventKind::UserCreated);
    let batch = Batch::new()
        .change(Change::InsertUser(ada.clone()))
        .change(Change::InsertIdentifier(identifier))
        .change(Change::InsertSession(f.session(&ada)))
        .change(Change::InsertAttempt(f.attempt()))
        .change(Change::EnqueueMessage(f.message()))
        .change(Change::InsertSigningKey {
            key: f.signing_key("first"),
            newest: None,
        })
        .event(event.clone());
    let failing = batch.clone().change(Change::InsertUser(ada.clone()));
    for _ in 0..2 {
        refused(store, failing.clone(), 6, GuardReason::AlreadyExists).await;
    }
    assert_eq!(store.next_message_due().await.expect("no error"), None);
    commit(store, batch).await;
    assert_eq!(all_events(store, &EventFilter::default()).await, [event]);
}

/// An event is there exactly if its changes are.
pub async fn events_come_only_with_their_changes(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let insert = || {
        Batch::new()
            .change(Change::InsertUser(ada.clone()))
            .event(f.event(Some(ada.id), EventKind::UserCreated))
    };
    commit(store, insert()).await;
    let events = all_events(store, &EventFilter::default()).await;
    assert_eq!(events.len(), 1);
    for _ in 0..3 {
        refused(store, insert(), 0, GuardReason::AlreadyExists).await;
    }
    assert_eq!(all_events(store, &EventFilter::default()).await, events);
}

/// A batch of a thousand changes is one like any other.
pub async fn a_large_batch_is_one_batch(store: &SharedStore) {
    let f = Fixtures::new();
    let mut batch = Batch::new();
    for index in 0..500 {
        let user = f.user();
        let identifier = f.identifier(&user, &format!("user{index}@example.com"), true);
        batch = batch
            .event(f.event(Some(user.id), EventKind::UserCreated))
            .change(Change::InsertUser(user))
            .change(Change::InsertIdentifier(identifier));
    }
    let failing = batch.clone().change(Change::UpdateUser(f.user()));
    refused(store, failing, 1000, GuardReason::NotFound).await;
    assert_eq!(all_users(store, &UserFilter::default()).await, []);
    assert_eq!(all_events(store, &EventFilter::default()).await, []);
    commit(store, batch).await;
    assert_eq!(all_users(store, &UserFilter::default()).await.len(), 500);
    let events = all_events(store, &EventFilter::default()).await;
    assert_eq!(events.len(), 500);
}

/// Whoever asks after a commit was acknowledged sees it, on whatever task and by whatever query.
pub async fn a_commit_is_seen_by_the_next_query(store: &SharedStore) {
    let f = Fixtures::new();
    for round in 0..50 {
        let ada = f.user();
        let identifier = f.identifier(&ada, &format!("ada{round}@example.com"), true);
        let key = identifier.value.key();
        let session = f.session(&ada);
        let event = f.event(Some(ada.id), EventKind::UserCreated);
        let batch = Batch::new()
            .change(Change::InsertUser(ada.clone()))
            .change(Change::InsertIdentifier(identifier))
            .change(Change::InsertSession(session.clone()))
            .event(event.clone());
        commit(store, batch).await;
        let store = std::sync::Arc::clone(store);
        let elsewhere = tokio::spawn(async move {
            let owner = store.account_by_identifier(&key).await.expect("no error");
            assert_eq!(owner.map(|owner| owner.user.id), Some(ada.id));
            let live = store
                .live_sessions(ada.id, session.created_at, FIRST_PAGE)
                .await
                .expect("no error");
            assert_eq!(live.data, [session]);
            let filter = EventFilter {
                user_id: Some(ada.id),
                kind: None,
            };
            assert_eq!(all_events(&store, &filter).await, [event]);
            let count = store.user_count(&UserFilter::default()).await;
            assert_eq!(count.expect("no error"), round + 1);
        });
        elsewhere
            .await
            .expect("the other task has to see the commit");
    }
}

/// A commit whose caller goes away, at whatever point, is applied whole or not at all, and hinders no other.
pub async fn a_dropped_commit_is_applied_whole_or_not_at_all(store: &SharedStore) {
    let f = Fixtures::new();
    for round in 0..40 {
        let ada = f.user();
        let session = f.session(&ada);
        let event = f.event(Some(ada.id), EventKind::UserCreated);
        let batch = Batch::new()
            .change(Change::InsertUser(ada.clone()))
            .change(Change::InsertIdentifier(f.identifier(
                &ada,
                &format!("ada{round}@example.com"),
                true,
            )))
            .change(Change::InsertPassword(f.password(&ada)))
            .change(Change::InsertSession(session.clone()))
            .event(event);
        let mut underway = Box::pin(store.commit(batch));
        for _ in 0..round % 5 {
            let done = poll_fn(|context| Poll::Ready(underway.as_mut().poll(context).is_ready()));
            if done.await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(underway);
        whole_or_nothing(store, &ada, session.id).await;

        let next = f.user();
        commit(store, Change::InsertUser(next.clone())).await;
        user(store, next.id).await;
        whole_or_nothing(store, &ada, session.id).await;
    }
}

/// The batch may still be on its way, so both its ends are read until what is between can be told.
async fn whole_or_nothing(store: &SharedStore, ada: &User, session_id: zalt_core::id::SessionId) {
    let filter = EventFilter {
        user_id: Some(ada.id),
        kind: None,
    };
    loop {
        let before = store.account(ada.id).await.expect("no error");
        let session = store.session(session_id).await.expect("no error");
        let events = all_events(store, &filter).await;
        let after = store.account(ada.id).await.expect("no error");
        if before.is_some() != after.is_some() {
            continue;
        }
        if let Some(account) = after {
            assert_eq!(account.identifiers.len(), 1, "half a batch was applied");
            assert!(account.password.is_some(), "half a batch was applied");
            assert!(session.is_some(), "half a batch was applied");
            assert_eq!(events.len(), 1, "the batch was applied without its event");
        } else {
            assert_eq!(session, None, "half a batch was applied");
            assert_eq!(events, [], "an event was appended without its batch");
        }
        return;
    }
}
