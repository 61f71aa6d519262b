//! Commits: a batch as few statements, and where a guard fails, one by one to find which.

mod one_by_one;
pub(crate) mod plan;

use zalt_core::store::{Batch, CommitError, StoreError};

use self::plan::{Part, Plan};
use crate::database::{Database, Sql, Transaction, holds};
use crate::error::{Failed, is_constraint, is_guard};
use crate::sql::arguments;
use crate::steps::Step;
use crate::tries::Tries;

/// How the batches of a store are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// In as few statements as they fit in.
    Merged,
    /// One statement for each step, to hold the other way against.
    OneByOne,
}

/// Applies a batch, and tries again where it was undone for sure and for a reason that passes.
pub(crate) async fn commit(
    database: &Database,
    way: Way,
    batch: &Batch,
) -> Result<(), CommitError> {
    let mut tries = Tries::new();
    loop {
        match apply(database, way, batch).await {
            Ok(()) => return Ok(()),
            Err(failed @ (Failed::Again(_) | Failed::Moved)) => {
                if !tries.another().await {
                    return Err(failed.into());
                }
            }
            Err(failed) => return Err(failed.into()),
        }
    }
}

async fn apply(database: &Database, way: Way, batch: &Batch) -> Result<(), Failed> {
    let done = match way {
        Way::Merged => merged(database, batch).await?,
        Way::OneByOne => Done::Refused,
    };
    match done {
        Done::Applied => Ok(()),
        // By now all guards may hold, and then it is applied.
        Done::Refused => one_by_one::apply(database, batch).await,
    }
}

enum Done {
    Applied,
    /// A guard failed.
    Refused,
}

async fn merged(database: &Database, batch: &Batch) -> Result<Done, Failed> {
    let plan = Plan::of(batch).map_err(|(change, refusal)| Failed::refused(change, refusal))?;
    run(database, &plan.parts).await
}

/// Takes one step, and says whether its guard held.
pub(crate) async fn step(database: &Database, step: Step) -> Result<bool, StoreError> {
    let part = [Part {
        steps: vec![step],
        ..Part::default()
    }];
    let mut tries = Tries::new();
    loop {
        match run(database, &part).await {
            Ok(Done::Applied) => return Ok(true),
            Ok(Done::Refused) => return Ok(false),
            Err(Failed::Again(_) | Failed::Moved) if tries.another().await => {}
            Err(failed) => return Err(failed.into_store_error()),
        }
    }
}

async fn run(database: &Database, parts: &[Part]) -> Result<Done, Failed> {
    match parts {
        [] => Ok(Done::Applied),
        [part] if !database.connections.need_transactions() => alone(database, part).await,
        parts => together(database, parts).await,
    }
}

/// A statement by itself is a transaction: one round trip.
async fn alone(database: &Database, part: &Part) -> Result<Done, Failed> {
    let sql = text(database, part);
    let arguments = arguments(part.values()).map_err(Failed::before_commit)?;
    let mut lease = database
        .connections
        .lease()
        .await
        .map_err(Failed::before_commit)?;
    match lease.rows(&sql, arguments).await {
        Ok(rows) => done(holds(&rows)),
        Err(error) if is_guard(&error) || is_constraint(&error) => Ok(Done::Refused),
        Err(error) => Err(Failed::at_statement(error)),
    }
}

async fn together(database: &Database, parts: &[Part]) -> Result<Done, Failed> {
    let mut transaction = Transaction::begin(database)
        .await
        .map_err(Failed::before_commit)?;
    for part in parts {
        let sql = text(database, part);
        let outcome = match transaction.rows(&sql, part.values()).await {
            Ok(rows) => done(holds(&rows)),
            Err(error) if is_guard(&error) || is_constraint(&error) => Ok(Done::Refused),
            Err(error) => Err(Failed::before_commit(error)),
        };
        if !matches!(outcome, Ok(Done::Applied)) {
            // If it fails, the connection is closed, which undoes the same.
            let _ = transaction.roll_back().await;
            return outcome;
        }
    }
    transaction.commit().await.map_err(Failed::at_commit)?;
    Ok(Done::Applied)
}

fn done(holds: Result<bool, sqlx::Error>) -> Result<Done, Failed> {
    match holds {
        Ok(true) => Ok(Done::Applied),
        Ok(false) => Ok(Done::Refused),
        Err(error) => Err(Failed::before_commit(error)),
    }
}

fn text(database: &Database, part: &Part) -> Sql {
    let texts: Vec<_> = part.steps.iter().map(|step| step.text).collect();
    let parameters: Vec<_> = part.steps.iter().map(|step| step.values.len()).collect();
    database.texts.merged(&texts, &parameters, part.event_count)
}
