//! Durability: what was acknowledged is there when the store is opened again, and nothing that was not.

use std::sync::Arc;

use tokio::sync::mpsc;
use zalt_core::budget::{Budget, Decision};
use zalt_core::event::EventKind;
use zalt_core::id::UserId;
use zalt_core::store::{Batch, Change, EventFilter, GuardReason, UserFilter};

use crate::assertions::{account, all_events, all_users, commit, new_user, page, refused, user};
use crate::fixtures::{DAY, EPOCH, Fixtures};
use crate::world::World;
use crate::{Place, SharedStore};

/// Everything of every kind is there again, field by field, and so are the budgets.
pub async fn everything_survives_reopening(place: &Arc<dyn Place>) {
    let store = place.open().await;
    let world = World::populate(&store).await;
    let before = world.picture(&store).await;
    drop(store);
    let store = place.open().await;
    assert_eq!(world.picture(&store).await, before);
    commit(&store, world.everything()).await;
    // The batch gave the budget back, so the first picture takes it once more; the second changes nothing.
    assert_ne!(world.picture(&store).await, before);
    let after = world.picture(&store).await;
    drop(store);
    let store = place.open().await;
    assert_eq!(world.picture(&store).await, after);
}

/// What was refused did not happen afterwards either.
pub async fn a_refused_batch_leaves_no_trace(place: &Arc<dyn Place>) {
    let store = place.open().await;
    let world = World::populate(&store).await;
    let before = world.picture(&store).await;
    for (failing, reason) in world.refused() {
        let batch = world.everything();
        let position = batch.changes.len();
        refused(&store, batch.change(failing), position, reason).await;
    }
    drop(store);
    let store = place.open().await;
    assert_eq!(world.picture(&store).await, before);
}

/// Guards stand on what was written before the store was closed.
pub async fn guards_hold_after_reopening(place: &Arc<dyn Place>) {
    let f = Fixtures::new();
    let store = place.open().await;
    let ada = new_user(&store, &f).await;
    let session = f.bearer_session(&ada);
    let identifier = f.identifier(&ada, "ada@example.com", true);
    commit(
        &store,
        [
            Change::UpdateUser(ada.clone()),
            Change::InsertIdentifier(identifier),
            Change::InsertSession(session.clone()),
        ],
    )
    .await;
    drop(store);
    let store = place.open().await;
    let update = Change::UpdateUser(ada.clone());
    refused(&store, update, 0, GuardReason::VersionMismatch).await;
    let insert = Change::InsertSession(session.clone());
    refused(&store, insert, 0, GuardReason::AlreadyExists).await;
    let ben = new_user(&store, &f).await;
    let taken = Change::InsertIdentifier(f.identifier(&ben, "ADA@example.com", true));
    refused(&store, taken, 0, GuardReason::IdentifierTaken).await;
    let replayed = Change::RotateRefresh {
        id: session.id,
        presented: 1,
        at: f.now(),
        idle_expires_at: f.now(),
        ip: None,
    };
    refused(&store, replayed, 0, GuardReason::RefreshNotCurrent).await;
}

/// A lock does not end with a restart.
pub async fn budgets_survive_reopening(place: &Arc<dyn Place>) {
    let f = Fixtures::new();
    let (lock, given_back) = (f.budget_key(), f.budget_key());
    let budget = Budget::Failures {
        free: 1,
        wait: DAY,
        longest_wait: DAY,
        ceiling: 1,
    };
    let store = place.open().await;
    for key in [lock, given_back] {
        let taken = store.take(key, &budget, EPOCH).await;
        assert_eq!(taken.expect("no error"), Decision::Granted);
    }
    store.give_back(given_back).await.expect("no error");
    drop(store);
    let store = place.open().await;
    let locked = store.take(lock, &budget, EPOCH).await;
    let denied = Decision::Denied { retry_after: None };
    assert_eq!(locked.expect("no error"), denied);
    let free = store.take(given_back, &budget, EPOCH).await;
    assert_eq!(free.expect("no error"), Decision::Granted);
}

/// A cursor that a client holds leads on after a restart.
pub async fn cursors_survive_reopening(place: &Arc<dyn Place>) {
    let f = Fixtures::new();
    let store = place.open().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, new_user(&store, &f).await.id);
    }
    let filter = UserFilter::default();
    let first = store.users(&filter, page(None, 2)).await.expect("no error");
    drop(store);
    let store = place.open().await;
    let rest = store.users(&filter, page(first.next, 100)).await;
    let rest: Vec<_> = rest
        .expect("no error")
        .data
        .iter()
        .map(|user| user.id)
        .collect();
    assert_eq!(rest, ids[2..]);
}

/// An empty store is as good as any, and a store can be closed right after its last commit, many times over.
pub async fn every_last_commit_survives(place: &Arc<dyn Place>) {
    let f = Fixtures::new();
    drop(place.open().await);
    let mut ids = Vec::new();
    for _ in 0..10 {
        let store = place.open().await;
        store.ready().await.expect("an opened store is ready");
        assert_eq!(all_users(&store, &UserFilter::default()).await, ids);
        let last = f.user();
        ids.insert(0, last.id);
        commit(&store, Change::InsertUser(last)).await;
        drop(store);
    }
}

/// When a store is closed while many commits are under way, each that was acknowledged is there and none is half there.
pub async fn no_commit_is_lost_or_halved_when_the_store_closes(place: &Arc<dyn Place>) {
    let f = Arc::new(Fixtures::new());
    for round in 0..8 {
        let store = place.open().await;
        let (acknowledged, mut reports) = mpsc::unbounded_channel();
        let tasks: Vec<_> = (0..16)
            .map(|task| {
                let (store, f) = (Arc::clone(&store), Arc::clone(&f));
                let acknowledged = acknowledged.clone();
                tokio::spawn(async move {
                    for index in 0.. {
                        let id = sign_up(&store, &f, &format!("u{round}.{task}.{index}")).await;
                        if acknowledged.send(id).is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        drop(acknowledged);
        // In the middle of it all, some tasks are cut off wherever they happen to be.
        let mut seen = Vec::new();
        while seen.len() < 50 {
            seen.extend(reports.recv().await);
        }
        // A report wakes this task at one and the same point of a commit; from there, each round goes on for longer.
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            let cut_off = task.await.expect_err("the task was cut off");
            assert!(cut_off.is_cancelled(), "a task panicked: {cut_off:?}");
        }
        while let Ok(id) = reports.try_recv() {
            seen.push(id);
        }
        drop(store);

        let store = place.open().await;
        for id in seen {
            user(&store, id).await;
        }
        let present = all_users(&store, &UserFilter::default()).await;
        for id in &present {
            let account = account(&store, *id).await;
            assert_eq!(account.identifiers.len(), 1, "half a batch was applied");
            assert!(account.password.is_some(), "half a batch was applied");
        }
        let mut about: Vec<_> = all_events(&store, &EventFilter::default())
            .await
            .into_iter()
            .filter_map(|event| event.user_id)
            .collect();
        about.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(about, present, "users and their events differ");
        drop(store);
    }
}

async fn sign_up(store: &SharedStore, f: &Fixtures, name: &str) -> UserId {
    let user = f.user();
    let id = user.id;
    let batch = Batch::new()
        .change(Change::InsertUser(user.clone()))
        .change(Change::InsertIdentifier(f.identifier(
            &user,
            &format!("{name}@example.com"),
            true,
        )))
        .change(Change::InsertPassword(f.password(&user)))
        .event(f.event(Some(id), EventKind::UserCreated));
    commit(store, batch).await;
    id
}
