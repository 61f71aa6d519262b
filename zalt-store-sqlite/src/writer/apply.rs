use rusqlite::Connection;
use zalt_core::store::{Batch, Change, CommitError};

use crate::error::{Applied, Refusal, store_error};
use crate::{
    attempt, budget, credential, event, expired, identifier, message, password,
    provider_connection, session, signing_key, user,
};

/// Applies a batch as far as its guards let it; the caller rolls back what a failure leaves behind.
pub(super) fn batch(db: &Connection, batch: &Batch) -> Result<(), CommitError> {
    for (position, change) in batch.changes.iter().enumerate() {
        apply(db, change).map_err(|refusal| refusal.at(position))?;
    }
    for event in &batch.events {
        event::append(db, event).map_err(store_error)?;
    }
    Ok(())
}

fn apply(db: &Connection, change: &Change) -> Applied {
    match change {
        Change::InsertUser(user) => user::insert(db, user),
        Change::UpdateUser(user) => user::update(db, user),
        Change::PurgeUser { id, version } => user::purge(db, *id, *version),
        Change::InsertIdentifier(identifier) => identifier::insert(db, identifier),
        Change::UpdateIdentifier(identifier) => identifier::update(db, identifier),
        Change::DeleteIdentifier { id, version } => identifier::delete(db, *id, *version),
        Change::InsertPassword(password) => password::insert(db, password),
        Change::UpdatePassword(password) => password::update(db, password),
        Change::InsertCredential(credential) => credential::insert(db, credential),
        Change::UpdateCredential(credential) => credential::update(db, credential),
        Change::DeleteCredential { id, version } => credential::delete(db, *id, *version),
        Change::InsertSession(session) => session::insert(db, session),
        Change::TouchSession {
            id,
            last_seen_at,
            idle_expires_at,
            ip,
        } => session::touch(db, *id, *last_seen_at, *idle_expires_at, *ip),
        Change::RotateRefresh {
            id,
            presented,
            at,
            idle_expires_at,
            ip,
        } => session::rotate(db, *id, *presented, *at, *idle_expires_at, *ip),
        Change::ReauthenticateSession {
            id,
            expected,
            token,
            amr,
            at,
        } => session::reauthenticate(db, *id, expected.as_ref(), token.as_ref(), amr, *at),
        Change::RevokeSession { id, at, reason } => session::revoke(db, *id, *at, *reason),
        Change::RevokeUserSessions {
            user_id,
            except,
            at,
            reason,
        } => session::revoke_of_user(db, *user_id, *except, *at, *reason),
        Change::InsertAttempt(attempt) => attempt::insert(db, attempt),
        Change::UpdateAttempt(attempt) => attempt::update(db, attempt),
        Change::EnqueueMessage(message) => message::insert(db, message),
        Change::UpdateMessage(message) => message::update(db, message),
        Change::DeleteMessage { id, version } => message::delete(db, *id, *version),
        Change::InsertConnection(connection) => provider_connection::insert(db, connection),
        Change::UpdateConnection(connection) => provider_connection::update(db, connection),
        Change::DeleteConnection { id, version } => provider_connection::delete(db, *id, *version),
        Change::InsertSigningKey { key, newest } => signing_key::insert(db, key, newest.as_deref()),
        Change::GiveBackBudget(key) => budget::give_back(db, *key).map_err(Refusal::from),
        Change::GiveBackTry { key, each } => {
            budget::give_back_try(db, *key, *each).map_err(Refusal::from)
        }
        Change::RemoveExpired(expired) => expired::remove(db, expired).map_err(Refusal::from),
        // A newer core knows a change that this store doesn't: nothing of the batch may stand.
        _ => Err(Refusal::Unsupported),
    }
}
