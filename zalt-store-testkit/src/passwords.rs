//! Passwords: at most one for each user, never written over by accident.

use zalt_core::store::{Change, GuardReason};
use zalt_core::user::PasswordCredential;

use crate::SharedStore;
use crate::assertions::{account, commit, refused};
use crate::fixtures::{Fixtures, phc};

/// Every field of a password comes back as it was written.
pub async fn a_password_is_read_back_whole(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = (f.user(), f.user());
    let written = PasswordCredential {
        version: 4,
        ..f.password(&ada)
    };
    commit(
        store,
        [
            Change::InsertUser(ada.clone()),
            Change::InsertUser(ben.clone()),
            Change::InsertPassword(written.clone()),
        ],
    )
    .await;
    assert_eq!(account(store, ada.id).await.password, Some(written));
    assert_eq!(account(store, ben.id).await.password, None);
}

/// A first password is given to a user that exists and has none.
pub async fn an_insert_needs_a_user_without_one(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let first = f.password(&ada);
    let insert = Change::InsertPassword(first.clone());
    refused(store, insert.clone(), 0, GuardReason::NotFound).await;
    commit(store, Change::InsertUser(ada.clone())).await;
    commit(store, insert).await;
    let second = PasswordCredential {
        phc: phc('B'),
        ..f.password(&ada)
    };
    refused(
        store,
        Change::InsertPassword(second),
        0,
        GuardReason::AlreadyExists,
    )
    .await;
    assert_eq!(account(store, ada.id).await.password, Some(first));
}

/// An update writes the hash, the instant and the version plus one.
pub async fn an_update_writes_and_counts_the_version(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let first = f.password(&ada);
    commit(
        store,
        [
            Change::InsertUser(ada.clone()),
            Change::InsertPassword(first.clone()),
        ],
    )
    .await;
    let changed = PasswordCredential {
        phc: phc('B'),
        set_at: f.now(),
        ..first
    };
    commit(store, Change::UpdatePassword(changed.clone())).await;
    let second = PasswordCredential {
        version: 2,
        ..changed
    };
    assert_eq!(account(store, ada.id).await.password, Some(second));
}

/// An update that names a version other than the stored one writes nothing.
pub async fn an_update_of_another_version_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let first = f.password(&ada);
    let update = |version| {
        Change::UpdatePassword(PasswordCredential {
            phc: phc('B'),
            version,
            ..first.clone()
        })
    };
    refused(store, update(1), 0, GuardReason::NotFound).await;
    commit(store, Change::InsertUser(ada.clone())).await;
    refused(store, update(1), 0, GuardReason::NotFound).await;
    commit(store, Change::InsertPassword(first.clone())).await;
    for version in [0, 2, u64::MAX] {
        refused(store, update(version), 0, GuardReason::VersionMismatch).await;
    }
    assert_eq!(account(store, ada.id).await.password, Some(first));
}
