use std::time::Duration;

use sqlx::Error;
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, BudgetState, Decision};
use zalt_core::store::StoreError;

use crate::commit;
use crate::database::{Database, Transaction};
use crate::error::Failed;
use crate::sql::{Columns, Value, statements};
use crate::steps::{Step, steps};
use crate::tries::Tries;

statements! {
    BY_KEY = "SELECT count, until, forget_at FROM zalt.budgets WHERE key = $1";
    LOCKED = "SELECT count, until, forget_at FROM zalt.budgets WHERE key = $1 FOR UPDATE";
}

steps! {
    FIRST: Guarded [BUDGETS] =
        "@c AS (INSERT INTO zalt.budgets (key, count, until, forget_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT DO NOTHING RETURNING 1)";
    NEXT: Guarded [BUDGETS] =
        "@c AS (UPDATE zalt.budgets SET count = $2, until = $3, forget_at = $4 \
         WHERE key = $1 AND count = $5 AND until = $6 AND forget_at = $7 RETURNING 1)";
    GIVE_BACK: Unguarded [BUDGETS] = "@b AS (DELETE FROM zalt.budgets WHERE key = $1)";
    GIVE_BACK_TRY: Unguarded [BUDGETS] =
        "@b AS (UPDATE zalt.budgets SET until = GREATEST(until - $2, 0), forget_at = GREATEST(forget_at - $2, 0) WHERE key = $1)";
}

/// How often a state is read and written over if nobody else has written meanwhile, before its row is locked instead.
const RACES: usize = 3;

/// Takes one try. The rule is core's: the state is read, and what the rule makes of it is written only over that same state.
pub(crate) async fn take(
    db: &Database,
    key: BudgetKey,
    budget: &Budget,
    now: Timestamp,
) -> Result<Decision, StoreError> {
    for _ in 0..RACES {
        let state = db
            .first(BY_KEY, &[Value::bytes(key.as_bytes())], read)
            .await?;
        let (next, decision) = budget.take(state, now);
        let Some(next) = next else {
            return Ok(decision);
        };
        if commit::step(db, taken(key, state, next)).await? {
            return Ok(decision);
        }
    }
    // Many want the same budget at once: one after the other, each with the row to itself.
    let mut tries = Tries::new();
    loop {
        match take_locked(db, key, budget, now).await {
            Ok(decision) => return Ok(decision),
            Err(Failed::Again(_) | Failed::Moved) if tries.another().await => {}
            Err(failed) => return Err(failed.into_store_error()),
        }
    }
}

async fn take_locked(
    db: &Database,
    key: BudgetKey,
    budget: &Budget,
    now: Timestamp,
) -> Result<Decision, Failed> {
    let mut transaction = Transaction::begin(db)
        .await
        .map_err(Failed::before_commit)?;
    let values = [Value::bytes(key.as_bytes())];
    let state = transaction.first(LOCKED, &values, read).await;
    let state = state.map_err(Failed::before_commit)?;
    let (next, decision) = budget.take(state, now);
    if let Some(next) = next {
        let step = taken(key, state, next);
        let written = transaction.step(&step).await;
        if !written.map_err(Failed::before_commit)? {
            return Err(Failed::Moved);
        }
    }
    transaction.commit().await.map_err(Failed::at_commit)?;
    Ok(decision)
}

pub(crate) async fn give_back(db: &Database, key: BudgetKey) -> Result<(), StoreError> {
    commit::step(db, given_back(key)).await.map(drop)
}

pub(crate) fn given_back(key: BudgetKey) -> Step {
    Step::new(GIVE_BACK, vec![Value::bytes(key.as_bytes())])
}

/// Gives one try of a rate back, of which one comes back by itself in `each`.
pub(crate) fn try_given_back(key: BudgetKey, each: Duration) -> Step {
    let millis = u64::try_from(each.as_millis()).unwrap_or(i64::MAX.cast_unsigned());
    let values = vec![Value::bytes(key.as_bytes()), Value::count(millis)];
    Step::new(GIVE_BACK_TRY, values)
}

fn taken(key: BudgetKey, state: Option<BudgetState>, next: BudgetState) -> Step {
    let mut values = vec![
        Value::bytes(key.as_bytes()),
        Value::small(next.count),
        Value::instant(next.until),
        Value::instant(next.forget_at),
    ];
    match state {
        None => Step::new(FIRST, values),
        Some(state) => {
            values.push(Value::small(state.count));
            values.push(Value::instant(state.until));
            values.push(Value::instant(state.forget_at));
            Step::new(NEXT, values)
        }
    }
}

fn read(columns: &mut Columns<'_>) -> Result<BudgetState, Error> {
    Ok(BudgetState {
        count: columns.small()?,
        until: columns.instant()?,
        forget_at: columns.instant()?,
    })
}
