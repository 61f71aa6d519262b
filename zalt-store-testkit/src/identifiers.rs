//! Identifiers: whom they lead to, and who may have which.

use zalt_core::identifier::{Identifier, IdentifierKey, IdentifierKind, IdentifierValue};
use zalt_core::store::{Change, GuardReason};
use zalt_core::user::{User, UserStatus};

use crate::SharedStore;
use crate::assertions::{account, commit, owner, refused, two_users};
use crate::fixtures::Fixtures;

/// Every field of an identifier comes back as it was written, the oldest first.
pub async fn an_identifier_is_read_back_whole(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let written = vec![
        Identifier {
            primary: true,
            version: 7,
            ..f.identifier(&ada, "Ada.Lovelace@BÜCHER.example", true)
        },
        // No country has such numbers any more: what was accepted once stays readable.
        f.identifier(&ada, "+4419000000000", false),
        f.identifier(&ada, "Ada_L", true),
        f.identifier(&ada, "ada@example.com", false),
    ];
    commit(store, Change::InsertUser(ada.clone())).await;
    // Not in the order of their age.
    for identifier in [&written[2], &written[0], &written[3], &written[1]] {
        commit(store, Change::InsertIdentifier(identifier.clone())).await;
    }
    assert_eq!(account(store, ada.id).await.identifiers, written);
    let found = owner(store, &written[0].value).await;
    assert_eq!(found, Some(account(store, ada.id).await));
}

/// Spellings that a person would take for the same lead to the same account.
pub async fn one_is_found_however_it_was_written(store: &SharedStore) {
    let f = Fixtures::new();
    for (written, typed) in [
        ("Ada@Example.COM", "aDA@eXAMPLE.com"),
        ("JÜRGEN@bücher.example", "jürgen@BÜCHER.example"),
        ("ju\u{308}lia@example.com", "JÜLIA@example.com"),
        ("eve@xn--bcher-kva.example", "eve@bücher.example"),
        ("用户@例子.广告", "用户@例子.广告"),
        ("Ada_L", "ADA_l"),
        ("+43 1 588-58", "+43158858"),
    ] {
        let user = f.user();
        let identifier = f.identifier(&user, written, true);
        commit(
            store,
            [
                Change::InsertUser(user.clone()),
                Change::InsertIdentifier(identifier.clone()),
            ],
        )
        .await;
        let found = owner(store, &value(typed)).await;
        let found = found.unwrap_or_else(|| panic!("{typed:?} has to lead to {written:?}"));
        assert_eq!(found.user.id, user.id);
        assert_eq!(found.identifiers, [identifier]);
    }
    for typed in [
        "ada@example.co",
        "ada@example.comm",
        "jurgen@bücher.example",
        "%@example.com",
        "ada-l",
    ] {
        assert_eq!(owner(store, &value(typed)).await, None, "{typed:?}");
    }
}

/// An identifier that nobody has proved to hold leads to nobody.
pub async fn an_unverified_one_leads_nowhere(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let identifier = f.identifier(&ada, "ada@example.com", false);
    commit(
        store,
        [
            Change::InsertUser(ada),
            Change::InsertIdentifier(identifier.clone()),
        ],
    )
    .await;
    assert_eq!(owner(store, &identifier.value).await, None);
    let verified = Identifier {
        verified_at: Some(f.now()),
        ..identifier
    };
    commit(store, Change::UpdateIdentifier(verified.clone())).await;
    let found = owner(store, &verified.value).await;
    assert_eq!(found.map(|account| account.user.id), Some(verified.user_id));
}

/// Suspended and deleted users are found; what to make of them is for the caller to say.
pub async fn one_leads_to_its_user_whatever_the_status(store: &SharedStore) {
    let f = Fixtures::new();
    for (status, text) in [
        (UserStatus::Suspended { at: f.now() }, "ada@example.com"),
        (UserStatus::Deleted { at: f.now() }, "ben@example.com"),
    ] {
        let user = User { status, ..f.user() };
        let identifier = f.identifier(&user, text, true);
        commit(
            store,
            [
                Change::InsertUser(user.clone()),
                Change::InsertIdentifier(identifier),
            ],
        )
        .await;
        let found = owner(store, &value(text)).await;
        assert_eq!(found.map(|account| account.user), Some(user));
    }
}

/// The same text as another kind of identifier is another identifier.
pub async fn kinds_do_not_mix(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let identifier = f.identifier(&ada, "ada_l", true);
    commit(
        store,
        [
            Change::InsertUser(ada),
            Change::InsertIdentifier(identifier),
        ],
    )
    .await;
    for (kind, found) in [
        (IdentifierKind::EmailAddress, false),
        (IdentifierKind::PhoneNumber, false),
        (IdentifierKind::Username, true),
    ] {
        let key = IdentifierKey {
            kind,
            key: "ada_l".to_owned(),
        };
        let account = store.account_by_identifier(&key).await.expect("no error");
        assert_eq!(account.is_some(), found, "{kind:?}");
    }
}

/// No identifier without its user.
pub async fn an_insert_needs_its_user(store: &SharedStore) {
    let f = Fixtures::new();
    let identifier = f.identifier(&f.user(), "ada@example.com", true);
    let insert = Change::InsertIdentifier(identifier.clone());
    refused(store, insert, 0, GuardReason::NotFound).await;
    assert_eq!(owner(store, &identifier.value).await, None);
}

/// An identifier is inserted once.
pub async fn inserting_an_existing_id_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let first = f.identifier(&ada, "ada@example.com", true);
    let second = Identifier {
        id: first.id,
        ..f.identifier(&ada, "lovelace@example.com", true)
    };
    commit(
        store,
        [
            Change::InsertUser(ada.clone()),
            Change::InsertIdentifier(first.clone()),
        ],
    )
    .await;
    refused(
        store,
        Change::InsertIdentifier(second),
        0,
        GuardReason::AlreadyExists,
    )
    .await;
    assert_eq!(account(store, ada.id).await.identifiers, [first]);
}

/// An update writes the instant of verification, whether it is primary, and the version plus one.
pub async fn an_update_writes_and_counts_the_version(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let written = f.identifier(&ada, "ada@example.com", false);
    commit(
        store,
        [
            Change::InsertUser(ada.clone()),
            Change::InsertIdentifier(written.clone()),
        ],
    )
    .await;
    let changed = Identifier {
        verified_at: Some(f.now()),
        primary: true,
        ..written.clone()
    };
    commit(store, Change::UpdateIdentifier(changed.clone())).await;
    let second = Identifier {
        version: 2,
        ..changed
    };
    assert_eq!(account(store, ada.id).await.identifiers, [second]);
    let back = Identifier {
        version: 2,
        ..written.clone()
    };
    commit(store, Change::UpdateIdentifier(back)).await;
    let third = Identifier {
        version: 3,
        ..written
    };
    assert_eq!(account(store, ada.id).await.identifiers, [third]);
}

/// An update can't hand an identifier to another user or make another address of it.
pub async fn an_update_keeps_user_and_value(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, mallory) = two_users(store, &f).await;
    let written = f.identifier(&ada, "ada@example.com", true);
    commit(store, Change::InsertIdentifier(written.clone())).await;
    let moved = Identifier {
        user_id: mallory.id,
        value: value("mallory@example.com"),
        ..written.clone()
    };
    commit(store, Change::UpdateIdentifier(moved)).await;
    let kept = Identifier {
        version: 2,
        ..written.clone()
    };
    assert_eq!(account(store, ada.id).await.identifiers, [kept]);
    assert_eq!(account(store, mallory.id).await.identifiers, []);
    assert_eq!(owner(store, &value("mallory@example.com")).await, None);
    let found = owner(store, &written.value).await;
    assert_eq!(found.map(|account| account.user.id), Some(ada.id));
}

/// An update that names a version other than the stored one writes nothing.
pub async fn an_update_of_another_version_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let written = f.identifier(&ada, "ada@example.com", false);
    let update = |version| {
        Change::UpdateIdentifier(Identifier {
            verified_at: Some(f.now()),
            version,
            ..written.clone()
        })
    };
    commit(store, Change::InsertUser(ada.clone())).await;
    refused(store, update(1), 0, GuardReason::NotFound).await;
    commit(store, Change::InsertIdentifier(written.clone())).await;
    for version in [0, 2, u64::MAX] {
        refused(store, update(version), 0, GuardReason::VersionMismatch).await;
    }
    assert_eq!(owner(store, &written.value).await, None);
    assert_eq!(account(store, ada.id).await.identifiers, [written]);
}

/// An identifier that was written since it was read is not removed.
pub async fn a_delete_needs_the_version_that_was_read(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let written = f.identifier(&ada, "ada@example.com", true);
    let delete = |version| Change::DeleteIdentifier {
        id: written.id,
        version,
    };
    commit(store, Change::InsertUser(ada.clone())).await;
    refused(store, delete(1), 0, GuardReason::NotFound).await;
    commit(store, Change::InsertIdentifier(written.clone())).await;
    commit(store, Change::UpdateIdentifier(written.clone())).await;
    refused(store, delete(1), 0, GuardReason::VersionMismatch).await;
    assert_eq!(account(store, ada.id).await.identifiers.len(), 1);
    commit(store, delete(2)).await;
    refused(store, delete(2), 0, GuardReason::NotFound).await;
}

fn value(text: &str) -> IdentifierValue {
    IdentifierValue::parse(text).expect("fixtures use valid identifiers")
}
