//! What every statement shares: named texts, cached execution, and columns read in their order.

use std::net::IpAddr;

use rusqlite::types::{FromSql, Type};
use rusqlite::{Connection, Error, OptionalExtension, Params, Row};
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use zalt_core::Timestamp;

use crate::error::Unreadable;

/// Names the statements of a module, and lists them so that a test can ask SQLite how it would run each.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* const $name: &str = $sql;)+

        #[cfg(test)]
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}
pub(crate) use statements;

/// Runs a statement and says how many rows it wrote.
pub(crate) fn execute(db: &Connection, sql: &str, params: impl Params) -> Result<usize, Error> {
    db.prepare_cached(sql)?.execute(params)
}

/// Whether a query has any row.
pub(crate) fn exists(db: &Connection, sql: &str, params: impl Params) -> Result<bool, Error> {
    db.prepare_cached(sql)?.exists(params)
}

/// The first row of a query, if there is one.
pub(crate) fn first<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&mut Columns<'_, '_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    db.prepare_cached(sql)?
        .query_row(params, |row| read(&mut Columns::of(row)))
        .optional()
}

/// Every row of a query.
pub(crate) fn all<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&mut Columns<'_, '_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    db.prepare_cached(sql)?
        .query_map(params, |row| read(&mut Columns::of(row)))?
        .collect()
}

/// Reads a row of one column.
pub(crate) fn only<T: FromSql>(columns: &mut Columns<'_, '_>) -> Result<T, Error> {
    columns.value()
}

/// The columns of a row, read one after the other as the statement lists them.
pub(crate) struct Columns<'row, 'statement> {
    row: &'row Row<'statement>,
    next: usize,
}

impl<'row, 'statement> Columns<'row, 'statement> {
    fn of(row: &'row Row<'statement>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column as what SQLite keeps: a number, text, or bytes of a fixed length.
    pub(crate) fn value<T: FromSql>(&mut self) -> Result<T, Error> {
        let column = self.next;
        self.next += 1;
        self.row.get(column)
    }

    pub(crate) fn count(&mut self) -> Result<u64, Error> {
        self.value().map(i64::cast_unsigned)
    }

    pub(crate) fn instant(&mut self) -> Result<Timestamp, Error> {
        self.value().map(Timestamp::from_unix_millis)
    }

    pub(crate) fn maybe_instant(&mut self) -> Result<Option<Timestamp>, Error> {
        let millis: Option<i64> = self.value()?;
        Ok(millis.map(Timestamp::from_unix_millis))
    }

    /// JSON text.
    pub(crate) fn json<T: DeserializeOwned>(&mut self, expected: &'static str) -> Result<T, Error> {
        self.parsed(expected, |text| serde_json::from_str(text).ok())
    }

    /// One of the names that `serde` gives the variants of an enum.
    pub(crate) fn name<T: DeserializeOwned>(&mut self, expected: &'static str) -> Result<T, Error> {
        self.parsed(expected, from_name)
    }

    pub(crate) fn maybe_name<T: DeserializeOwned>(
        &mut self,
        expected: &'static str,
    ) -> Result<Option<T>, Error> {
        self.maybe_parsed(expected, from_name)
    }

    pub(crate) fn maybe_ip(&mut self) -> Result<Option<IpAddr>, Error> {
        self.maybe_parsed("IP address", |text| text.parse().ok())
    }

    /// Text that a parser takes.
    pub(crate) fn parsed<T>(
        &mut self,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let column = self.next;
        self.maybe_parsed(expected, parse)?
            .ok_or_else(|| self.unreadable(column, expected))
    }

    pub(crate) fn maybe_parsed<T>(
        &mut self,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let column = self.next;
        self.next += 1;
        let unreadable = || self.unreadable(column, expected);
        let value = self.row.get_ref(column)?;
        match value.as_str_or_null().map_err(|_| unreadable())? {
            None => Ok(None),
            Some(text) => parse(text).map(Some).ok_or_else(unreadable),
        }
    }

    /// What to return when columns contradict each other or can't be read; the last one read is named.
    pub(crate) fn contradiction(&self, expected: &'static str) -> Error {
        self.unreadable(self.next.saturating_sub(1), expected)
    }

    fn unreadable(&self, column: usize, expected: &'static str) -> Error {
        let name = self.row.as_ref().column_name(column).unwrap_or("?");
        Error::FromSqlConversionFailure(
            column,
            Type::Text,
            Box::new(Unreadable {
                column: name.to_owned(),
                expected,
            }),
        )
    }
}

fn from_name<T: DeserializeOwned>(name: &str) -> Option<T> {
    let deserializer: StrDeserializer<'_, ValueError> = name.into_deserializer();
    T::deserialize(deserializer).ok()
}
