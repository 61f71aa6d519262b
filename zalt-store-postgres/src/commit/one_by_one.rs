//! The plainest way to apply a batch: a transaction with one statement for each step. It tells which guard failed and why, and
//! is what the merged statements have to agree with.

use zalt_core::store::{Batch, Change, GuardReason};

use super::plan::{Part, Plan, steps_of};
use crate::database::{Database, Transaction};
use crate::error::{Failed, Refusal, is_orphaned, is_taken};
use crate::{
    attempt, credential, identifier, message, password, provider_connection, session, signing_key,
    user,
};

pub(super) async fn apply(database: &Database, batch: &Batch) -> Result<(), Failed> {
    let mut transaction = Transaction::begin(database)
        .await
        .map_err(Failed::before_commit)?;
    match apply_all(&mut transaction, database, batch).await {
        Ok(()) => transaction.commit().await.map_err(Failed::at_commit),
        Err(failed) => {
            // If it fails, the connection is closed, which undoes the same.
            let _ = transaction.roll_back().await;
            Err(failed)
        }
    }
}

async fn apply_all(
    transaction: &mut Transaction<'_>,
    database: &Database,
    batch: &Batch,
) -> Result<(), Failed> {
    for (position, change) in batch.changes.iter().enumerate() {
        apply_one(transaction, change)
            .await
            .map_err(|refusal| Failed::refused(position, refusal))?;
    }
    let events = Batch {
        changes: Vec::new(),
        events: batch.events.clone(),
    };
    let plan = Plan::of(&events).map_err(|(change, refusal)| Failed::refused(change, refusal))?;
    for part in &plan.parts {
        run(transaction, database, part)
            .await
            .map_err(Failed::before_commit)?;
    }
    Ok(())
}

async fn run(
    transaction: &mut Transaction<'_>,
    database: &Database,
    part: &Part,
) -> Result<(), sqlx::Error> {
    let sql = database.texts.merged(&[], &[], part.event_count);
    transaction.rows(&sql, part.values()).await.map(drop)
}

async fn apply_one(transaction: &mut Transaction<'_>, change: &Change) -> Result<(), Refusal> {
    for step in steps_of(change)? {
        match transaction.step(&step).await {
            Ok(true) => {}
            Ok(false) => return Err(why(transaction, change).await?.into()),
            // An insert steps back from a row that is in its way. An update can't, and the one unique index that one runs into
            // is that of verified owners.
            Err(error) if is_taken(&error) && matches!(change, Change::UpdateIdentifier(_)) => {
                return Err(GuardReason::IdentifierTaken.into());
            }
            // Its user was purged after the guard had seen it.
            Err(error) if is_orphaned(&error) && belongs_to_a_user(change) => {
                return Err(GuardReason::NotFound.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

const fn belongs_to_a_user(change: &Change) -> bool {
    matches!(
        change,
        Change::InsertIdentifier(_)
            | Change::InsertPassword(_)
            | Change::InsertCredential(_)
            | Change::InsertSession(_)
    )
}

/// Why the guard of a change failed.
async fn why(db: &mut Transaction<'_>, change: &Change) -> Result<GuardReason, Refusal> {
    match change {
        Change::InsertUser(user) => user::why_not_inserted(db, user).await,
        Change::UpdateUser(user) => user::why_not_written(db, user.id).await,
        Change::PurgeUser { id, .. } => user::why_not_written(db, *id).await,
        Change::InsertIdentifier(new) => identifier::why_not_inserted(db, new).await,
        Change::UpdateIdentifier(identifier) => {
            identifier::why_not_written(db, identifier.id).await
        }
        Change::DeleteIdentifier { id, .. } => identifier::why_not_written(db, *id).await,
        Change::InsertPassword(password) => password::why_not_inserted(db, password).await,
        Change::UpdatePassword(password) => password::why_not_updated(db, password).await,
        Change::InsertCredential(new) => credential::why_not_inserted(db, new).await,
        Change::UpdateCredential(credential) => {
            credential::why_not_written(db, credential.id).await
        }
        Change::DeleteCredential { id, .. } => credential::why_not_written(db, *id).await,
        Change::InsertSession(session) => session::why_not_inserted(db, session).await,
        Change::TouchSession { id, .. } | Change::RevokeSession { id, .. } => {
            session::why_not_written(db, *id, None).await
        }
        Change::RotateRefresh { id, .. } => {
            let own = Some(GuardReason::RefreshNotCurrent);
            session::why_not_written(db, *id, own).await
        }
        Change::ReauthenticateSession { id, .. } => {
            let own = Some(GuardReason::VersionMismatch);
            session::why_not_written(db, *id, own).await
        }
        Change::RevokeUserSessions { .. } => Ok(GuardReason::NotFound),
        Change::InsertAttempt(attempt) => attempt::why_not_inserted(db, attempt).await,
        Change::UpdateAttempt(attempt) => attempt::why_not_updated(db, attempt).await,
        Change::EnqueueMessage(message) => message::why_not_inserted(db, message).await,
        Change::UpdateMessage(message) => message::why_not_written(db, message.id).await,
        Change::DeleteMessage { id, .. } => message::why_not_written(db, *id).await,
        Change::InsertConnection(new) => provider_connection::why_not_inserted(db, new).await,
        Change::UpdateConnection(connection) => {
            provider_connection::why_not_written(db, connection.id).await
        }
        Change::DeleteConnection { id, .. } => provider_connection::why_not_written(db, *id).await,
        Change::InsertSigningKey { key, .. } => signing_key::why_not_inserted(db, key).await,
        // The others have no guard that could fail.
        _ => Err(Refusal::Moved),
    }
}
