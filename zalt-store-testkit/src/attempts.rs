//! Attempts: kept whole, and moved on by whoever read them last.

use std::time::Duration;

use serde_json::json;
use zalt_core::Timestamp;
use zalt_core::attempt::{
    AccountMark, AddressVerification, Attempt, AttemptState, Challenge, ChallengePurpose,
    ChallengeStrategy, PassedFactor, SignIn, SignInStatus, SignUp, SignUpStatus, StepUp,
};
use zalt_core::config::SecondFactor;
use zalt_core::connection::{
    ConnectionAttempt, ConnectionPurpose, ConnectionStatus, PendingAccount, RedirectMode,
    ViaConnection,
};
use zalt_core::id::{AttemptId, CredentialId, IdentifierId, SessionId, UserId};
use zalt_core::identifier::{EmailAddress, IdentifierValue, Username};
use zalt_core::passkey::{Base64Url, OwnPasskeyRequest, PasskeyPurpose, PasskeyRequest};
use zalt_core::secret::Sealed;
use zalt_core::session::{AuthenticationMethod, Transport};
use zalt_core::store::{Change, Expired, GuardReason};
use zalt_core::user::{Metadata, Name, Profile};

use crate::SharedStore;
use crate::assertions::{NOTHING_EXPIRED, commit, refused};
use crate::fixtures::{DAY, EPOCH, Fixtures, phc};

/// Every field of an attempt comes back as it was written, for every kind and status.
pub async fn attempts_of_every_kind_are_read_back_whole(store: &SharedStore) {
    let f = Fixtures::new();
    for state in states(&f) {
        let written = Attempt {
            state,
            version: 3,
            ..f.attempt()
        };
        commit(store, Change::InsertAttempt(written.clone())).await;
        assert_eq!(attempt(store, written.id).await, Some(written));
    }
}

/// Counts beyond 31 bits and instants at their extremes survive, and one that is over can still be read.
pub async fn counts_and_instants_at_their_extremes_survive(store: &SharedStore) {
    let f = Fixtures::new();
    for at in [
        Timestamp::from_unix_millis(0),
        Timestamp::from_unix_millis(i64::MAX),
    ] {
        let written = Attempt {
            failed_codes: u32::MAX,
            sent_messages: u32::MAX,
            created_at: at,
            expires_at: at,
            ..f.attempt()
        };
        commit(store, Change::InsertAttempt(written.clone())).await;
        assert_eq!(attempt(store, written.id).await, Some(written));
    }
}

/// An attempt is inserted once.
pub async fn inserting_an_existing_id_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let written = f.attempt();
    let insert = Change::InsertAttempt(written.clone());
    commit(store, insert).await;
    let other = Attempt {
        id: written.id,
        ..f.attempt()
    };
    let insert = Change::InsertAttempt(other);
    refused(store, insert, 0, GuardReason::AlreadyExists).await;
    assert_eq!(attempt(store, written.id).await, Some(written));
}

/// An update writes state, counts and end, and the version plus one.
pub async fn an_update_writes_and_counts_the_version(store: &SharedStore) {
    let f = Fixtures::new();
    let mut written = f.attempt();
    let other = f.attempt();
    for insert in [&written, &other] {
        commit(store, Change::InsertAttempt(insert.clone())).await;
    }
    for state in states(&f) {
        let changed = Attempt {
            state,
            failed_codes: written.failed_codes + 1,
            sent_messages: written.sent_messages + 2,
            expires_at: written.expires_at + DAY,
            ..written
        };
        commit(store, Change::UpdateAttempt(changed.clone())).await;
        written = Attempt {
            version: changed.version + 1,
            ..changed
        };
        assert_eq!(attempt(store, written.id).await, Some(written.clone()));
    }
    assert_eq!(attempt(store, other.id).await, Some(other));
}

/// Of two that redeem a code at once, the second finds another version.
pub async fn an_update_of_another_version_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let written = f.attempt();
    let update = |version| {
        Change::UpdateAttempt(Attempt {
            failed_codes: 9,
            version,
            ..written.clone()
        })
    };
    refused(store, update(1), 0, GuardReason::NotFound).await;
    commit(store, Change::InsertAttempt(written.clone())).await;
    for version in [0, 2, u64::MAX] {
        refused(store, update(version), 0, GuardReason::VersionMismatch).await;
    }
    assert_eq!(attempt(store, written.id).await, Some(written.clone()));
    commit(store, update(1)).await;
    refused(store, update(1), 0, GuardReason::VersionMismatch).await;
}

/// The sweep removes attempts that ended strictly before the instant, no more than its limit.
pub async fn the_sweep_removes_what_is_over(store: &SharedStore) {
    let f = Fixtures::new();
    let before = EPOCH + DAY;
    let moment = Duration::from_millis(1);
    let ends = |expires_at| Attempt {
        expires_at,
        ..f.attempt()
    };
    let kept = [ends(before), ends(before + moment)];
    let over = [ends(before - moment), ends(EPOCH), ends(EPOCH)];
    for written in kept.iter().chain(&over) {
        commit(store, Change::InsertAttempt(written.clone())).await;
    }
    for (limit, left) in [(0, 3), (2, 1), (100, 0)] {
        let sweep = Change::RemoveExpired(Expired {
            attempts_before: before,
            limit,
            ..NOTHING_EXPIRED
        });
        commit(store, sweep).await;
        let mut found = 0;
        for written in &over {
            found += u32::from(attempt(store, written.id).await.is_some());
        }
        assert_eq!(found, left, "after a sweep of {limit}");
    }
    for written in kept {
        assert_eq!(attempt(store, written.id).await, Some(written));
    }
}

fn states(f: &Fixtures) -> Vec<AttemptState> {
    let email = |text| EmailAddress::parse(text).expect("fixtures use valid addresses");
    let mut states = Vec::new();
    for (status, text) in [
        (SignInStatus::NeedsFirstFactor, "Ada@BÜCHER.example"),
        (SignInStatus::NeedsSecondFactor, "eve@example.com"),
        (SignInStatus::NeedsNewPassword, "+43158858"),
        (SignInStatus::Complete, "Ada_L"),
    ] {
        let typed = IdentifierValue::parse(text).expect("fixtures use valid identifiers");
        let waits = status == SignInStatus::NeedsFirstFactor;
        states.push(AttemptState::SignIn(SignIn {
            recovery: None,
            identifier: (!waits).then_some(typed),
            user_id: Some(UserId::from_bytes(f.bytes())),
            status,
            challenge: Some(Challenge {
                purpose: ChallengePurpose::ResetPassword,
                ..f.challenge()
            }),
            passkey: waits.then(|| passkey_request(f)),
            sent_to: Some(IdentifierId::from_bytes(f.bytes())),
            first_factor: (status == SignInStatus::NeedsSecondFactor).then(|| passed(f)),
            reset: Some(AccountMark {
                password_set_at: Some(f.now()),
                session_epoch: 3,
            }),
            connection: waits.then(|| via(f, true)),
            transport: Transport::Bearer,
        }));
    }
    for (status, password) in [
        (SignUpStatus::MissingRequirements, None),
        (SignUpStatus::Complete, Some(phc('B'))),
    ] {
        states.push(AttemptState::SignUp(SignUp {
            email_address: email("ju\u{308}rgen@example.com"),
            username: Username::parse("Juergen_1").ok(),
            profile: Profile {
                first_name: Name::parse("\u{1f469}\u{200d}\u{1f680} O'Brien").ok(),
                ..Profile::default()
            },
            unsafe_metadata: Metadata::new(json!({ "nul": "a\u{0}b", "n": [1, null, "\""] }))
                .expect("fixtures use valid metadata"),
            password,
            address_taken: true,
            status,
            challenge: None,
            connection: (status == SignUpStatus::Complete).then(|| via(f, false)),
            transport: Transport::Cookie,
        }));
    }
    states.extend(connection_states(f));
    for (purpose, request) in [
        (PasskeyPurpose::Register, Some(passkey_request(f))),
        (PasskeyPurpose::StepUp, None),
    ] {
        states.push(AttemptState::Passkey(OwnPasskeyRequest {
            user_id: UserId::from_bytes(f.bytes()),
            session_id: SessionId::from_bytes(f.bytes()),
            purpose,
            request,
        }));
    }
    for challenge in [None, Some(f.challenge())] {
        states.push(AttemptState::StepUp(StepUp {
            user_id: UserId::from_bytes(f.bytes()),
            session_id: SessionId::from_bytes(f.bytes()),
            sent_to: IdentifierId::from_bytes(f.bytes()),
            challenge,
        }));
    }
    for (address, strategy) in [
        ("用户@例子.广告", ChallengeStrategy::EmailCode),
        ("+436601234567", ChallengeStrategy::SmsCode),
    ] {
        states.push(AttemptState::AddressVerification(AddressVerification {
            user_id: UserId::from_bytes(f.bytes()),
            session_id: SessionId::from_bytes(f.bytes()),
            identifier_id: IdentifierId::from_bytes(f.bytes()),
            identifier_version: 4,
            address: IdentifierValue::parse(address).expect("fixtures use valid identifiers"),
            address_taken: true,
            challenge: Some(Challenge {
                purpose: ChallengePurpose::VerifyAddress,
                strategy,
                link: None,
                ..f.challenge()
            }),
        }));
    }
    states
}

/// What goes through a provider.
fn connection_states(f: &Fixtures) -> Vec<AttemptState> {
    let mut states = vec![AttemptState::UsedIdToken];
    for (purpose, status) in [
        (ConnectionPurpose::SignIn, ConnectionStatus::AtProvider),
        (ConnectionPurpose::IdToken, ConnectionStatus::CameBack),
        (
            ConnectionPurpose::Link {
                user_id: UserId::from_bytes(f.bytes()),
                session_id: SessionId::from_bytes(f.bytes()),
            },
            ConnectionStatus::Complete,
        ),
    ] {
        let is_there = status == ConnectionStatus::AtProvider;
        states.push(AttemptState::Connection(ConnectionAttempt {
            via: via(f, !is_there),
            purpose,
            status,
            state: is_there.then(|| f.token()),
            nonce: "a nonce".to_owned(),
            pkce_verifier: is_there.then(|| Sealed::from_bytes(f.bytes::<90>().to_vec())),
            transport: Transport::Cookie,
        }));
    }
    states
}

fn passed(f: &Fixtures) -> PassedFactor {
    PassedFactor {
        method: AuthenticationMethod::PasskeyPresence,
        passkey: Some(CredentialId::from_bytes(f.bytes())),
        sent_to: Some(IdentifierId::from_bytes(f.bytes())),
        external_account: Some(CredentialId::from_bytes(f.bytes())),
        offered: SecondFactor::ALL.to_vec(),
        account: AccountMark {
            password_set_at: Some(f.now()),
            session_epoch: 3,
        },
    }
}

fn via(f: &Fixtures, pending: bool) -> ViaConnection {
    let account = f.external_account();
    ViaConnection {
        key: account.connection.clone(),
        return_to: serde_json::from_value(json!("com.example.app:/done?a='b'")).ok(),
        mode: RedirectMode::Popup,
        pending: pending.then(|| PendingAccount {
            id: CredentialId::from_bytes(f.bytes()),
            account,
        }),
    }
}

fn passkey_request(f: &Fixtures) -> PasskeyRequest {
    PasskeyRequest {
        challenge: Base64Url::new(f.bytes::<48>().to_vec()),
        expires_at: f.now(),
    }
}

async fn attempt(store: &SharedStore, id: AttemptId) -> Option<Attempt> {
    store.attempt(id).await.expect("the query has to succeed")
}
