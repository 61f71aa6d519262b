use std::time::Duration;

use rusqlite::{Connection, Error, params};
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, BudgetState, Decision};

use crate::sql::{Columns, execute, first, statements};

statements! {
    BY_KEY = "SELECT count, until, forget_at FROM zalt_budgets WHERE key = ?1";
    PUT =
        "INSERT INTO zalt_budgets (key, count, until, forget_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (key) DO UPDATE SET count = ?2, until = ?3, forget_at = ?4";
    DELETE = "DELETE FROM zalt_budgets WHERE key = ?1";
    GIVE_BACK_TRY =
        "UPDATE zalt_budgets SET until = max(until - ?2, 0), forget_at = max(forget_at - ?2, 0) WHERE key = ?1";
}

/// Takes one try; the caller holds the write lock, so nobody else reads the state in between.
pub(crate) fn take(
    db: &Connection,
    key: BudgetKey,
    budget: &Budget,
    now: Timestamp,
) -> Result<Decision, Error> {
    let state = first(db, BY_KEY, [key.as_bytes()], read)?;
    let (next, decision) = budget.take(state, now);
    if let Some(next) = next {
        execute(
            db,
            PUT,
            params![
                key.as_bytes(),
                next.count,
                next.until.unix_millis(),
                next.forget_at.unix_millis(),
            ],
        )?;
    }
    Ok(decision)
}

pub(crate) fn give_back(db: &Connection, key: BudgetKey) -> Result<(), Error> {
    execute(db, DELETE, [key.as_bytes()])?;
    Ok(())
}

/// Gives one try of a rate back, of which one comes back by itself in `each`.
pub(crate) fn give_back_try(db: &Connection, key: BudgetKey, each: Duration) -> Result<(), Error> {
    let millis = i64::try_from(each.as_millis()).unwrap_or(i64::MAX);
    execute(db, GIVE_BACK_TRY, params![key.as_bytes(), millis])?;
    Ok(())
}

fn read(columns: &mut Columns<'_, '_>) -> Result<BudgetState, Error> {
    Ok(BudgetState {
        count: columns.value()?,
        until: columns.instant()?,
        forget_at: columns.instant()?,
    })
}
