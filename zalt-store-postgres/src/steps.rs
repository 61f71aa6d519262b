//! What a change comes to in SQL: steps, each with its guard, of which independent ones go into one statement.

use zalt_core::id::UserId;

use crate::sql::Value;

/// A set of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tables(u16);

impl Tables {
    pub(crate) const USERS: Self = Self(1);
    pub(crate) const USER_COUNTS: Self = Self(1 << 1);
    pub(crate) const IDENTIFIERS: Self = Self(1 << 2);
    pub(crate) const PASSWORDS: Self = Self(1 << 3);
    pub(crate) const SESSIONS: Self = Self(1 << 4);
    pub(crate) const ATTEMPTS: Self = Self(1 << 5);
    pub(crate) const EVENTS: Self = Self(1 << 6);
    pub(crate) const MESSAGES: Self = Self(1 << 7);
    pub(crate) const SIGNING_KEYS: Self = Self(1 << 8);
    pub(crate) const SIGNING_KEY_TURN: Self = Self(1 << 9);
    pub(crate) const BUDGETS: Self = Self(1 << 10);
    pub(crate) const CREDENTIALS: Self = Self(1 << 11);
    pub(crate) const CONNECTIONS: Self = Self(1 << 12);

    pub(crate) const fn of(tables: &[Self]) -> Self {
        let mut all = Self(0);
        let mut rest = tables;
        while let Some((first, others)) = rest.split_first() {
            all = all.and(*first);
            rest = others;
        }
        all
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The place of the first of them in the order of all tables.
    pub(crate) const fn first(self) -> u32 {
        self.0.trailing_zeros()
    }
}

/// Whether a step has a guard, which holds if the expression called `@c` yields a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Any number of rows is right.
    Unguarded,
    /// The step writes nothing unless it holds.
    Guarded,
    /// The step may have written something before it fails, which has to be undone.
    GuardedLast,
}

/// The text of a step: one or more common table expressions, each named with an `@` before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepText {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
    pub(crate) writes: Tables,
    pub(crate) guard: Guard,
}

/// Names the steps of a module, with the tables that each writes, and lists them for a test that asks PostgreSQL how it would
/// run each.
macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident: $guard:ident [$($table:ident),+] = $sql:expr;)+) => {
        $($(#[$doc])* const $name: $crate::steps::StepText = $crate::steps::StepText {
            name: concat!(module_path!(), "::", stringify!($name)),
            sql: $sql,
            writes: $crate::steps::Tables::of(&[$($crate::steps::Tables::$table),+]),
            guard: $crate::steps::Guard::$guard,
        };)+

        #[cfg(test)]
        pub(crate) const STEPS: &[$crate::steps::StepText] = &[$($name),+];
    };
}
pub(crate) use steps;

/// One step of a change with its parameters.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) text: StepText,
    pub(crate) values: Vec<Value>,
    /// The user whose row has to be there already.
    pub(crate) needs: Option<UserId>,
    /// The user whose row this inserts.
    pub(crate) makes: Option<UserId>,
    /// Whether it has to see what others committed while the step before it waited for a lock.
    pub(crate) fresh: bool,
}

impl Step {
    pub(crate) const fn new(text: StepText, values: Vec<Value>) -> Self {
        Self {
            text,
            values,
            needs: None,
            makes: None,
            fresh: false,
        }
    }

    pub(crate) const fn needing(mut self, user: UserId) -> Self {
        self.needs = Some(user);
        self
    }

    pub(crate) const fn making(mut self, user: UserId) -> Self {
        self.makes = Some(user);
        self
    }

    pub(crate) const fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// Whether this may go into one statement with an earlier step. All parts of a statement see what was there before it,
    /// and none sees what the others write; and some engines refuse to write a table twice in one.
    pub(crate) fn goes_with(&self, earlier: &Self) -> bool {
        let sees = self.needs.is_some() && self.needs == earlier.makes;
        !self.fresh && !sees && !self.text.writes.meet(earlier.text.writes)
    }
}
