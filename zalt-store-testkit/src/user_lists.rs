//! Lists of users, narrowed by status, deletion and identifier.

use std::time::Duration;

use zalt_core::Timestamp;
use zalt_core::id::UserId;
use zalt_core::store::{Change, UserFilter};
use zalt_core::user::{User, UserStatus};

use crate::SharedStore;
use crate::assertions::{all_users, commit, user};
use crate::fixtures::Fixtures;

/// `active` tells the active users from all others.
pub async fn a_list_is_filtered_by_status(store: &SharedStore) {
    let f = Fixtures::new();
    let [active, suspended, deleted] = with_each_status(store, &f).await;
    let active_is = |active| UserFilter {
        active,
        ..UserFilter::default()
    };
    assert_eq!(
        all_users(store, &active_is(None)).await,
        [deleted, suspended, active]
    );
    assert_eq!(all_users(store, &active_is(Some(true))).await, [active]);
    assert_eq!(
        all_users(store, &active_is(Some(false))).await,
        [deleted, suspended]
    );
}

/// `deleted_before` holds deleted users only, and only those from strictly before.
pub async fn a_list_is_filtered_by_deletion(store: &SharedStore) {
    let f = Fixtures::new();
    let [_, _, deleted] = with_each_status(store, &f).await;
    let UserStatus::Deleted { at } = user(store, deleted).await.status else {
        panic!("the fixture is deleted");
    };
    let before = |at| UserFilter {
        deleted_before: Some(at),
        ..UserFilter::default()
    };
    let moment = Duration::from_millis(1);
    assert_eq!(all_users(store, &before(at)).await, []);
    assert_eq!(all_users(store, &before(at + moment)).await, [deleted]);
    let end = Timestamp::from_unix_millis(i64::MAX);
    assert_eq!(all_users(store, &before(end)).await, [deleted]);
}

/// A prefix is looked for in identifiers of every kind, verified or not, and a user is listed once however many match.
pub async fn a_list_is_filtered_by_identifier_prefix(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben, cleo) = (f.user(), f.user(), f.user());
    let mut changes = Vec::new();
    for (user, text, verified) in [
        (&ada, "ada@example.com", true),
        (&ada, "ada.lovelace@example.com", false),
        (&ada, "ada-l", true),
        (&ben, "ben@example.com", false),
        (&ben, "adamant@example.com", false),
        (&cleo, "+43158858", true),
    ] {
        let identifier = f.identifier(user, text, verified);
        changes.push(Change::InsertIdentifier(identifier));
    }
    let users = [&ada, &ben, &cleo].map(|user| Change::InsertUser(user.clone()));
    commit(store, [Vec::from(users), changes].concat()).await;
    assert_eq!(all_users(store, &prefix("ada")).await, [ben.id, ada.id]);
    assert_eq!(all_users(store, &prefix("ada@")).await, [ada.id]);
    assert_eq!(all_users(store, &prefix("ada-")).await, [ada.id]);
    assert_eq!(all_users(store, &prefix("+4315")).await, [cleo.id]);
    assert_eq!(all_users(store, &prefix("da")).await, []);
    assert_eq!(all_users(store, &prefix("ada@example.com.")).await, []);
}

/// A prefix has no wildcards, and capitals of any script mean the same as small letters.
pub async fn a_prefix_is_literal_and_without_case(store: &SharedStore) {
    let f = Fixtures::new();
    let texts = [
        "a_b@example.com",
        "axb@example.com",
        "a%b@example.com",
        "a*b@example.com",
        "JÜRGEN@example.com",
        "ödön@example.com",
        "Straße@example.com",
    ];
    let mut ids = Vec::new();
    for text in texts {
        let user = f.user();
        ids.push(user.id);
        let identifier = f.identifier(&user, text, true);
        commit(
            store,
            [
                Change::InsertUser(user),
                Change::InsertIdentifier(identifier),
            ],
        )
        .await;
    }
    for (text, found) in [
        ("a_", vec![0]),
        ("A_B@EX", vec![0]),
        ("a%", vec![2]),
        ("a*", vec![3]),
        ("%", vec![]),
        ("_", vec![]),
        ("a\\", vec![]),
        ("a'", vec![]),
        ("jürgen", vec![4]),
        ("JÜR", vec![4]),
        ("ÖDÖN@", vec![5]),
        ("straße", vec![6]),
        ("a", vec![3, 2, 1, 0]),
    ] {
        let expected: Vec<_> = found.into_iter().map(|index: usize| ids[index]).collect();
        assert_eq!(all_users(store, &prefix(text)).await, expected, "{text:?}");
    }
}

/// Several filters hold at once.
pub async fn filters_narrow_each_other(store: &SharedStore) {
    let f = Fixtures::new();
    let [active, suspended, deleted] = with_each_status(store, &f).await;
    for (index, id) in [active, suspended, deleted].into_iter().enumerate() {
        let owner = user(store, id).await;
        let identifier = f.identifier(&owner, &format!("ada{index}@example.com"), true);
        commit(store, Change::InsertIdentifier(identifier)).await;
    }
    let filter = UserFilter {
        active: Some(false),
        ..prefix("ada1")
    };
    assert_eq!(all_users(store, &filter).await, [suspended]);
    let filter = UserFilter {
        active: Some(true),
        deleted_before: Some(Timestamp::from_unix_millis(i64::MAX)),
        ..prefix("ada")
    };
    assert_eq!(all_users(store, &filter).await, []);
    let filter = UserFilter {
        active: Some(false),
        deleted_before: Some(Timestamp::from_unix_millis(i64::MAX)),
        ..prefix("ada")
    };
    assert_eq!(all_users(store, &filter).await, [deleted]);
}

async fn with_each_status(store: &SharedStore, f: &Fixtures) -> [UserId; 3] {
    let active = f.user();
    let suspended = User {
        status: UserStatus::Suspended { at: f.now() },
        ..f.user()
    };
    let deleted = User {
        status: UserStatus::Deleted { at: f.now() },
        ..f.user()
    };
    let users = [active, suspended, deleted];
    let ids = users.each_ref().map(|user| user.id);
    commit(store, users.map(Change::InsertUser)).await;
    ids
}

fn prefix(text: &str) -> UserFilter {
    UserFilter {
        identifier_prefix: Some(text.to_owned()),
        ..UserFilter::default()
    }
}
