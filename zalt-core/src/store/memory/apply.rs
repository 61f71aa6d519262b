use super::state::State;
use crate::attempt::Attempt;
use crate::environment::Timestamp;
use crate::id::{IdentifierId, MessageId, SessionId, UserId};
use crate::identifier::Identifier;
use crate::message::Message;
use crate::session::{RefreshState, RevokeReason, Session};
use crate::signing_key::SigningKeyRecord;
use crate::store::{
    Batch, Change, CommitError, Expired, GuardFailure, GuardReason, StoreError, StoreErrorKind,
};
use crate::user::{PasswordCredential, User};

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
        Change::InsertSigningKey { key, newest } => insert_signing_key(state, key, newest.as_ref()),
        Change::GiveBackBudget(key) => {
            state.budgets.remove(&key);
            Ok(())
        }
        Change::RemoveExpired(expired) => {
            remove_expired(state, &expired);
            Ok(())
        }
    }
}

fn insert_user(state: &mut State, user: User) -> Applied {
    absent(state.users.contains(&user.id))?;
    state.users.put(user.id, user);
    Ok(())
}

fn update_user(state: &mut State, user: User) -> Applied {
    let stored = found(state.users.get(&user.id))?;
    let version = next_version(stored.version, user.version)?;
    // Only RevokeUserSessions moves the epoch. It leaves the version alone, so an update that was decided before it
    // would pass its guard and turn the epoch back. The same goes for the last sign-in, which InsertSession moves.
    let user = User {
        session_epoch: stored.session_epoch,
        last_sign_in_at: stored.last_sign_in_at,
        version,
        ..user
    };
    state.users.put(user.id, user);
    Ok(())
}

fn purge_user(state: &mut State, id: UserId, version: u64) -> Applied {
    same_version(found(state.users.get(&id))?.version, version)?;
    let identifiers: Vec<_> = state.identifiers_of(id).map(|row| row.id).collect();
    for identifier in identifiers {
        state.remove_identifier(identifier);
    }
    let sessions: Vec<_> = state.sessions_of(id, None).map(|row| row.id).collect();
    for session in sessions {
        state.remove_session(session);
    }
    state.passwords.remove(&id);
    state.users.remove(&id);
    Ok(())
}

fn insert_identifier(state: &mut State, identifier: Identifier) -> Applied {
    absent(state.identifier(identifier.id).is_some())?;
    found(state.users.get(&identifier.user_id))?;
    let key = identifier.value.key();
    let has_it = state
        .identifiers_of(identifier.user_id)
        .any(|other| other.value.key() == key);
    let owned = identifier.verified_at.is_some() && state.owners.contains(&key);
    if has_it || owned {
        return Err(GuardReason::IdentifierTaken.into());
    }
    state.put_identifier(identifier);
    Ok(())
}

fn update_identifier(state: &mut State, identifier: &Identifier) -> Applied {
    let stored = found(state.identifier(identifier.id))?;
    let version = next_version(stored.version, identifier.version)?;
    let owner = state.owners.get(&stored.value.key());
    let taken = owner.is_some_and(|owner| *owner != stored.id);
    if identifier.verified_at.is_some() && taken {
        return Err(GuardReason::IdentifierTaken.into());
    }
    let identifier = Identifier {
        user_id: stored.user_id,
        value: stored.value.clone(),
        version,
        ..*identifier
    };
    state.put_identifier(identifier);
    Ok(())
}

fn delete_identifier(state: &mut State, id: IdentifierId, version: u64) -> Applied {
    same_version(found(state.identifier(id))?.version, version)?;
    state.remove_identifier(id);
    Ok(())
}

fn insert_password(state: &mut State, password: PasswordCredential) -> Applied {
    found(state.users.get(&password.user_id))?;
    absent(state.passwords.contains(&password.user_id))?;
    state.passwords.put(password.user_id, password);
    Ok(())
}

fn update_password(state: &mut State, password: PasswordCredential) -> Applied {
    let stored = found(state.passwords.get(&password.user_id))?.version;
    let version = next_version(stored, password.version)?;
    state.passwords.put(
        password.user_id,
        PasswordCredential {
            version,
            ..password
        },
    );
    Ok(())
}

fn insert_session(state: &mut State, session: Session) -> Applied {
    absent(state.session(session.id).is_some())?;
    let user = found(state.users.get(&session.user_id))?;
    if !user.status.is_active() {
        return Err(GuardReason::UserNotActive.into());
    }
    if user.session_epoch != session.epoch {
        return Err(GuardReason::StaleEpoch.into());
    }
    let user = User {
        last_sign_in_at: Some(session.created_at),
        ..user.clone()
    };
    state.users.put(user.id, user);
    state.put_session(session);
    Ok(())
}

/// Writes a session anew that exists and is not revoked.
fn edit_session(
    state: &mut State,
    id: SessionId,
    edit: impl FnOnce(Session) -> Result<Session, Refusal>,
) -> Applied {
    let session = found(state.session(id))?;
    if session.revoked.is_some() {
        return Err(GuardReason::SessionRevoked.into());
    }
    let session = edit(session.clone())?;
    state.put_session(session);
    Ok(())
}

fn rotated(
    refresh: Option<RefreshState>,
    presented: u32,
    at: Timestamp,
) -> Result<RefreshState, Refusal> {
    let current = refresh
        .filter(|refresh| refresh.generation == presented)
        .ok_or(GuardReason::RefreshNotCurrent)?;
    let generation = presented
        .checked_add(1)
        .ok_or(Refusal::Store(StoreErrorKind::Internal))?;
    Ok(RefreshState {
        generation,
        rotated_at: at,
        ..current
    })
}

fn revoke_user_sessions(
    state: &mut State,
    user_id: UserId,
    except: Option<SessionId>,
    revoked: (Timestamp, RevokeReason),
) -> Applied {
    let mut user = found(state.users.get(&user_id))?.clone();
    user.session_epoch = next(user.session_epoch)?;
    state.users.put(user_id, user);
    let ended: Vec<_> = state
        .sessions_of(user_id, None)
        .filter(|session| session.revoked.is_none() && Some(session.id) != except)
        .cloned()
        .collect();
    for session in ended {
        state.put_session(Session {
            revoked: Some(revoked),
            ..session
        });
    }
    Ok(())
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

fn remove_expired(state: &mut State, expired: &Expired) {
    let limit = usize::try_from(expired.limit).unwrap_or(usize::MAX);

    let before = expired.sessions_before;
    let sessions: Vec<_> = state
        .sessions()
        .filter(|session| {
            session.expires_at < before
                || session.idle_expires_at < before
                || session.revoked.is_some_and(|(at, _)| at < before)
        })
        .map(|session| session.id)
        .take(limit)
        .collect();
    for id in sessions {
        state.remove_session(id);
    }

    macro_rules! sweep {
        ($table:ident, $row:ident => $over:expr) => {{
            let over: Vec<_> = state
                .$table
                .iter()
                .filter(|(_, $row)| $over)
                .map(|(key, _)| key.clone())
                .take(limit)
                .collect();
            for key in over {
                state.$table.remove(&key);
            }
        }};
    }
    sweep!(attempts, row => row.expires_at < expired.attempts_before);
    sweep!(budgets, row => row.forget_at < expired.budgets_before);
    sweep!(signing_keys, row => row.expires_at < expired.signing_keys_before);
    if let Some(before) = expired.events_before {
        sweep!(events, row => row.occurred_at < before);
    }
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
