//! Events: appended with their cause, kept as they are, and found by user and type.

use std::net::IpAddr;
use std::time::Duration;

use zalt_core::Timestamp;
use zalt_core::connection::ConnectionFailure;
use zalt_core::event::{Actor, Event, EventKind};
use zalt_core::id::{CredentialId, IdentifierId, SessionId};
use zalt_core::session::{AuthenticationMethod, RevokeReason};
use zalt_core::store::{Batch, Change, CommitError, EventFilter, Expired};

use crate::SharedStore;
use crate::assertions::{NOTHING_EXPIRED, all_events, commit};
use crate::fixtures::{DAY, EPOCH, Fixtures};

/// Every field of an event comes back as it was written, for every type.
pub async fn events_of_every_type_are_read_back_whole(store: &SharedStore) {
    let f = Fixtures::new();
    let written: Vec<_> = kinds(&f)
        .into_iter()
        .map(|kind| f.event(Some(f.user().id), kind))
        .collect();
    commit(store, of(&written)).await;
    let mut expected = written;
    expected.reverse();
    assert_eq!(all_events(store, &EventFilter::default()).await, expected);
    for event in expected {
        let filter = EventFilter {
            kind: Some(event.kind.name().to_owned()),
            ..EventFilter::default()
        };
        assert!(all_events(store, &filter).await.contains(&event));
    }
}

/// Actors, addresses and strangers' texts come back as they were.
pub async fn circumstances_of_any_kind_survive(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user().id;
    let bare = Event {
        actor: Actor::Application,
        ip: None,
        user_agent: None,
        request_id: None,
        ..f.event(None, EventKind::UserUpdated)
    };
    let strange = Event {
        actor: Actor::User(f.user().id),
        ip: Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])),
        user_agent: Some("a\u{0}b '; -- \u{10ffff}".to_owned()),
        request_id: Some(String::new()),
        occurred_at: Timestamp::from_unix_millis(i64::MAX),
        ..f.event(Some(ada), EventKind::UserUpdated)
    };
    let long = Event {
        user_agent: Some("\u{1f980}".repeat(5000)),
        occurred_at: Timestamp::from_unix_millis(0),
        ..f.event(Some(ada), EventKind::UserUpdated)
    };
    commit(store, of(&[bare.clone(), strange.clone(), long.clone()])).await;
    let read = all_events(store, &EventFilter::default()).await;
    assert_eq!(read, [long, strange, bare]);
}

/// The list runs from the newest id to the oldest, in whatever order they were appended.
pub async fn the_newest_come_first(store: &SharedStore) {
    let f = Fixtures::new();
    let written: Vec<_> = (0..5)
        .map(|_| f.event(None, EventKind::UserCreated))
        .collect();
    for index in [2, 0, 4, 1, 3] {
        commit(store, of(&written[index..=index])).await;
    }
    let mut expected = written;
    expected.reverse();
    assert_eq!(all_events(store, &EventFilter::default()).await, expected);
}

/// A list is narrowed by user, by type, and by both.
pub async fn a_list_is_filtered_by_user_and_type(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = (f.user().id, f.user().id);
    let created = f.event(Some(ada), EventKind::UserCreated);
    let updated = f.event(Some(ada), EventKind::UserUpdated);
    let other = f.event(Some(ben), EventKind::UserCreated);
    let nobody = f.event(None, EventKind::UserCreated);
    commit(
        store,
        of(&[
            created.clone(),
            updated.clone(),
            other.clone(),
            nobody.clone(),
        ]),
    )
    .await;
    let filter = |user_id, kind: Option<&str>| EventFilter {
        user_id,
        kind: kind.map(ToOwned::to_owned),
    };
    let kind = Some("user.created");
    for (filter, expected) in [
        (filter(Some(ada), None), vec![&updated, &created]),
        (filter(None, kind), vec![&nobody, &other, &created]),
        (filter(Some(ada), kind), vec![&created]),
        (filter(Some(ben), Some("user.updated")), vec![]),
        (filter(Some(f.user().id), None), vec![]),
        (filter(None, Some("user")), vec![]),
        (filter(None, Some("User.Created")), vec![]),
        (filter(None, Some("user.%")), vec![]),
        (filter(None, Some("")), vec![]),
    ] {
        let read = all_events(store, &filter).await;
        assert_eq!(read.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

/// Events need no change beside them.
pub async fn a_batch_may_hold_events_only(store: &SharedStore) {
    let f = Fixtures::new();
    let event = f.event(None, EventKind::PasswordResetRequested);
    commit(store, Batch::new().event(event.clone())).await;
    assert_eq!(all_events(store, &EventFilter::default()).await, [event]);
}

/// An id that exists is a defect of the caller's; it fails the batch and never touches the event that is there.
pub async fn an_event_is_never_written_over(store: &SharedStore) {
    let f = Fixtures::new();
    let first = f.event(None, EventKind::UserCreated);
    commit(store, Batch::new().event(first.clone())).await;
    let user = f.user();
    let second = Event {
        id: first.id,
        ..f.event(Some(user.id), EventKind::UserPurged)
    };
    let batch = Batch::new()
        .change(Change::InsertUser(user.clone()))
        .event(second);
    let refused = store.commit(batch).await;
    assert!(
        matches!(refused, Err(CommitError::Store(_))),
        "a repeated event id has to fail in the store, not {refused:?}"
    );
    assert_eq!(all_events(store, &EventFilter::default()).await, [first]);
    assert_eq!(store.user(user.id).await.expect("no error"), None);
}

/// The sweep removes events that happened strictly before the instant, no more than its limit, and none if none is named.
pub async fn the_sweep_removes_what_is_old(store: &SharedStore) {
    let f = Fixtures::new();
    let before = EPOCH + DAY;
    let moment = Duration::from_millis(1);
    let at = |at| f.event_at(at, None, EventKind::UserCreated);
    let old = [at(EPOCH), at(before - moment), at(EPOCH)];
    let kept = [at(before), at(before + moment)];
    commit(store, of(&[&old[..], &kept[..]].concat())).await;
    let sweep = |events_before, limit| {
        Change::RemoveExpired(Expired {
            events_before,
            limit,
            ..NOTHING_EXPIRED
        })
    };
    for (events_before, limit, left) in [
        (None, 100, 5),
        (Some(before), 0, 5),
        (Some(before), 2, 3),
        (Some(before), 100, 2),
    ] {
        commit(store, sweep(events_before, limit)).await;
        let read = all_events(store, &EventFilter::default()).await;
        assert_eq!(read.len(), left, "after a sweep of {limit}");
    }
    let [first, second] = kept;
    let read = all_events(store, &EventFilter::default()).await;
    assert_eq!(read, [second, first]);
}

fn of(events: &[Event]) -> Batch {
    Batch {
        changes: Vec::new(),
        events: events.to_vec(),
    }
}

fn kinds(f: &Fixtures) -> Vec<EventKind> {
    let identifier_id = IdentifierId::from_bytes(f.bytes());
    let session_id = SessionId::from_bytes(f.bytes());
    vec![
        EventKind::UserCreated,
        EventKind::UserUpdated,
        EventKind::UserSuspended,
        EventKind::UserRestored,
        EventKind::UserDeleted,
        EventKind::UserPurged,
        EventKind::IdentifierAdded { identifier_id },
        EventKind::IdentifierVerified { identifier_id },
        EventKind::IdentifierMadePrimary { identifier_id },
        EventKind::IdentifierRemoved { identifier_id },
        EventKind::PasswordChanged { reset: true },
        EventKind::PasswordResetRequested,
        EventKind::SignInFailed {
            method: AuthenticationMethod::Password,
        },
        EventKind::SignInLocked {
            method: AuthenticationMethod::Email,
            until: Some(f.now()),
        },
        EventKind::SignInLocked {
            method: AuthenticationMethod::Email,
            until: None,
        },
        EventKind::SignUpAddressTaken,
        EventKind::SessionCreated {
            session_id,
            amr: vec![AuthenticationMethod::Password, AuthenticationMethod::Email],
        },
        EventKind::SessionReauthenticated {
            session_id,
            method: AuthenticationMethod::Email,
        },
        EventKind::SessionRevoked {
            session_id,
            reason: RevokeReason::SignedOut,
        },
        EventKind::AllSessionsRevoked {
            except: Some(session_id),
            reason: RevokeReason::PasswordChanged,
        },
        EventKind::RefreshTokenReused {
            session_id,
            presented: 0,
            current: u32::MAX,
        },
        EventKind::MessageFailed { tries: 7 },
        EventKind::ConnectionCreated {
            connection: f.connection("google").key,
        },
        EventKind::ConnectionUpdated {
            connection: f.connection("google").key,
            enabled: false,
        },
        EventKind::ConnectionDeleted {
            connection: f.connection("google").key,
        },
        EventKind::ConnectionFailed {
            connection: f.connection("google").key,
            reason: ConnectionFailure::IdTokenNonce,
        },
        EventKind::ExternalAccountLinked {
            credential_id: CredentialId::from_bytes(f.bytes()),
            connection: f.connection("google").key,
        },
        EventKind::ExternalAccountUnlinked {
            credential_id: CredentialId::from_bytes(f.bytes()),
            connection: f.connection("google").key,
        },
        EventKind::SigningKeyCreated {
            kid: "key-1'\u{1f511}".to_owned(),
        },
    ]
}
