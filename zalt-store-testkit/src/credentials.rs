//! Credentials beside the password: whose they are, by what they are found, and that each use of one is written once.

use zalt_core::connection::ExternalAccount;
use zalt_core::credential::{
    Credential, CredentialHandle, CredentialState, Messages, RecoveryCode, RecoveryCodes, Totp,
};
use zalt_core::id::IdentifierId;
use zalt_core::identifier::IdentifierKind;
use zalt_core::passkey::{Base64Url, Passkey};
use zalt_core::secret::{CodeDigest, Sealed};
use zalt_core::store::{Change, GuardReason};
use zalt_core::user::{Name, User, UserStatus};

use crate::SharedStore;
use crate::assertions::{account, commit, refused, two_users};
use crate::fixtures::Fixtures;

/// Every field of every kind comes back as it was written, oldest first.
pub async fn credentials_are_read_back_whole(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = two_users(store, &f).await;
    let used = RecoveryCode {
        digest: CodeDigest::from_bytes(f.bytes()),
        used_at: Some(f.now()),
    };
    let unused = RecoveryCode {
        digest: CodeDigest::from_bytes(f.bytes()),
        used_at: None,
    };
    let states = [
        CredentialState::Totp(Totp {
            secret: Sealed::from_bytes(f.bytes::<70>().to_vec()),
            confirmed_at: None,
            last_step: None,
        }),
        CredentialState::Totp(Totp {
            secret: Sealed::from_bytes(f.bytes::<70>().to_vec()),
            confirmed_at: Some(f.now()),
            last_step: Some(u64::MAX),
        }),
        CredentialState::RecoveryCodes(RecoveryCodes {
            codes: vec![used, unused],
        }),
        CredentialState::RecoveryCodes(RecoveryCodes { codes: vec![] }),
        CredentialState::Messages(Messages {
            identifier_id: IdentifierId::from_bytes(f.bytes()),
            identifier_kind: IdentifierKind::PhoneNumber,
        }),
        CredentialState::Passkey(Passkey {
            credential_id: Base64Url::new(vec![0xff; 1023]),
            public_key: Base64Url::new(f.bytes::<77>().to_vec()),
            counter: u32::MAX,
            user_verified: true,
            backup_eligible: true,
            backed_up: false,
            aaguid: Base64Url::new(f.bytes::<16>().to_vec()),
            transports: vec!["internal".to_owned(), "smart-card".to_owned()],
            attestation_format: "none".to_owned(),
        }),
        CredentialState::ExternalAccount(f.external_account()),
        CredentialState::ExternalAccount(ExternalAccount {
            email: None,
            username: None,
            name: None,
            picture: None,
            tokens: None,
            tokens_expire_at: None,
            refreshing_until: None,
            ..f.external_account()
        }),
    ];
    let names = [
        None,
        Some("Ada's phone"),
        Some("📱 né"),
        None,
        Some("Key"),
        None,
        None,
        None,
    ];
    assert_eq!(states.len(), names.len());
    let mut written = Vec::new();
    for (position, (state, name)) in states.into_iter().zip(names).enumerate() {
        let credential = Credential {
            handle: (position % 2 == 1).then(|| CredentialHandle::from_bytes(f.bytes())),
            name: name.map(|text| Name::parse(text).expect("fixtures use valid names")),
            state,
            last_used_at: (position > 1).then(|| f.now()),
            version: u64::try_from(position).expect("a few"),
            ..f.credential(&ada)
        };
        commit(store, Change::InsertCredential(credential.clone())).await;
        written.push(credential);
    }
    assert_eq!(account(store, ada.id).await.credentials, written);
    assert_eq!(account(store, ben.id).await.credentials, []);
}

/// A credential needs its user.
pub async fn an_insert_needs_its_user(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let insert = Change::InsertCredential(f.credential(&ada));
    refused(store, insert, 0, GuardReason::NotFound).await;
}

/// An id can be inserted once.
pub async fn inserting_an_existing_id_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = two_users(store, &f).await;
    let first = f.credential(&ada);
    commit(store, Change::InsertCredential(first.clone())).await;
    for user in [&ada, &ben] {
        let again = Credential {
            id: first.id,
            ..f.credential(user)
        };
        let insert = Change::InsertCredential(again);
        refused(store, insert, 0, GuardReason::AlreadyExists).await;
    }
    assert_eq!(account(store, ada.id).await.credentials, [first]);
}

/// No two credentials of anybody have the same handle, and none is free again while its credential is there.
pub async fn a_handle_is_taken_once(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = two_users(store, &f).await;
    let handle = Some(CredentialHandle::from_bytes(f.bytes()));
    let first = Credential {
        handle,
        ..f.credential(&ada)
    };
    commit(store, Change::InsertCredential(first.clone())).await;
    for user in [&ada, &ben] {
        let second = Credential {
            handle,
            ..f.credential(user)
        };
        let insert = Change::InsertCredential(second);
        refused(store, insert, 0, GuardReason::CredentialTaken).await;
    }
    // Ones without a handle don't stand in each other's way.
    commit(store, Change::InsertCredential(f.credential(&ben))).await;
    commit(store, Change::InsertCredential(f.credential(&ben))).await;
    let delete = Change::DeleteCredential {
        id: first.id,
        version: first.version,
    };
    commit(store, delete).await;
    let freed = Credential {
        handle,
        ..f.credential(&ben)
    };
    commit(store, Change::InsertCredential(freed)).await;
}

/// A handle leads to the account that has it, whatever the user's status, and to nobody once it is gone.
pub async fn a_handle_leads_to_its_account(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, _) = two_users(store, &f).await;
    let handle = CredentialHandle::from_bytes(f.bytes());
    let unknown = CredentialHandle::from_bytes(f.bytes());
    let credential = Credential {
        handle: Some(handle),
        ..f.credential(&ada)
    };
    let identifier = f.identifier(&ada, "ada@example.com", true);
    commit(
        store,
        [
            Change::InsertCredential(credential.clone()),
            Change::InsertIdentifier(identifier.clone()),
        ],
    )
    .await;
    let suspended = User {
        status: UserStatus::Suspended { at: f.now() },
        ..ada.clone()
    };
    commit(store, Change::UpdateUser(suspended)).await;
    let found = store
        .account_by_credential(handle)
        .await
        .expect("no error")
        .expect("somebody has it");
    assert_eq!(found.user.id, ada.id);
    assert_eq!(found.identifiers, [identifier]);
    assert_eq!(found.credentials, [credential]);
    let nobody = store.account_by_credential(unknown).await;
    assert_eq!(nobody.expect("no error"), None);
    let purge = Change::PurgeUser {
        id: ada.id,
        version: ada.version + 1,
    };
    commit(store, purge).await;
    let nobody = store.account_by_credential(handle).await;
    assert_eq!(nobody.expect("no error"), None);
}

/// An update writes what it is given and the version plus one, and keeps user and handle.
pub async fn an_update_writes_and_counts_the_version(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, ben) = two_users(store, &f).await;
    let handle = CredentialHandle::from_bytes(f.bytes());
    let first = Credential {
        handle: Some(handle),
        ..f.credential(&ada)
    };
    commit(store, Change::InsertCredential(first.clone())).await;
    let changed = Credential {
        user_id: ben.id,
        handle: None,
        name: Some(Name::parse("Spare key").expect("fixtures use valid names")),
        state: f.credential(&ada).state,
        created_at: f.now(),
        last_used_at: Some(f.now()),
        ..first.clone()
    };
    commit(store, Change::UpdateCredential(changed.clone())).await;
    let second = Credential {
        user_id: ada.id,
        handle: Some(handle),
        version: first.version + 1,
        ..changed
    };
    assert_eq!(account(store, ada.id).await.credentials, [second]);
    assert_eq!(account(store, ben.id).await.credentials, []);
    let found = store.account_by_credential(handle).await;
    let found = found.expect("no error").expect("somebody has it");
    assert_eq!(found.user.id, ada.id);
}

/// An update or a deletion that names a version other than the stored one does nothing.
pub async fn another_version_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let (ada, _) = two_users(store, &f).await;
    let first = f.credential(&ada);
    let changes = |version| {
        [
            Change::UpdateCredential(Credential {
                last_used_at: Some(f.now()),
                version,
                ..first.clone()
            }),
            Change::DeleteCredential {
                id: first.id,
                version,
            },
        ]
    };
    for change in changes(first.version) {
        refused(store, change, 0, GuardReason::NotFound).await;
    }
    commit(store, Change::InsertCredential(first.clone())).await;
    for version in [first.version - 1, first.version + 1, u64::MAX] {
        for change in changes(version) {
            refused(store, change, 0, GuardReason::VersionMismatch).await;
        }
    }
    assert_eq!(account(store, ada.id).await.credentials, [first]);
}
