mod accounts;
mod connections;
mod sessions;
mod sweep;

use self::accounts::{
    delete_credential, delete_identifier, insert_credential, insert_identifier, insert_password,
    insert_user, purge_user, update_credential, update_identifier, update_password, update_user,
};
use self::connections::{delete_connection, insert_connection, update_connection};
use self::sessions::{edit_session, insert_session, revoke_user_sessions, rotated};
use self::sweep::remove_expired;
use super::state::State;
use crate::attempt::Attempt;
use crate::id::MessageId;
use crate::message::Message;
use crate::session::Session;
use crate::signing_key::SigningKeyRecord;
use crate::store::{
    Batch, Change, CommitError, GuardFailure, GuardReason, StoreError, StoreErrorKind,
};

/// Applies a batch as far as its guards let it; the caller rolls back what a failure leaves behind.
pub(super) fn batch(state: &mut State, batch: Batch) -> Result<(), CommitError> {
    for (position, change) in batch.changes.into_iter().enumerate() {
        apply(state, change).map_err(|refusal| refusal.at(position))?;
    }
    for event in batch.events {
        if state.events.contains(&event.id) {
            // Ids are random: only a defect repeats one, and an event must never overwrite another.
            return Err(StoreError::new(StoreErrorKind::Internal).into());
        }
        state.events.put(event.id, event);
    }
    Ok(())
}

/// Why a change was not applied.
enum Refusal {
    Guard(GuardReason),
    Store(StoreErrorKind),
}

impl Refusal {
    fn at(self, change: usize) -> CommitError {
        match self {
            Self::Guard(reason) => GuardFailure { change, reason }.into(),
            Self::Store(kind) => StoreError::new(kind).into(),
        }
    }
}

impl From<GuardReason> for Refusal {
    fn from(reason: GuardReason) -> Self {
        Self::Guard(reason)
    }
}

type Applied = Result<(), Refusal>;

fn apply(state: &mut State, change: Change) -> Applied {
    match change {
        Change::InsertUser(user) => insert_user(state, user),
        Change::UpdateUser(user) => update_user(state, user),
        Change::PurgeUser { id, version } => purge_user(state, id, version),
        Change::InsertIdentifier(identifier) => insert_identifier(state, identifier),
        Change::UpdateIdentifier(identifier) => update_identifier(state, &identifier),
        Change::DeleteIdentifier { id, version } => delete_identifier(state, id, version),
        Change::InsertPassword(password) => insert_password(state, password),
        Change::UpdatePassword(password) => update_password(state, password),
        Change::InsertCredential(credential) => insert_credential(state, credential),
        Change::UpdateCredential(credential) => update_credential(state, credential),
        Change::DeleteCredential { id, version } => delete_credential(state, id, version),
        Change::InsertSession(session) => insert_session(state, session),
        Change::TouchSession {
            id,
            last_seen_at,
            idle_expires_at,
            ip,
        } => edit_session(state, id, |session| {
            Ok(Session {
                last_seen_at,
                idle_expires_at,
                ip,
                ..session
            })
        }),
        Change::RotateRefresh {
            id,
            presented,
            at,
            idle_expires_at,
            ip,
        } => edit_session(state, id, |session| {
            Ok(Session {
                refresh: Some(rotated(session.refresh, presented, at)?),
                last_seen_at: at,
                idle_expires_at,
                ip,
                ..session
            })
        }),
        Change::ReauthenticateSession {
            id,
            expected,
            token,
            amr,
            at,
        } => edit_session(state, id, |session| {
            if session.token != expected {
                return Err(GuardReason::VersionMismatch.into());
            }
            Ok(Session {
                token,
                amr,
                authenticated_at: at,
                ..session
            })
        }),
        Change::RevokeSession { id, at, reason } => edit_session(state, id, |session| {
            Ok(Session {
                revoked: Some((at, reason)),
                ..session
            })
        }),
        Change::RevokeUserSessions {
            user_id,
            except,
            at,
            reason,
        } => revoke_user_sessions(state, user_id, except, (at, reason)),
        Change::InsertAttempt(attempt) => insert_attempt(state, attempt),
        Change::UpdateAttempt(attempt) => update_attempt(state, attempt),
        Change::EnqueueMessage(message) => enqueue_message(state, message),
        Change::UpdateMessage(message) => update_message(state, message),
        Change::DeleteMessage { id, version } => delete_message(state, id, version),
        Change::InsertConnection(connection) => insert_connection(state, connection),
        Change::UpdateConnection(connection) => update_connection(state, connection),
        Change::DeleteConnection { id, version } => delete_connection(state, id, version),
        Change::InsertSigningKey { key, newest } => insert_signing_key(state, key, newest.as_ref()),
        Change::GiveBackBudget(key) => {
            state.budgets.remove(&key);
            Ok(())
        }
        Change::GiveBackTry { key, each } => {
            if let Some(budget) = state.budgets.get(&key).copied() {
                state.budgets.put(key, budget.with_try_back(each));
            }
            Ok(())
        }
        Change::RemoveExpired(expired) => {
            remove_expired(state, &expired);
            Ok(())
        }
    }
}

fn insert_attempt(state: &mut State, attempt: Attempt) -> Applied {
    absent(state.attempts.contains(&attempt.id))?;
    state.attempts.put(attempt.id, attempt);
    Ok(())
}

fn update_attempt(state: &mut State, attempt: Attempt) -> Applied {
    let stored = found(state.attempts.get(&attempt.id))?.version;
    let version = next_version(stored, attempt.version)?;
    state
        .attempts
        .put(attempt.id, Attempt { version, ..attempt });
    Ok(())
}

fn enqueue_message(state: &mut State, message: Message) -> Applied {
    absent(state.message(message.id).is_some())?;
    state.put_message(message);
    Ok(())
}

fn update_message(state: &mut State, message: Message) -> Applied {
    let stored = found(state.message(message.id))?.version;
    let version = next_version(stored, message.version)?;
    state.put_message(Message { version, ..message });
    Ok(())
}

fn delete_message(state: &mut State, id: MessageId, version: u64) -> Applied {
    same_version(found(state.message(id))?.version, version)?;
    state.remove_message(id);
    Ok(())
}

fn insert_signing_key(
    state: &mut State,
    key: SigningKeyRecord,
    newest: Option<&String>,
) -> Applied {
    absent(
        state
            .signing_keys
            .iter()
            .any(|((_, kid), _)| *kid == key.kid),
    )?;
    let last = state.signing_keys.iter().next_back();
    if last.map(|((_, kid), _)| kid) != newest {
        return Err(GuardReason::NotNewestKey.into());
    }
    state
        .signing_keys
        .put((key.created_at, key.kid.clone()), key);
    Ok(())
}

fn found<T>(row: Option<&T>) -> Result<&T, Refusal> {
    row.ok_or(Refusal::Guard(GuardReason::NotFound))
}

fn absent(exists: bool) -> Applied {
    if exists {
        Err(GuardReason::AlreadyExists.into())
    } else {
        Ok(())
    }
}

fn same_version(stored: u64, named: u64) -> Applied {
    if stored == named {
        Ok(())
    } else {
        Err(GuardReason::VersionMismatch.into())
    }
}

fn next_version(stored: u64, named: u64) -> Result<u64, Refusal> {
    same_version(stored, named)?;
    next(stored)
}

fn next(count: u64) -> Result<u64, Refusal> {
    count
        .checked_add(1)
        .ok_or(Refusal::Store(StoreErrorKind::Internal))
}
