//! Revocation: a session that was ended stays so until the sweep takes it away.

use std::time::Duration;

use zalt_core::Timestamp;
use zalt_core::id::SessionId;
use zalt_core::session::{RevokeReason, Session};
use zalt_core::store::{Change, Expired, GuardReason};
use zalt_core::user::{User, UserStatus};

use crate::SharedStore;
use crate::assertions::{NOTHING_EXPIRED, commit, new_user, refused, session, user};
use crate::fixtures::{DAY, EPOCH, Fixtures};

/// A session is revoked once, with the instant and reason of the first time, and every reason survives.
pub async fn a_revocation_is_final(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    for reason in [
        RevokeReason::SignedOut,
        RevokeReason::RevokedByUser,
        RevokeReason::RevokedByAdmin,
        RevokeReason::PasswordChanged,
        RevokeReason::RefreshTokenReused,
        RevokeReason::UserSuspended,
        RevokeReason::UserDeleted,
    ] {
        let written = f.session(&ada);
        let change = |at, reason| Change::RevokeSession {
            id: written.id,
            at,
            reason,
        };
        refused(store, change(f.now(), reason), 0, GuardReason::NotFound).await;
        commit(store, Change::InsertSession(written.clone())).await;
        let at = f.now();
        commit(store, change(at, reason)).await;
        let again = change(f.now(), RevokeReason::SignedOut);
        refused(store, again, 0, GuardReason::SessionRevoked).await;
        let expected = Session {
            revoked: Some((at, reason)),
            ..written.clone()
        };
        assert_eq!(session(store, written.id).await, expected);
    }
}

/// Every session that was not revoked yet ends but the exception; the epoch moves, the version does not.
pub async fn revoking_all_leaves_the_exception_and_moves_the_epoch(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let [kept, live, over, revoked] = [(); 4].map(|()| f.session(&ada));
    let over = Session {
        expires_at: EPOCH - DAY,
        ..over
    };
    for written in [&kept, &live, &over, &revoked] {
        commit(store, Change::InsertSession(written.clone())).await;
    }
    let first = f.now();
    commit(store, revoke(&revoked, first)).await;
    let before = user(store, ada.id).await;
    let at = f.now();
    commit(store, revoke_all(&ada, Some(kept.id), at)).await;
    assert_eq!(session(store, kept.id).await.revoked, None);
    let by_all = Some((at, RevokeReason::PasswordChanged));
    assert_eq!(session(store, live.id).await.revoked, by_all);
    assert_eq!(session(store, over.id).await.revoked, by_all);
    let earlier = Some((first, RevokeReason::SignedOut));
    assert_eq!(session(store, revoked.id).await.revoked, earlier);
    let moved = User {
        session_epoch: 1,
        ..before
    };
    assert_eq!(user(store, ada.id).await, moved);

    // The exception can still be used, and the next time ends it as well.
    commit(
        store,
        Change::TouchSession {
            id: kept.id,
            last_seen_at: f.now(),
            idle_expires_at: f.now() + DAY,
            ip: None,
        },
    )
    .await;
    let at = f.now();
    commit(store, revoke_all(&ada, None, at)).await;
    let by_all = Some((at, RevokeReason::PasswordChanged));
    assert_eq!(session(store, kept.id).await.revoked, by_all);
    assert_eq!(user(store, ada.id).await.session_epoch, 2);
}

/// Ending all sessions of one user ends nobody else's, and an exception of another user protects nothing.
pub async fn revoking_all_leaves_other_users_alone(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = (new_user(store, &f).await, new_user(store, &f).await);
    let (of_ada, of_ben) = (f.session(&ada), f.session(&ben));
    commit(
        store,
        [
            Change::InsertSession(of_ada.clone()),
            Change::InsertSession(of_ben.clone()),
        ],
    )
    .await;
    let ben = user(store, ben.id).await;
    commit(store, revoke_all(&ada, Some(of_ben.id), f.now())).await;
    assert!(session(store, of_ada.id).await.revoked.is_some());
    assert_eq!(session(store, of_ben.id).await, of_ben);
    assert_eq!(user(store, ben.id).await, ben);
}

/// There is nothing to end for nobody; for a suspended user there is.
pub async fn revoking_all_needs_the_user(store: &SharedStore) {
    let f = Fixtures::new();
    let unknown = revoke_all(&f.user(), None, f.now());
    refused(store, unknown, 0, GuardReason::NotFound).await;
    let suspended = User {
        status: UserStatus::Suspended { at: f.now() },
        ..f.user()
    };
    commit(store, Change::InsertUser(suspended.clone())).await;
    commit(store, revoke_all(&suspended, None, f.now())).await;
    assert_eq!(user(store, suspended.id).await.session_epoch, 1);
}

/// The sweep removes sessions whose end, idle end or revocation lies strictly before the instant, and no other.
pub async fn the_sweep_removes_what_is_over(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let before = EPOCH + DAY;
    let moment = Duration::from_millis(1);
    let far = before + DAY;
    let session_with = |expires_at, idle_expires_at, revoked_at: Option<Timestamp>| Session {
        expires_at,
        idle_expires_at,
        revoked: revoked_at.map(|at| (at, RevokeReason::SignedOut)),
        ..f.session(&ada)
    };
    let kept = [
        session_with(far, far, None),
        session_with(before, before, Some(before)),
    ];
    let over = [
        session_with(before - moment, far, None),
        session_with(far, before - moment, None),
        session_with(far, far, Some(before - moment)),
    ];
    for written in kept.iter().chain(&over) {
        commit(store, Change::InsertSession(written.clone())).await;
    }
    commit(store, sweep(before, 100)).await;
    for written in kept {
        assert_eq!(session(store, written.id).await, written);
    }
    for written in over {
        let found = store.session(written.id).await.expect("no error");
        assert_eq!(found, None);
    }
    // The user stays, and sweeping again is fine.
    user(store, ada.id).await;
    commit(store, sweep(before, 100)).await;
}

/// One sweep removes no more rows than its limit; the next ones remove the rest.
pub async fn the_sweep_keeps_its_limit(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let ids: Vec<_> = (0..5)
        .map(|_| Session {
            expires_at: EPOCH - DAY,
            ..f.session(&ada)
        })
        .map(|session| (session.id, Change::InsertSession(session)))
        .collect();
    let (ids, inserts): (Vec<_>, Vec<_>) = ids.into_iter().unzip();
    commit(store, inserts).await;
    for (limit, left) in [(0, 5), (2, 3), (2, 1), (2, 0)] {
        commit(store, sweep(EPOCH, limit)).await;
        let mut found = 0;
        for id in &ids {
            let session = store.session(*id).await.expect("no error");
            found += u32::from(session.is_some());
        }
        assert_eq!(found, left, "after a sweep of {limit}");
    }
}

fn revoke(session: &Session, at: Timestamp) -> Change {
    Change::RevokeSession {
        id: session.id,
        at,
        reason: RevokeReason::SignedOut,
    }
}

fn revoke_all(user: &User, except: Option<SessionId>, at: Timestamp) -> Change {
    Change::RevokeUserSessions {
        user_id: user.id,
        except,
        at,
        reason: RevokeReason::PasswordChanged,
    }
}

fn sweep(sessions_before: Timestamp, limit: u32) -> Change {
    Change::RemoveExpired(Expired {
        sessions_before,
        limit,
        ..NOTHING_EXPIRED
    })
}
