//! Users: reading, writing, purging and listing them.

use serde_json::json;
use zalt_core::Timestamp;
use zalt_core::event::EventKind;
use zalt_core::id::{AttemptId, SessionId};
use zalt_core::session::RevokeReason;
use zalt_core::store::{Batch, Change, EventFilter, GuardReason, UserFilter};
use zalt_core::user::{ImageUrl, Metadata, Name, Profile, User, UserMetadata, UserStatus};

use crate::SharedStore;
use crate::assertions::{
    FIRST_PAGE, account, all_events, all_users, commit, refused, session, user,
};
use crate::fixtures::Fixtures;

/// Every field of a user comes back as it was written, in each query that returns one.
pub async fn a_user_is_read_back_whole(store: &SharedStore) {
    let f = Fixtures::new();
    let suspended = UserStatus::Suspended { at: f.now() };
    let deleted = UserStatus::Deleted { at: f.now() };
    for status in [UserStatus::Active, suspended, deleted] {
        let written = User {
            status,
            profile: Profile {
                first_name: Some(name("Ada")),
                last_name: Some(name("King, Countess of Lovelace")),
                image_url: Some(
                    ImageUrl::parse("https://example.com/ada.png?size=2&x=%20").expect("valid"),
                ),
            },
            metadata: UserMetadata {
                public: metadata(json!({ "plan": "pro" })),
                private: metadata(json!({ "crm": { "id": 17 } })),
                unsafe_: metadata(json!({ "theme": ["dark", null, true, 0.5] })),
            },
            session_epoch: 3,
            last_sign_in_at: Some(f.now()),
            updated_at: f.now(),
            frozen_at: Some(f.now()),
            recovered_at: Some(f.now()),
            version: 9,
            ..f.user()
        };
        commit(store, Change::InsertUser(written.clone())).await;
        assert_eq!(user(store, written.id).await, written);
        let read = account(store, written.id).await;
        assert_eq!(read.user, written);
        assert_eq!(read.identifiers, []);
        assert_eq!(read.password, None);
        let listed = store
            .users(&UserFilter::default(), FIRST_PAGE)
            .await
            .expect("the query has to succeed");
        assert_eq!(listed.data.first(), Some(&written));
    }
}

/// Absence is `None` or empty, never an error.
pub async fn what_does_not_exist_is_none(store: &SharedStore) {
    let f = Fixtures::new();
    let nobody = f.user();
    let key = f.identifier(&nobody, "ada@example.com", true).value.key();
    assert_eq!(store.user(nobody.id).await.expect("no error"), None);
    assert_eq!(store.account(nobody.id).await.expect("no error"), None);
    let owner = store.account_by_identifier(&key).await.expect("no error");
    assert_eq!(owner, None);
    let id = SessionId::from_bytes(f.bytes());
    assert_eq!(store.session(id).await.expect("no error"), None);
    assert_eq!(store.session_with_user(id).await.expect("no error"), None);
    let id = AttemptId::from_bytes(f.bytes());
    assert_eq!(store.attempt(id).await.expect("no error"), None);
    let live = store.live_sessions(nobody.id, f.now(), FIRST_PAGE).await;
    assert_eq!(live.expect("no error").data, []);
    assert_eq!(all_events(store, &EventFilter::default()).await, []);
    assert_eq!(all_users(store, &UserFilter::default()).await, []);
    let due = store.due_messages(f.now(), 10).await.expect("no error");
    assert_eq!(due, []);
    assert_eq!(store.next_message_due().await.expect("no error"), None);
    assert_eq!(store.signing_keys().await.expect("no error"), []);
    assert_eq!(store.connections().await.expect("no error"), []);
    store.ready().await.expect("an empty store is ready");
}

/// A user is inserted once.
pub async fn inserting_an_existing_id_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    commit(store, Change::InsertUser(ada.clone())).await;
    let other = User {
        created_at: f.now(),
        version: 5,
        ..ada.clone()
    };
    refused(
        store,
        Change::InsertUser(other),
        0,
        GuardReason::AlreadyExists,
    )
    .await;
    assert_eq!(user(store, ada.id).await, ada);
}

/// An update writes every field that it may, and the version plus one.
pub async fn an_update_writes_and_counts_the_version(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    commit(store, Change::InsertUser(ada.clone())).await;
    let changed = User {
        status: UserStatus::Suspended { at: f.now() },
        profile: Profile {
            first_name: Some(name("Ada")),
            ..Profile::default()
        },
        metadata: UserMetadata {
            public: metadata(json!({ "a": 1 })),
            private: metadata(json!({ "b": 2 })),
            unsafe_: metadata(json!({ "c": 3 })),
        },
        updated_at: f.now(),
        ..ada.clone()
    };
    commit(store, Change::UpdateUser(changed.clone())).await;
    let second = User {
        version: 2,
        ..changed.clone()
    };
    assert_eq!(user(store, ada.id).await, second);

    // And back again: what is absent now is gone.
    let emptied = User { version: 2, ..ada };
    commit(store, Change::UpdateUser(emptied.clone())).await;
    let third = User {
        version: 3,
        ..emptied
    };
    assert_eq!(user(store, third.id).await, third);
}

/// An update that names a version other than the stored one, older or newer, writes nothing.
pub async fn an_update_of_another_version_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    refused(
        store,
        Change::UpdateUser(ada.clone()),
        0,
        GuardReason::NotFound,
    )
    .await;
    commit(store, Change::InsertUser(ada.clone())).await;
    commit(store, Change::UpdateUser(ada.clone())).await;
    let before = user(store, ada.id).await;
    for version in [0, 1, 3, u64::MAX] {
        let stale = User {
            status: UserStatus::Suspended { at: f.now() },
            version,
            ..ada.clone()
        };
        refused(
            store,
            Change::UpdateUser(stale),
            0,
            GuardReason::VersionMismatch,
        )
        .await;
    }
    assert_eq!(user(store, ada.id).await, before);
}

/// An update that was decided before all sessions were ended, or before a sign-in, turns neither back.
pub async fn an_update_keeps_epoch_and_last_sign_in(store: &SharedStore) {
    let f = Fixtures::new();
    let read = f.user();
    commit(store, Change::InsertUser(read.clone())).await;
    let signed_in = f.session(&read);
    commit(store, Change::InsertSession(signed_in.clone())).await;
    commit(
        store,
        Change::RevokeUserSessions {
            user_id: read.id,
            except: None,
            at: f.now(),
            reason: RevokeReason::RevokedByAdmin,
        },
    )
    .await;
    commit(store, Change::UpdateUser(read.clone())).await;
    let after = user(store, read.id).await;
    assert_eq!(after.session_epoch, 1);
    assert_eq!(after.last_sign_in_at, Some(signed_in.created_at));
    assert_eq!(after.version, 2);
}

/// A purge takes the user, its identifiers, password and sessions with it, of this user only, and leaves every event.
pub async fn a_purge_removes_everything_but_events(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = (f.user(), f.user());
    let mut session_ids = Vec::new();
    for (user, address) in [(&ada, "ada@example.com"), (&ben, "ben@example.com")] {
        let (cookie, bearer) = (f.session(user), f.bearer_session(user));
        session_ids.push((cookie.id, bearer.id));
        commit(
            store,
            Batch::new()
                .change(Change::InsertUser(user.clone()))
                .change(Change::InsertIdentifier(f.identifier(user, address, true)))
                .change(Change::InsertIdentifier(f.identifier(
                    user,
                    "shared@example.com",
                    false,
                )))
                .change(Change::InsertPassword(f.password(user)))
                .change(Change::InsertCredential(f.credential(user)))
                .change(Change::InsertSession(cookie))
                .change(Change::InsertSession(bearer))
                .event(f.event(Some(user.id), EventKind::UserCreated)),
        )
        .await;
    }
    let events = all_events(store, &EventFilter::default()).await;
    let ben_before = account(store, ben.id).await;
    commit(
        store,
        Change::PurgeUser {
            id: ada.id,
            version: 1,
        },
    )
    .await;

    assert_eq!(store.user(ada.id).await.expect("no error"), None);
    assert_eq!(store.account(ada.id).await.expect("no error"), None);
    for id in [session_ids[0].0, session_ids[0].1] {
        assert_eq!(store.session(id).await.expect("no error"), None);
        assert_eq!(store.session_with_user(id).await.expect("no error"), None);
    }
    let live = store.live_sessions(ada.id, f.now(), FIRST_PAGE).await;
    assert_eq!(live.expect("no error").data, []);
    assert_eq!(all_users(store, &prefix("ada")).await, []);
    assert_eq!(all_users(store, &prefix("shared")).await, [ben.id]);
    assert_eq!(all_events(store, &EventFilter::default()).await, events);
    assert_eq!(account(store, ben.id).await, ben_before);
    session(store, session_ids[1].0).await;
    session(store, session_ids[1].1).await;

    // Nothing of the old row is left that a user of the same id would come upon.
    commit(store, Change::InsertUser(ada.clone())).await;
    let again = account(store, ada.id).await;
    assert_eq!(again.identifiers, []);
    assert_eq!(again.password, None);
}

/// A user that was written since it was read is not purged.
pub async fn a_purge_needs_the_version_that_was_read(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let purge = |version| Change::PurgeUser {
        id: ada.id,
        version,
    };
    refused(store, purge(1), 0, GuardReason::NotFound).await;
    commit(store, Change::InsertUser(ada.clone())).await;
    commit(store, Change::UpdateUser(ada.clone())).await;
    refused(store, purge(1), 0, GuardReason::VersionMismatch).await;
    refused(store, purge(3), 0, GuardReason::VersionMismatch).await;
    commit(store, purge(2)).await;
    refused(store, purge(2), 0, GuardReason::NotFound).await;
}

/// Names and metadata hold any script, characters beyond the basic plane, NUL where the type allows it, quotes that
/// would end a badly made statement, and as much text as the types let through.
pub async fn text_of_any_kind_survives(store: &SharedStore) {
    let f = Fixtures::new();
    let texts = [
        "Zoë",
        "Zoe\u{308}",
        "Ἀριστοτέλης",
        "محمد",
        "鈴木\u{3000}一郎",
        "\u{1f469}\u{200d}\u{1f680} \u{10ffff}",
        "O'Brien\"; DROP TABLE users; --",
        "100% _\\ %s ? $1 :x",
        &"\u{1d573}".repeat(100),
    ];
    for text in texts {
        let written = User {
            profile: Profile {
                first_name: Some(name(text)),
                ..Profile::default()
            },
            metadata: UserMetadata {
                public: metadata(json!({ text: text })),
                ..UserMetadata::default()
            },
            ..f.user()
        };
        commit(store, Change::InsertUser(written.clone())).await;
        assert_eq!(user(store, written.id).await, written, "{text:?}");
    }
    let written = User {
        metadata: UserMetadata {
            public: metadata(json!({ "nul": "a\u{0}b", "\u{0}": 1, "line": "\r\n\u{2028}\u{85}" })),
            private: metadata(json!({ "long": "\u{1f511}".repeat(2000) })),
            unsafe_: metadata(json!({
                "numbers": [0, -1, u64::MAX, i64::MIN, 0.5, 1e300],
                "nested": [[[[{ "": {} }]]]],
            })),
        },
        ..f.user()
    };
    commit(store, Change::InsertUser(written.clone())).await;
    assert_eq!(user(store, written.id).await, written);
}

/// The first and last instants that a timestamp can hold, and counts beyond 32 bits, come back as they were.
pub async fn instants_and_counts_at_their_extremes_survive(store: &SharedStore) {
    let f = Fixtures::new();
    let first = Timestamp::from_unix_millis(0);
    let last = Timestamp::from_unix_millis(i64::MAX);
    for (at, count) in [(first, 0), (last, u64::from(u32::MAX) * 1000)] {
        let written = User {
            status: UserStatus::Deleted { at },
            last_sign_in_at: Some(at),
            created_at: at,
            updated_at: at,
            frozen_at: Some(at),
            recovered_at: Some(at),
            session_epoch: count,
            version: count,
            ..f.user()
        };
        commit(store, Change::InsertUser(written.clone())).await;
        assert_eq!(user(store, written.id).await, written);
        commit(store, Change::UpdateUser(written.clone())).await;
        assert_eq!(user(store, written.id).await.version, count + 1);
    }
}

fn prefix(text: &str) -> UserFilter {
    UserFilter {
        identifier_prefix: Some(text.to_owned()),
        ..UserFilter::default()
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("fixtures use valid names")
}

fn metadata(value: serde_json::Value) -> Metadata {
    Metadata::new(value).expect("fixtures use valid metadata")
}
