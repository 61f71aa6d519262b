//! Sessions: begun by active users only, and over once they are over.

use std::net::IpAddr;
use std::time::Duration;

use zalt_core::Timestamp;
use zalt_core::id::SessionId;
use zalt_core::session::{Authentication, AuthenticationMethod, RevokeReason, Session};
use zalt_core::store::{Change, GuardReason};
use zalt_core::user::{User, UserStatus};

use crate::SharedStore;
use crate::assertions::{FIRST_PAGE, all_sessions, commit, new_user, refused, session, user};
use crate::fixtures::{DAY, EPOCH, Fixtures, proved};

/// Every field of a session comes back as it was written, for both ways to hold one.
pub async fn sessions_are_read_back_whole(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let cookie = f.session(&ada);
    let bearer = Session {
        amr: two_methods(&f),
        authenticated_at: f.now(),
        last_seen_at: f.now(),
        ip: None,
        user_agent: None,
        ..f.bearer_session(&ada)
    };
    let bare = Session {
        token: None,
        refresh: None,
        amr: vec![],
        ..f.session(&ada)
    };
    let revoked = Session {
        revoked: Some((f.now(), RevokeReason::SignedOut)),
        ..f.session(&ada)
    };
    let extreme = Session {
        last_seen_at: Timestamp::from_unix_millis(0),
        idle_expires_at: Timestamp::from_unix_millis(i64::MAX),
        expires_at: Timestamp::from_unix_millis(i64::MAX),
        ..f.session(&ada)
    };
    for written in [cookie, bearer, bare, revoked, extreme] {
        commit(store, Change::InsertSession(written.clone())).await;
        assert_eq!(session(store, written.id).await, written);
    }
}

/// A session is read together with its user as both are now, whatever state they are in.
pub async fn a_session_comes_with_its_user(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = (new_user(store, &f).await, new_user(store, &f).await);
    let (of_ada, of_ben) = (f.session(&ada), f.bearer_session(&ben));
    commit(
        store,
        [
            Change::InsertSession(of_ada.clone()),
            Change::InsertSession(of_ben.clone()),
        ],
    )
    .await;
    let suspended = User {
        status: UserStatus::Suspended { at: f.now() },
        ..ada.clone()
    };
    commit(
        store,
        [Change::UpdateUser(suspended), revoke(&of_ada, f.now())],
    )
    .await;
    for (id, owner) in [(of_ada.id, ada.id), (of_ben.id, ben.id)] {
        let found = store.session_with_user(id).await.expect("no error");
        let expected = (session(store, id).await, user(store, owner).await);
        assert_eq!(found, Some(expected));
    }
    let unknown = SessionId::from_bytes(f.bytes());
    let found = store.session_with_user(unknown).await.expect("no error");
    assert_eq!(found, None);
}

/// Addresses of IP version 4 and 6 come back as they were, also those that could be taken for each other.
pub async fn addresses_of_both_families_survive(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    for text in [
        "0.0.0.0",
        "255.255.255.255",
        "192.0.2.1",
        "::",
        "::1",
        "2001:db8::dead:beef",
        "::ffff:192.0.2.1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ] {
        let ip: IpAddr = text.parse().expect("valid");
        let written = Session {
            ip: Some(ip),
            ..f.session(&ada)
        };
        commit(store, Change::InsertSession(written.clone())).await;
        assert_eq!(session(store, written.id).await.ip, Some(ip));
    }
}

/// A user agent is a stranger's text: empty, in any script, with NUL, with quotes, or long.
pub async fn user_agents_of_any_kind_survive(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let long = "\u{1f980}x".repeat(5000);
    for text in [
        "",
        "a\u{0}b\u{0}",
        "'; --",
        "\u{10ffff}\u{feff}",
        "\r\n\t",
        &long,
    ] {
        let written = Session {
            user_agent: Some(text.to_owned()),
            ..f.session(&ada)
        };
        commit(store, Change::InsertSession(written.clone())).await;
        assert_eq!(session(store, written.id).await, written);
    }
}

/// The insert of a session moves the user's last sign-in, and nothing else of the user.
pub async fn an_insert_notes_the_sign_in(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = (new_user(store, &f).await, new_user(store, &f).await);
    for _ in 0..2 {
        let written = f.session(&ada);
        commit(store, Change::InsertSession(written.clone())).await;
        let noted = User {
            last_sign_in_at: Some(written.created_at),
            ..ada.clone()
        };
        assert_eq!(user(store, ada.id).await, noted);
    }
    assert_eq!(user(store, ben.id).await, ben);
}

/// No session for a user that does not exist, is suspended or is deleted.
pub async fn an_insert_needs_an_active_user(store: &SharedStore) {
    let f = Fixtures::new();
    let unknown = f.session(&f.user());
    refused(
        store,
        Change::InsertSession(unknown),
        0,
        GuardReason::NotFound,
    )
    .await;
    let suspended = UserStatus::Suspended { at: f.now() };
    let deleted = UserStatus::Deleted { at: f.now() };
    for status in [suspended, deleted] {
        let user = User {
            status,
            session_epoch: 4,
            ..f.user()
        };
        commit(store, Change::InsertUser(user.clone())).await;
        // The first of the two guards is named where both fail.
        for epoch in [4, 3] {
            let written = Session {
                epoch,
                ..f.session(&user)
            };
            refused(
                store,
                Change::InsertSession(written.clone()),
                0,
                GuardReason::UserNotActive,
            )
            .await;
            let found = store.session(written.id).await.expect("no error");
            assert_eq!(found, None);
        }
    }
}

/// A sign-in that began before all sessions were ended does not end in one.
pub async fn an_insert_needs_the_current_epoch(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let stale = f.session(&ada);
    commit(store, revoke_all(&ada, None, f.now())).await;
    let early = Session {
        epoch: 2,
        ..f.session(&ada)
    };
    for written in [stale, early] {
        refused(
            store,
            Change::InsertSession(written.clone()),
            0,
            GuardReason::StaleEpoch,
        )
        .await;
        let found = store.session(written.id).await.expect("no error");
        assert_eq!(found, None);
    }
    assert_eq!(user(store, ada.id).await.last_sign_in_at, None);
    let fresh = f.session(&user(store, ada.id).await);
    commit(store, Change::InsertSession(fresh)).await;
}

/// A session is inserted once: nothing brings a revoked one back.
pub async fn inserting_an_existing_id_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let written = f.session(&ada);
    let insert = Change::InsertSession(written.clone());
    commit(store, insert.clone()).await;
    refused(store, insert, 0, GuardReason::AlreadyExists).await;
    commit(store, revoke(&written, f.now())).await;
    let before = session(store, written.id).await;
    let later = f.session_at(f.now(), &ada);
    let insert = Change::InsertSession(Session {
        id: written.id,
        ..later
    });
    refused(store, insert, 0, GuardReason::AlreadyExists).await;
    assert_eq!(session(store, written.id).await, before);
    // What is refused is no sign-in.
    let last = user(store, ada.id).await.last_sign_in_at;
    assert_eq!(last, Some(written.created_at));
}

/// A touch writes its three values as they are, also where a replica's clock is behind another's, and nothing else.
pub async fn a_touch_writes_what_it_is_given(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let (touched, other) = (f.session(&ada), f.session(&ada));
    commit(
        store,
        [
            Change::InsertSession(touched.clone()),
            Change::InsertSession(other.clone()),
        ],
    )
    .await;
    let ahead = f.now() + DAY;
    let behind = EPOCH - DAY;
    for (at, ip) in [
        (ahead, Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]))),
        (behind, None),
    ] {
        commit(
            store,
            Change::TouchSession {
                id: touched.id,
                last_seen_at: at,
                idle_expires_at: at + DAY,
                ip,
            },
        )
        .await;
        let expected = Session {
            last_seen_at: at,
            idle_expires_at: at + DAY,
            ip,
            ..touched.clone()
        };
        assert_eq!(session(store, touched.id).await, expected);
    }
    assert_eq!(session(store, other.id).await, other);
}

/// A request that was under way when its session ended does not revive it.
pub async fn a_touch_never_brings_a_session_back(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let written = f.session(&ada);
    let touch = Change::TouchSession {
        id: written.id,
        last_seen_at: f.now(),
        idle_expires_at: f.now() + DAY,
        ip: None,
    };
    refused(store, touch.clone(), 0, GuardReason::NotFound).await;
    let found = store.session(written.id).await.expect("no error");
    assert_eq!(found, None);
    commit(store, Change::InsertSession(written.clone())).await;
    commit(store, revoke(&written, f.now())).await;
    let before = session(store, written.id).await;
    refused(store, touch, 0, GuardReason::SessionRevoked).await;
    assert_eq!(session(store, written.id).await, before);
}

/// A new authentication writes token, methods and instant, and nothing else.
pub async fn a_reauthentication_replaces_token_and_methods(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let amr = two_methods(&f);
    for (written, token) in [
        (f.session(&ada), Some(f.token())),
        (f.bearer_session(&ada), None),
    ] {
        commit(store, Change::InsertSession(written.clone())).await;
        let at = f.now();
        commit(
            store,
            Change::ReauthenticateSession {
                id: written.id,
                expected: written.token,
                token,
                amr: amr.clone(),
                at,
            },
        )
        .await;
        let expected = Session {
            token,
            amr: amr.clone(),
            authenticated_at: at,
            ..written
        };
        assert_eq!(session(store, expected.id).await, expected);
    }
}

/// Of two requests that replace one token, the second finds that it is not there any more.
pub async fn a_reauthentication_needs_the_token_that_was_read(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let (cookie, bearer) = (f.session(&ada), f.bearer_session(&ada));
    let reauthenticate = |id, expected| Change::ReauthenticateSession {
        id,
        expected,
        token: Some(f.token()),
        amr: proved(AuthenticationMethod::Email, f.now()),
        at: f.now(),
    };
    let unknown = reauthenticate(cookie.id, cookie.token);
    refused(store, unknown, 0, GuardReason::NotFound).await;
    for written in [&cookie, &bearer] {
        commit(store, Change::InsertSession(written.clone())).await;
        let wrong = match written.token {
            Some(_) => [None, Some(f.token())],
            None => [Some(f.token()), cookie.token],
        };
        for expected in wrong {
            let change = reauthenticate(written.id, expected);
            refused(store, change, 0, GuardReason::VersionMismatch).await;
        }
        assert_eq!(session(store, written.id).await, *written);
        commit(store, revoke(written, f.now())).await;
        let before = session(store, written.id).await;
        let change = reauthenticate(written.id, written.token);
        refused(store, change, 0, GuardReason::SessionRevoked).await;
        assert_eq!(session(store, written.id).await, before);
    }
}

/// The list has the user's sessions that can be used at the instant that is asked for, to the millisecond.
pub async fn only_live_sessions_are_listed(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = (new_user(store, &f).await, new_user(store, &f).await);
    let now = EPOCH + DAY;
    let moment = Duration::from_millis(1);
    let ends = |expires_at, idle_expires_at| Session {
        expires_at,
        idle_expires_at,
        ..f.session(&ada)
    };
    let far = now + DAY;
    let live = [
        ends(far, far),
        ends(now + moment, far),
        ends(far, now + moment),
    ];
    let over = [ends(now, far), ends(far, now), ends(now - moment, far)];
    let revoked = f.session(&ada);
    let other = f.session(&ben);
    let all = live.iter().chain(&over).chain([&revoked, &other]);
    commit(
        store,
        all.cloned().map(Change::InsertSession).collect::<Vec<_>>(),
    )
    .await;
    commit(store, revoke(&revoked, now)).await;
    let page = store
        .live_sessions(ada.id, now, FIRST_PAGE)
        .await
        .expect("the query has to succeed");
    let newest_first: Vec<_> = live.into_iter().rev().collect();
    assert_eq!(page.data, newest_first);
    assert_eq!(page.next, None);
    // A session that is over now was live before.
    let earlier = all_sessions(store, ada.id, now - moment - moment).await;
    assert_eq!(earlier.len(), 6);
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

/// Both first factors, at different instants.
fn two_methods(f: &Fixtures) -> Vec<Authentication> {
    let mut amr = proved(AuthenticationMethod::Email, f.now());
    amr.extend(proved(AuthenticationMethod::Password, f.now() + DAY));
    amr
}
