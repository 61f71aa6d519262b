use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock};

use crate::database::Sql;
use crate::names::Names;
use crate::sql::Statement;
use crate::steps::{Guard, StepText};
use crate::{
    attempt, budget, credential, event, identifier, message, password, provider_connection, schema,
    session, signing_key, user,
};

/// The statements of one store, with its names in them.
#[derive(Debug)]
pub(crate) struct Texts {
    names: Names,
    fixed: HashMap<&'static str, Arc<str>>,
    /// The statements that batches come to, by the steps that are in them.
    merged: RwLock<HashMap<String, Arc<str>>>,
}

/// A few dozen shapes are all that the use cases of `zalt-core` have. A host that commits batches of its own making does
/// not fill the memory with more.
const MOST_SHAPES: usize = 256;

impl Texts {
    pub(crate) fn new(names: Names) -> Self {
        let fixed = statements()
            .map(|statement| (statement.name, names.qualify(statement.sql).into()))
            .collect();
        Self {
            names,
            fixed,
            merged: RwLock::default(),
        }
    }

    pub(crate) const fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn of(&self, statement: Statement) -> Arc<str> {
        match self.fixed.get(statement.name) {
            Some(sql) => Arc::clone(sql),
            None => self.names.qualify(statement.sql).into(),
        }
    }

    /// One statement of these steps that appends so many events. Nothing of it stays if a guard fails.
    pub(crate) fn merged(&self, steps: &[StepText], parameters: &[usize], events: usize) -> Sql {
        let key = key(steps, events);
        self.known_or(key, || merge(steps, parameters, events))
    }

    /// One step within a transaction, which goes on if its guard fails.
    pub(crate) fn single(&self, step: StepText) -> Sql {
        self.known_or(format!("single {}", step.name), || single(step))
    }

    fn known_or(&self, key: String, make: impl FnOnce() -> String) -> Sql {
        let known = self.merged.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sql) = known.get(&key) {
            return Sql {
                text: Arc::clone(sql),
                is_usual: true,
            };
        }
        let is_usual = known.len() < MOST_SHAPES && key.len() < 1000;
        drop(known);
        let text: Arc<str> = self.names.qualify(&make()).into();
        if is_usual {
            let mut known = self.merged.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(key, Arc::clone(&text));
        }
        Sql { text, is_usual }
    }
}

pub(crate) fn statements() -> impl Iterator<Item = &'static Statement> {
    [
        attempt::STATEMENTS,
        budget::STATEMENTS,
        credential::STATEMENTS,
        identifier::STATEMENTS,
        message::STATEMENTS,
        password::STATEMENTS,
        provider_connection::STATEMENTS,
        schema::STATEMENTS,
        session::STATEMENTS,
        signing_key::STATEMENTS,
        user::STATEMENTS,
    ]
    .into_iter()
    .flatten()
}

fn key(steps: &[StepText], events: usize) -> String {
    let mut key = events.to_string();
    for step in steps {
        key.push(' ');
        key.push_str(step.name);
    }
    key
}

/// Writes a step as a statement that answers whether its guard held.
pub(crate) fn single(step: StepText) -> String {
    let mut sql = String::from("WITH ");
    number(&mut sql, step.sql, 0, 0);
    sql.push_str(match step.guard {
        Guard::Unguarded => " SELECT true",
        Guard::Guarded | Guard::GuardedLast => " SELECT count(*) = 1 FROM c0",
    });
    sql
}

/// Puts steps into one statement. Where that is a single step that writes nothing if its guard fails, it answers whether the
/// guard held. Otherwise a guard that failed makes it divide by zero, which undoes the whole statement.
pub(crate) fn merge(steps: &[StepText], parameters: &[usize], events: usize) -> String {
    if let ([only], 0) = (steps, events)
        && only.guard != Guard::GuardedLast
    {
        return single(*only);
    }
    let mut sql = String::from("WITH ");
    let mut offset = 0;
    let mut guards = Vec::new();
    for (index, (step, parameters)) in steps.iter().zip(parameters).enumerate() {
        if index > 0 {
            sql.push_str(", ");
        }
        number(&mut sql, step.sql, index, offset);
        offset += parameters;
        if step.guard != Guard::Unguarded {
            guards.push((step.writes.first(), index));
        }
    }
    if events > 0 {
        if !steps.is_empty() {
            sql.push_str(", ");
        }
        event::push_insert(&mut sql, offset, events);
    }
    sql.push_str(" SELECT ");
    // Rows are locked in the order of their tables, whatever the order of the changes: of two batches that write the same
    // rows one waits for the other, and not each for the other.
    guards.sort_unstable();
    if guards.is_empty() {
        sql.push_str("true");
    }
    for (position, (_, guard)) in guards.iter().enumerate() {
        let comma = if position > 0 { ", " } else { "" };
        // Writing to a string can't fail.
        let _ = write!(sql, "{comma}1 / (SELECT count(*) FROM c{guard}) = 1");
    }
    sql
}

/// Copies a step with its names and parameters numbered on from those before it.
fn number(sql: &mut String, step: &str, index: usize, offset: usize) {
    let mut rest = step;
    while let Some(start) = rest.find(['@', '$']) {
        let (before, found) = rest.split_at(start);
        sql.push_str(before);
        let is_name = found.starts_with('@');
        let marked = found.get(1..).unwrap_or_default();
        let end = marked
            .find(|letter: char| !letter.is_ascii_alphanumeric())
            .unwrap_or(marked.len());
        let (word, after) = marked.split_at(end);
        // Writing to a string can't fail.
        let _ = if is_name {
            write!(sql, "{word}{index}")
        } else {
            let place: usize = word.parse().unwrap_or_default();
            write!(sql, "${}", place + offset)
        };
        rest = after;
    }
    sql.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::Tables;

    const fn step(sql: &'static str, guard: Guard, writes: Tables) -> StepText {
        StepText {
            name: "step",
            sql,
            writes,
            guard,
        }
    }

    #[test]
    fn steps_are_numbered_through() {
        let update = step(
            "@c AS (UPDATE a SET b = $2 WHERE id = $1 RETURNING 1)",
            Guard::Guarded,
            Tables::SESSIONS,
        );
        let delete = step(
            "@d AS (DELETE FROM b WHERE key = $1)",
            Guard::Unguarded,
            Tables::BUDGETS,
        );
        let insert = step(
            "@u AS (SELECT $1), @c AS (INSERT INTO c SELECT $10 FROM @u)",
            Guard::GuardedLast,
            Tables::USERS,
        );
        assert_eq!(
            merge(&[update], &[2], 0),
            "WITH c0 AS (UPDATE a SET b = $2 WHERE id = $1 RETURNING 1) SELECT count(*) = 1 FROM c0"
        );
        assert_eq!(
            single(insert),
            "WITH u0 AS (SELECT $1), c0 AS (INSERT INTO c SELECT $10 FROM u0) SELECT count(*) = 1 FROM c0"
        );
        assert_eq!(
            merge(&[insert], &[10], 0),
            "WITH u0 AS (SELECT $1), c0 AS (INSERT INTO c SELECT $10 FROM u0) \
             SELECT 1 / (SELECT count(*) FROM c0) = 1"
        );
        assert_eq!(
            merge(&[update, delete, insert], &[2, 1, 10], 0),
            "WITH c0 AS (UPDATE a SET b = $2 WHERE id = $1 RETURNING 1), d1 AS (DELETE FROM b WHERE key = $3), \
             u2 AS (SELECT $4), c2 AS (INSERT INTO c SELECT $13 FROM u2) \
             SELECT 1 / (SELECT count(*) FROM c2) = 1, 1 / (SELECT count(*) FROM c0) = 1"
        );
        assert_eq!(
            merge(&[delete], &[1], 0),
            "WITH d0 AS (DELETE FROM b WHERE key = $1) SELECT true"
        );
    }
}
