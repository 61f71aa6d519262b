//! Races: whatever comes at once, the outcome is one that could have come one after the other.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Barrier;
use zalt_core::event::EventKind;
use zalt_core::identifier::Identifier;
use zalt_core::session::{RevokeReason, Session};
use zalt_core::store::{Batch, Change, CommitError, EventFilter, GuardReason, UserFilter};
use zalt_core::user::{Metadata, PasswordCredential, User, UserMetadata, UserStatus};

use crate::SharedStore;
use crate::assertions::{
    account, all_events, all_sessions, all_users, commit, new_user, session, user,
};
use crate::fixtures::{DAY, EPOCH, Fixtures};

/// How many tasks race.
pub(crate) const TASKS: usize = 32;

/// How often a race between two different things is run: each time it may go either way.
const ROUNDS: usize = 20;

/// Commits that have nothing to do with each other all succeed, and none is lost.
pub async fn what_does_not_conflict_is_all_applied(store: &SharedStore) {
    let f = Fixtures::new();
    let batches = (0..TASKS * 4).map(|index| {
        let user = f.user();
        let identifier = f.identifier(&user, &format!("user{index}@example.com"), true);
        let event = f.event(Some(user.id), EventKind::UserCreated);
        Batch::new()
            .change(Change::InsertUser(user))
            .change(Change::InsertIdentifier(identifier))
            .event(event)
    });
    let outcomes = race(store, batches).await;
    assert_eq!(outcomes, vec![Ok(()); TASKS * 4]);
    let users = all_users(store, &UserFilter::default()).await;
    assert_eq!(users.len(), TASKS * 4);
    let events = all_events(store, &EventFilter::default()).await;
    assert_eq!(events.len(), TASKS * 4);
}

/// Whoever reads, changes and writes, and starts over when refused, never writes over somebody else's change.
pub async fn no_update_is_lost(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, id) = (Arc::clone(store), ada.id);
            tokio::spawn(async move {
                loop {
                    let read = user(&store, id).await;
                    let mine = Metadata::new(json!({ task.to_string(): true })).expect("valid");
                    let public = read.metadata.public.merged(&mine).expect("valid");
                    let changed = User {
                        metadata: UserMetadata {
                            public,
                            ..read.metadata
                        },
                        ..read
                    };
                    let batch = Batch::new().change(Change::UpdateUser(changed));
                    match outcome(&store, batch).await {
                        Ok(()) => return,
                        Err(reason) => assert_eq!(reason, GuardReason::VersionMismatch),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("every task has to succeed");
    }
    let after = user(store, ada.id).await;
    assert_eq!(after.version, 1 + TASKS as u64);
    assert_eq!(after.metadata.public.as_object().len(), TASKS);
}

/// Sign-ins that began before all sessions were ended leave none that is live.
pub async fn no_sign_in_outlives_the_end_of_all_sessions(store: &SharedStore) {
    let f = Fixtures::new();
    for _ in 0..ROUNDS {
        let ada = new_user(store, &f).await;
        let sign_ins = (0..8).map(|_| Batch::new().change(Change::InsertSession(f.session(&ada))));
        let revoke_all = Batch::new().change(Change::RevokeUserSessions {
            user_id: ada.id,
            except: None,
            at: f.now(),
            reason: RevokeReason::PasswordChanged,
        });
        // An update that read the user before must not turn the epoch back either.
        let update = Batch::new().change(Change::UpdateUser(ada.clone()));
        let batches: Vec<_> = sign_ins.chain([revoke_all, update]).collect();
        let outcomes = race(store, batches).await;
        assert_eq!(outcomes[8..], [Ok(()), Ok(())]);
        for outcome in &outcomes[..8] {
            assert!(matches!(outcome, Ok(()) | Err(GuardReason::StaleEpoch)));
        }
        assert_eq!(all_sessions(store, ada.id, f.now()).await, []);
        let late = Batch::new().change(Change::InsertSession(f.session(&ada)));
        assert_eq!(outcome(store, late).await, Err(GuardReason::StaleEpoch));
    }
}

/// A suspension that ends all sessions leaves none that is live, whoever signs in meanwhile.
pub async fn no_sign_in_outlives_a_suspension(store: &SharedStore) {
    let f = Fixtures::new();
    for _ in 0..ROUNDS {
        let ada = new_user(store, &f).await;
        let suspend = Batch::new()
            .change(Change::UpdateUser(User {
                status: UserStatus::Suspended { at: f.now() },
                ..ada.clone()
            }))
            .change(Change::RevokeUserSessions {
                user_id: ada.id,
                except: None,
                at: f.now(),
                reason: RevokeReason::UserSuspended,
            });
        let sign_ins = (0..8).map(|_| Batch::new().change(Change::InsertSession(f.session(&ada))));
        let batches: Vec<_> = [suspend].into_iter().chain(sign_ins).collect();
        let outcomes = race(store, batches).await;
        assert_eq!(outcomes[0], Ok(()));
        for outcome in &outcomes[1..] {
            assert!(matches!(outcome, Ok(()) | Err(GuardReason::UserNotActive)));
        }
        assert_eq!(all_sessions(store, ada.id, f.now()).await, []);
    }
}

/// Touches and rotations that come while a session is revoked leave it revoked.
pub async fn nothing_revives_a_session_that_is_revoked_meanwhile(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    for _ in 0..ROUNDS {
        let written = f.bearer_session(&ada);
        commit(store, Change::InsertSession(written.clone())).await;
        let mut batches = vec![Batch::new().change(revoke(&f, &written))];
        for _ in 0..4 {
            batches.push(Batch::new().change(rotate(&f, &written, 0)));
            batches.push(Batch::new().change(Change::TouchSession {
                id: written.id,
                last_seen_at: f.now(),
                idle_expires_at: f.now() + DAY,
                ip: None,
            }));
        }
        let outcomes = race(store, batches).await;
        assert_eq!(outcomes[0], Ok(()));
        let ended = session(store, written.id).await;
        assert!(ended.revoked.is_some(), "a revoked session was revived");
        let rotations = outcomes.iter().skip(1).step_by(2);
        let rotated = rotations.filter(|outcome| outcome.is_ok()).count();
        let generation = ended.refresh.map(|refresh| refresh.generation);
        assert_eq!(generation, u32::try_from(rotated).ok());
        assert!(rotated <= 1, "one token was rotated {rotated} times");
    }
}

/// Nothing that belongs to a user stays behind or comes after when the user is purged meanwhile.
pub async fn nothing_outlives_its_purged_user(store: &SharedStore) {
    let f = Fixtures::new();
    for round in 0..ROUNDS {
        let ada = new_user(store, &f).await;
        let text = format!("ada{round}@example.com");
        let purge = Batch::new().change(Change::PurgeUser {
            id: ada.id,
            version: 1,
        });
        let sessions: Vec<_> = (0..3).map(|_| f.session(&ada)).collect();
        let inserts = [
            Change::InsertIdentifier(f.identifier(&ada, &text, true)),
            Change::InsertPassword(f.password(&ada)),
        ];
        let inserts = sessions
            .iter()
            .cloned()
            .map(Change::InsertSession)
            .chain(inserts)
            .map(|change| Batch::new().change(change));
        let batches: Vec<_> = [purge].into_iter().chain(inserts).collect();
        let outcomes = race(store, batches).await;
        assert_eq!(outcomes[0], Ok(()));
        for outcome in &outcomes[1..] {
            assert!(matches!(outcome, Ok(()) | Err(GuardReason::NotFound)));
        }
        for session in sessions {
            let found = store.session(session.id).await.expect("no error");
            assert_eq!(found, None);
        }
        // Were an identifier or password left, the same user and another owner would come upon it.
        commit(store, Change::InsertUser(ada.clone())).await;
        let again = account(store, ada.id).await;
        assert_eq!((again.identifiers, again.password), (vec![], None));
        let ben = new_user(store, &f).await;
        let identifier = f.identifier(&ben, &text, true);
        commit(store, Change::InsertIdentifier(identifier)).await;
    }
}

/// A reader beside a writer sees every batch whole or not at all.
pub async fn a_reader_never_sees_half_a_batch(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let identifier = f.identifier(&ada, "ada@example.com", true);
    let key = identifier.value.key();
    let password = f.password(&ada);
    let held = f.session(&ada);
    commit(
        store,
        [
            Change::InsertUser(ada.clone()),
            Change::InsertIdentifier(identifier.clone()),
            Change::InsertPassword(password.clone()),
            Change::InsertSession(held.clone()),
        ],
    )
    .await;
    let writer = {
        let (store, ada, held) = (Arc::clone(store), ada.clone(), held.clone());
        tokio::spawn(async move {
            for version in 1..=200 {
                let at = EPOCH + Duration::from_millis(version);
                let batch = [
                    Change::UpdateUser(User {
                        updated_at: at,
                        version,
                        ..ada.clone()
                    }),
                    Change::UpdateIdentifier(Identifier {
                        version,
                        ..identifier.clone()
                    }),
                    Change::UpdatePassword(PasswordCredential {
                        version,
                        ..password.clone()
                    }),
                    Change::TouchSession {
                        id: held.id,
                        last_seen_at: at,
                        idle_expires_at: at + DAY,
                        ip: None,
                    },
                ];
                commit(&store, batch).await;
            }
        })
    };
    loop {
        let done = writer.is_finished();
        let owner = store.account_by_identifier(&key).await.expect("no error");
        let by_id = store.account(ada.id).await.expect("no error");
        for account in [owner, by_id] {
            let account = account.expect("the account exists throughout");
            let version = account.user.version;
            assert_eq!(account.identifiers[0].version, version);
            let password = account.password.expect("the password exists throughout");
            assert_eq!(password.version, version);
        }
        let found = store.session_with_user(held.id).await.expect("no error");
        let (session, user) = found.expect("the session exists throughout");
        if user.version > 1 {
            assert_eq!(session.last_seen_at, user.updated_at);
        }
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer has to succeed");
}

/// Commits each batch on a task of its own, all released at one moment; the outcomes in the order of the batches.
pub(crate) async fn race(
    store: &SharedStore,
    batches: impl IntoIterator<Item = Batch>,
) -> Vec<Result<(), GuardReason>> {
    let batches: Vec<_> = batches.into_iter().collect();
    let start = Arc::new(Barrier::new(batches.len()));
    let tasks: Vec<_> = batches
        .into_iter()
        .map(|batch| {
            let (store, start) = (Arc::clone(store), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                outcome(&store, batch).await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.expect("a racer has to finish"));
    }
    outcomes
}

async fn outcome(store: &SharedStore, batch: Batch) -> Result<(), GuardReason> {
    match store.commit(batch).await {
        Ok(()) => Ok(()),
        Err(CommitError::Guard(failure)) => Err(failure.reason),
        Err(error) => panic!("a commit in a race failed otherwise than by its guard: {error:?}"),
    }
}

pub(crate) fn rotate(f: &Fixtures, session: &Session, presented: u32) -> Change {
    let at = f.now();
    Change::RotateRefresh {
        id: session.id,
        presented,
        at,
        idle_expires_at: at + DAY,
        ip: None,
    }
}

pub(crate) fn revoke(f: &Fixtures, session: &Session) -> Change {
    Change::RevokeSession {
        id: session.id,
        at: f.now(),
        reason: RevokeReason::SignedOut,
    }
}
