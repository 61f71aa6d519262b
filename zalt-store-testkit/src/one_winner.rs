//! One winner: of many that want the same at once, exactly one gets it.

use zalt_core::credential::{Credential, CredentialHandle};
use zalt_core::event::EventKind;
use zalt_core::identifier::Identifier;
use zalt_core::message::Message;
use zalt_core::session::{AuthenticationMethod, RevokeReason};
use zalt_core::store::{Batch, Change, EventFilter, GuardReason, UserFilter};
use zalt_core::user::PasswordCredential;

use crate::SharedStore;
use crate::assertions::{all_events, all_users, commit, new_user, session, user};
use crate::fixtures::{DAY, Fixtures, phc, proved};
use crate::races::{TASKS, race, revoke, rotate};

/// Of all who verify one address at once, one becomes its owner.
pub async fn one_of_many_gets_a_verified_identifier(store: &SharedStore) {
    let f = Fixtures::new();
    let batches = (0..TASKS).map(|_| {
        let user = f.user();
        let identifier = f.identifier(&user, "ada@example.com", true);
        let event = f.event(Some(user.id), EventKind::UserCreated);
        Batch::new()
            .change(Change::InsertUser(user))
            .change(Change::InsertIdentifier(identifier))
            .event(event)
    });
    one_wins(store, batches, GuardReason::IdentifierTaken).await;
    assert_eq!(all_users(store, &UserFilter::default()).await.len(), 1);
    let events = all_events(store, &EventFilter::default()).await;
    assert_eq!(events.len(), 1);
}

/// Of all who added one address and prove at once to hold it, one becomes its owner.
pub async fn one_of_many_verifies_an_identifier(store: &SharedStore) {
    let f = Fixtures::new();
    let mut batches = Vec::new();
    for _ in 0..TASKS {
        let user = new_user(store, &f).await;
        let identifier = f.identifier(&user, "ada@example.com", false);
        commit(store, Change::InsertIdentifier(identifier.clone())).await;
        let verified = Identifier {
            verified_at: Some(f.now()),
            ..identifier
        };
        batches.push(Batch::new().change(Change::UpdateIdentifier(verified)));
    }
    one_wins(store, batches, GuardReason::IdentifierTaken).await;
}

/// Of all sign-ups that have one id, one makes the user.
pub async fn one_of_many_inserts_a_user(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = f.user();
    let insert = Batch::new().change(Change::InsertUser(ada));
    let batches = vec![insert; TASKS];
    one_wins(store, batches, GuardReason::AlreadyExists).await;
}

/// Of all writes that read one version, one is applied.
pub async fn one_of_many_updates_a_user(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let update = Batch::new().change(Change::UpdateUser(ada.clone()));
    let batches = vec![update; TASKS];
    one_wins(store, batches, GuardReason::VersionMismatch).await;
    assert_eq!(user(store, ada.id).await.version, 2);
}

/// Of all who set a first password, one does.
pub async fn one_of_many_inserts_a_password(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let insert = Batch::new().change(Change::InsertPassword(f.password(&ada)));
    let batches = vec![insert; TASKS];
    one_wins(store, batches, GuardReason::AlreadyExists).await;
}

/// Of all who change one password, one does.
pub async fn one_of_many_updates_a_password(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let first = f.password(&ada);
    commit(store, Change::InsertPassword(first.clone())).await;
    let digits = ('A'..='Z').chain('a'..='z').take(TASKS);
    let batches = digits.map(|digit| {
        Batch::new().change(Change::UpdatePassword(PasswordCredential {
            phc: phc(digit),
            ..first.clone()
        }))
    });
    one_wins(store, batches, GuardReason::VersionMismatch).await;
}

/// Of all who use one credential for something that counts once, one does.
pub async fn one_of_many_updates_a_credential(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let first = f.credential(&ada);
    commit(store, Change::InsertCredential(first.clone())).await;
    let batches = (0..TASKS).map(|_| {
        Batch::new().change(Change::UpdateCredential(Credential {
            last_used_at: Some(f.now()),
            ..first.clone()
        }))
    });
    one_wins(store, batches, GuardReason::VersionMismatch).await;
}

/// Of all who register one authenticator at once, one gets it.
pub async fn one_of_many_registers_a_handle(store: &SharedStore) {
    let f = Fixtures::new();
    let handle = Some(CredentialHandle::from_bytes(f.bytes()));
    let mut batches = Vec::new();
    for _ in 0..TASKS {
        let user = new_user(store, &f).await;
        let credential = Credential {
            handle,
            ..f.credential(&user)
        };
        batches.push(Batch::new().change(Change::InsertCredential(credential)));
    }
    one_wins(store, batches, GuardReason::CredentialTaken).await;
}

/// Of all who redeem one code, one does.
pub async fn one_of_many_updates_an_attempt(store: &SharedStore) {
    let f = Fixtures::new();
    let attempt = f.attempt();
    commit(store, Change::InsertAttempt(attempt.clone())).await;
    let update = Batch::new().change(Change::UpdateAttempt(attempt));
    let batches = vec![update; TASKS];
    one_wins(store, batches, GuardReason::VersionMismatch).await;
}

/// Of all who present one refresh token, one rotates it, time and again.
pub async fn one_of_many_rotates_a_refresh_token(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let written = f.bearer_session(&ada);
    commit(store, Change::InsertSession(written.clone())).await;
    for presented in 0..3 {
        let batches = (0..TASKS).map(|_| Batch::new().change(rotate(&f, &written, presented)));
        one_wins(store, batches, GuardReason::RefreshNotCurrent).await;
        let refresh = session(store, written.id).await.refresh;
        let generation = refresh.map(|refresh| refresh.generation);
        assert_eq!(generation, Some(presented + 1));
    }
}

/// Of all who replace one session token, one does.
pub async fn one_of_many_reauthenticates_a_session(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let written = f.session(&ada);
    commit(store, Change::InsertSession(written.clone())).await;
    let batches = (0..TASKS).map(|_| {
        Batch::new().change(Change::ReauthenticateSession {
            id: written.id,
            expected: written.token,
            token: Some(f.token()),
            amr: proved(AuthenticationMethod::Password, f.now()),
            at: f.now(),
        })
    });
    one_wins(store, batches, GuardReason::VersionMismatch).await;
}

/// Of all who end one session, one does, and one event says so.
pub async fn one_of_many_revokes_a_session(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let written = f.session(&ada);
    commit(store, Change::InsertSession(written.clone())).await;
    let batches = (0..TASKS).map(|_| {
        let reason = RevokeReason::SignedOut;
        let kind = EventKind::SessionRevoked {
            session_id: written.id,
            reason,
        };
        Batch::new()
            .change(revoke(&f, &written))
            .event(f.event(Some(ada.id), kind))
    });
    one_wins(store, batches, GuardReason::SessionRevoked).await;
    let events = all_events(store, &EventFilter::default()).await;
    assert_eq!(events.len(), 1);
}

/// Of all workers that take one message, one gets the lease.
pub async fn one_of_many_leases_a_message(store: &SharedStore) {
    let f = Fixtures::new();
    let message = f.message();
    commit(store, Change::EnqueueMessage(message.clone())).await;
    let lease = Batch::new().change(Change::UpdateMessage(Message {
        due_at: message.due_at + DAY,
        tries: 1,
        ..message
    }));
    let batches = vec![lease; TASKS];
    one_wins(store, batches, GuardReason::VersionMismatch).await;
}

/// Of all replicas that rotate the signing key, one does: the first key, and each after it.
pub async fn one_of_many_inserts_a_signing_key(store: &SharedStore) {
    let f = Fixtures::new();
    let mut newest: Option<String> = None;
    for round in 1..=3 {
        let batches = (0..TASKS).map(|task| {
            Batch::new().change(Change::InsertSigningKey {
                key: f.signing_key(&format!("key-{round}-{task}")),
                newest: newest.clone(),
            })
        });
        one_wins(store, batches, GuardReason::NotNewestKey).await;
        let keys = store.signing_keys().await.expect("no error");
        assert_eq!(keys.len(), round);
        newest = keys.into_iter().next_back().map(|key| key.kid);
    }
}

/// Of all who set up a connection of one key, one does.
pub async fn one_of_many_makes_a_connection(store: &SharedStore) {
    let f = Fixtures::new();
    let batches =
        (0..TASKS).map(|_| Batch::new().change(Change::InsertConnection(f.connection("google"))));
    one_wins(store, batches, GuardReason::AlreadyExists).await;
    assert_eq!(store.connections().await.expect("no error").len(), 1);
}

/// Of all who remove one address, one does.
pub async fn one_of_many_deletes_an_identifier(store: &SharedStore) {
    let f = Fixtures::new();
    let ada = new_user(store, &f).await;
    let identifier = f.identifier(&ada, "ada@example.com", true);
    commit(store, Change::InsertIdentifier(identifier.clone())).await;
    let delete = Batch::new().change(Change::DeleteIdentifier {
        id: identifier.id,
        version: 1,
    });
    let batches = vec![delete; TASKS];
    one_wins(store, batches, GuardReason::NotFound).await;
}

/// Runs all batches at once, and has exactly one applied and every other refused for this reason.
async fn one_wins(
    store: &SharedStore,
    batches: impl IntoIterator<Item = Batch>,
    reason: GuardReason,
) {
    let outcomes = race(store, batches).await;
    let winners = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(winners, 1, "exactly one has to win");
    for outcome in outcomes {
        if let Err(refusal) = outcome {
            assert_eq!(refusal, reason, "why a loser was refused");
        }
    }
}
