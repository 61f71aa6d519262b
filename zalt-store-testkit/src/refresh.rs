//! Refresh tokens: one generation is current, and it is replaced once.

use std::net::IpAddr;

use zalt_core::event::EventKind;
use zalt_core::id::SessionId;
use zalt_core::session::{RefreshState, RevokeReason, Session};
use zalt_core::store::{Batch, Change, EventFilter, GuardReason};

use crate::SharedStore;
use crate::assertions::{all_events, commit, new_user, refused, session};
use crate::fixtures::{DAY, EPOCH, Fixtures};

/// A rotation moves the generation on by one and writes its instants and address, and nothing else. A replica's clock
/// may be behind another's.
pub async fn a_rotation_moves_the_generation(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let (rotated, other) = (f.bearer_session(&ada), f.bearer_session(&ada));
    for written in [&rotated, &other] {
        commit(store, Change::InsertSession(written.clone())).await;
    }
    let seed = rotated.refresh.expect("held by refresh tokens").seed;
    let v6 = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
    for (presented, at, ip) in [
        (0, f.now() + DAY, Some(v6)),
        (1, EPOCH - DAY, None),
        (2, f.now(), Some(v6)),
    ] {
        commit(
            store,
            Change::RotateRefresh {
                id: rotated.id,
                presented,
                at,
                idle_expires_at: at + DAY,
                ip,
            },
        )
        .await;
        let expected = Session {
            refresh: Some(RefreshState {
                seed,
                generation: presented + 1,
                rotated_at: at,
            }),
            last_seen_at: at,
            idle_expires_at: at + DAY,
            ip,
            ..rotated.clone()
        };
        assert_eq!(session(store, rotated.id).await, expected);
    }
    assert_eq!(session(store, other.id).await, other);
}

/// A token that was replaced, or that is still to come, rotates nothing.
pub async fn a_rotation_needs_the_current_generation(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let written = f.bearer_session(&ada);
    commit(store, Change::InsertSession(written.clone())).await;
    for presented in 0..2 {
        commit(store, rotate(&f, written.id, presented)).await;
    }
    let before = session(store, written.id).await;
    for presented in [0, 1, 3, u32::MAX] {
        let change = rotate(&f, written.id, presented);
        refused(store, change, 0, GuardReason::RefreshNotCurrent).await;
    }
    assert_eq!(session(store, written.id).await, before);
}

/// A session that is held by a cookie has no refresh token that could be current.
pub async fn a_rotation_needs_a_session_of_refresh_tokens(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let written = f.session(&ada);
    commit(store, Change::InsertSession(written.clone())).await;
    let change = rotate(&f, written.id, 0);
    refused(store, change, 0, GuardReason::RefreshNotCurrent).await;
    assert_eq!(session(store, written.id).await, written);
}

/// Nothing rotates for a session that is revoked or does not exist, whatever is presented.
pub async fn a_rotation_never_brings_a_session_back(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let written = f.bearer_session(&ada);
    let unknown = rotate(&f, written.id, 0);
    refused(store, unknown, 0, GuardReason::NotFound).await;
    commit(store, Change::InsertSession(written.clone())).await;
    commit(store, rotate(&f, written.id, 0)).await;
    commit(store, revoke(&f, written.id)).await;
    let before = session(store, written.id).await;
    // The first of two guards is named where both fail.
    for presented in [1, 0, 7] {
        let change = rotate(&f, written.id, presented);
        refused(store, change, 0, GuardReason::SessionRevoked).await;
    }
    assert_eq!(session(store, written.id).await, before);
}

/// A generation is a number of 32 bits without a sign.
pub async fn generations_beyond_31_bits_survive(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let far = |generation| {
        let session = f.bearer_session(&ada);
        Session {
            refresh: session.refresh.map(|refresh| RefreshState {
                generation,
                ..refresh
            }),
            ..session
        }
    };
    for generation in [i32::MAX as u32, u32::MAX - 1] {
        let written = far(generation);
        commit(store, Change::InsertSession(written.clone())).await;
        assert_eq!(session(store, written.id).await, written);
        commit(store, rotate(&f, written.id, generation)).await;
        let rotated = session(store, written.id).await.refresh;
        let rotated = rotated.map(|refresh| refresh.generation);
        assert_eq!(rotated, Some(generation + 1));
    }
}

/// A replay is answered by a batch that ends the session and says so; the rotation that it lost to stays.
pub async fn a_replay_can_end_its_session(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let written = f.bearer_session(&ada);
    commit(store, Change::InsertSession(written.clone())).await;
    commit(store, rotate(&f, written.id, 0)).await;
    let replayed = rotate(&f, written.id, 0);
    refused(store, replayed, 0, GuardReason::RefreshNotCurrent).await;
    let event = f.event(
        Some(ada.id),
        EventKind::RefreshTokenReused {
            session_id: written.id,
            presented: 0,
            current: 1,
        },
    );
    let answer = Batch::new()
        .change(revoke(&f, written.id))
        .event(event.clone());
    commit(store, answer).await;
    let ended = session(store, written.id).await;
    assert!(ended.revoked.is_some());
    assert_eq!(ended.refresh.map(|refresh| refresh.generation), Some(1));
    assert_eq!(all_events(store, &EventFilter::default()).await, [event]);
    let successor = rotate(&f, written.id, 1);
    refused(store, successor, 0, GuardReason::SessionRevoked).await;
}

fn rotate(f: &Fixtures, id: SessionId, presented: u32) -> Change {
    let at = f.now();
    Change::RotateRefresh {
        id,
        presented,
        at,
        idle_expires_at: at + DAY,
        ip: None,
    }
}

fn revoke(f: &Fixtures, id: SessionId) -> Change {
    Change::RevokeSession {
        id,
        at: f.now(),
        reason: RevokeReason::RefreshTokenReused,
    }
}
