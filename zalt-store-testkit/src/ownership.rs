//! Ownership: who may have which identifier, and when it is free again.

use zalt_core::identifier::Identifier;
use zalt_core::store::{Change, GuardReason};
use zalt_core::user::{User, UserStatus};

use crate::SharedStore;
use crate::assertions::{account, commit, owner, refused, two_users};
use crate::fixtures::Fixtures;

/// A user can't add the same address twice, verified or not, however it is written.
pub async fn a_user_has_a_key_only_once(store: &SharedStore) {
    let f = Fixtures::new();
    for (text, again, first_verified) in [
        ("ada@example.com", "ADA@EXAMPLE.COM", true),
        ("jürgen@example.com", "JÜRGEN@example.com", false),
    ] {
        let user = f.user();
        let first = f.identifier(&user, text, first_verified);
        commit(
            store,
            [
                Change::InsertUser(user.clone()),
                Change::InsertIdentifier(first.clone()),
            ],
        )
        .await;
        for verified in [true, false] {
            let second = f.identifier(&user, again, verified);
            refused(
                store,
                Change::InsertIdentifier(second),
                0,
                GuardReason::IdentifierTaken,
            )
            .await;
        }
        assert_eq!(account(store, user.id).await.identifiers, [first]);
    }
}

/// An address that nobody has verified can be added by anybody, also where somebody else owns it.
pub async fn any_number_may_add_what_nobody_owns(store: &SharedStore) {
    let f = Fixtures::new();
    for _ in 0..3 {
        let user = f.user();
        let identifier = f.identifier(&user, "ada@example.com", false);
        commit(
            store,
            [
                Change::InsertUser(user),
                Change::InsertIdentifier(identifier),
            ],
        )
        .await;
    }
    let (ada, mallory) = two_users(store, &f).await;
    let owned = f.identifier(&ada, "ada@example.com", true);
    commit(store, Change::InsertIdentifier(owned.clone())).await;
    let squatted = f.identifier(&mallory, "Ada@example.com", false);
    commit(store, Change::InsertIdentifier(squatted.clone())).await;
    let found = owner(store, &owned.value).await;
    assert_eq!(found.map(|account| account.user.id), Some(ada.id));
    assert_eq!(account(store, mallory.id).await.identifiers, [squatted]);
}

/// Nobody else can add an address verified that is owned.
pub async fn a_verified_key_has_one_owner(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, mallory) = two_users(store, &f).await;
    for (text, again) in [
        ("ada@example.com", "ADA@EXAMPLE.COM"),
        ("jürgen@example.com", "JU\u{308}RGEN@example.com"),
        ("Ada_L", "ada_l"),
        ("+43158858", "+43 158858"),
    ] {
        let first = f.identifier(&ada, text, true);
        commit(store, Change::InsertIdentifier(first.clone())).await;
        let second = f.identifier(&mallory, again, true);
        refused(
            store,
            Change::InsertIdentifier(second),
            0,
            GuardReason::IdentifierTaken,
        )
        .await;
        let found = owner(store, &first.value).await;
        assert_eq!(found.map(|account| account.user.id), Some(ada.id));
    }
    assert_eq!(account(store, mallory.id).await.identifiers, []);
}

/// An address that was added unverified can't become verified once somebody else owns it.
pub async fn verifying_what_another_owns_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = two_users(store, &f).await;
    let of_ada = f.identifier(&ada, "shared@example.com", false);
    let of_ben = f.identifier(&ben, "Shared@example.com", false);
    commit(
        store,
        [
            Change::InsertIdentifier(of_ada.clone()),
            Change::InsertIdentifier(of_ben.clone()),
        ],
    )
    .await;
    let verified = |identifier: &Identifier| Identifier {
        verified_at: Some(f.now()),
        ..identifier.clone()
    };
    commit(store, Change::UpdateIdentifier(verified(&of_ben))).await;
    refused(
        store,
        Change::UpdateIdentifier(verified(&of_ada)),
        0,
        GuardReason::IdentifierTaken,
    )
    .await;
    let found = owner(store, &of_ada.value).await;
    assert_eq!(found.map(|account| account.user.id), Some(ben.id));
    assert_eq!(account(store, ada.id).await.identifiers, [of_ada]);

    // The owner's own row is no obstacle to the owner.
    let again = Identifier {
        primary: true,
        version: 2,
        ..verified(&of_ben)
    };
    commit(store, Change::UpdateIdentifier(again)).await;
}

/// Once an owner no longer holds an address, somebody else may.
pub async fn unverifying_frees_the_key(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = two_users(store, &f).await;
    let first = f.identifier(&ada, "shared@example.com", true);
    commit(store, Change::InsertIdentifier(first.clone())).await;
    let second = f.identifier(&ben, "shared@example.com", true);
    let unverified = Identifier {
        verified_at: None,
        ..first
    };
    commit(
        store,
        [
            Change::UpdateIdentifier(unverified),
            Change::InsertIdentifier(second.clone()),
        ],
    )
    .await;
    let found = owner(store, &second.value).await;
    assert_eq!(found.map(|account| account.user.id), Some(ben.id));
}

/// A removed address is gone and may be added again, by its user or another.
pub async fn deleting_frees_the_key(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = two_users(store, &f).await;
    let first = f.identifier(&ada, "shared@example.com", true);
    commit(store, Change::InsertIdentifier(first.clone())).await;
    commit(
        store,
        Change::DeleteIdentifier {
            id: first.id,
            version: 1,
        },
    )
    .await;
    assert_eq!(owner(store, &first.value).await, None);
    assert_eq!(account(store, ada.id).await.identifiers, []);
    let again = f.identifier(&ada, "shared@example.com", false);
    let second = f.identifier(&ben, "shared@example.com", true);
    commit(
        store,
        [
            Change::InsertIdentifier(again),
            Change::InsertIdentifier(second.clone()),
        ],
    )
    .await;
    let found = owner(store, &second.value).await;
    assert_eq!(found.map(|account| account.user.id), Some(ben.id));
}

/// A deletion can be undone, so nobody else gets the address meanwhile.
pub async fn a_deleted_user_keeps_its_identifiers(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, mallory) = two_users(store, &f).await;
    let owned = f.identifier(&ada, "ada@example.com", true);
    commit(store, Change::InsertIdentifier(owned.clone())).await;
    let deleted = User {
        status: UserStatus::Deleted { at: f.now() },
        ..ada.clone()
    };
    commit(store, Change::UpdateUser(deleted)).await;
    let taken = f.identifier(&mallory, "ada@example.com", true);
    refused(
        store,
        Change::InsertIdentifier(taken),
        0,
        GuardReason::IdentifierTaken,
    )
    .await;
    assert_eq!(account(store, ada.id).await.identifiers, [owned]);
}

/// Once an account is purged, its address is anybody's, also later in the same batch.
pub async fn a_purged_user_frees_its_identifiers(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = two_users(store, &f).await;
    let first = f.identifier(&ada, "shared@example.com", true);
    commit(store, Change::InsertIdentifier(first)).await;
    let second = f.identifier(&ben, "shared@example.com", true);
    commit(
        store,
        [
            Change::PurgeUser {
                id: ada.id,
                version: 1,
            },
            Change::InsertIdentifier(second.clone()),
        ],
    )
    .await;
    let found = owner(store, &second.value).await;
    assert_eq!(found.map(|account| account.user.id), Some(ben.id));
}
