//! What every statement shares: named texts, typed parameters, and columns read in their order.

use std::net::IpAddr;

use serde::Serialize;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgHasArrayType, PgRow, PgTypeInfo};
use sqlx::{Arguments, Column, Encode, Error, Postgres, Row, Type, ValueRef};
use zalt_core::Timestamp;

use crate::error::Unreadable;

/// One statement, with its tables written as `zalt.users`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement {
    /// The module and the constant; it names the statement where its text is looked up.
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// Names the statements of a module, and lists them for [`Texts`](crate::texts::Texts) and for a test that asks PostgreSQL how
/// it would run each.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* const $name: $crate::sql::Statement = $crate::sql::Statement {
            name: concat!(module_path!(), "::", stringify!($name)),
            sql: $sql,
        };)+

        pub(crate) const STATEMENTS: &[$crate::sql::Statement] = &[$($name),+];
    };
}
pub(crate) use statements;

/// A parameter of a statement, of the type that its column has.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Id(Option<[u8; 16]>),
    Ids(Vec<[u8; 16]>),
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
    Json(Option<String>),
    Number(Option<i64>),
    Truth(bool),
}

impl Value {
    pub(crate) const fn id(id: &[u8; 16]) -> Self {
        Self::Id(Some(*id))
    }

    pub(crate) fn maybe_id(id: Option<&[u8; 16]>) -> Self {
        Self::Id(id.copied())
    }

    pub(crate) fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }

    pub(crate) fn maybe_bytes(bytes: Option<&[u8; 32]>) -> Self {
        Self::Bytes(bytes.map(|bytes| bytes.to_vec()))
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(Some(text.into()))
    }

    pub(crate) fn maybe_text(text: Option<impl Into<String>>) -> Self {
        Self::Text(text.map(Into::into))
    }

    /// Text that somebody sent, which may hold any character.
    pub(crate) fn sent(text: Option<&str>) -> Self {
        Self::Text(text.map(escape))
    }

    pub(crate) fn address(ip: Option<IpAddr>) -> Self {
        Self::Text(ip.map(|ip| ip.to_string()))
    }

    /// The JSON text of a value.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, Error> {
        serde_json::to_string(value)
            .map(|text| Self::Json(Some(text)))
            .map_err(|error| Error::Encode(error.into()))
    }

    pub(crate) const fn instant(instant: Timestamp) -> Self {
        Self::Number(Some(instant.unix_millis()))
    }

    pub(crate) fn maybe_instant(instant: Option<Timestamp>) -> Self {
        Self::Number(instant.map(Timestamp::unix_millis))
    }

    pub(crate) const fn count(count: u64) -> Self {
        Self::Number(Some(count.cast_signed()))
    }

    pub(crate) fn small(count: u32) -> Self {
        Self::Number(Some(i64::from(count)))
    }

    pub(crate) fn maybe_small(count: Option<u32>) -> Self {
        Self::Number(count.map(i64::from))
    }

    /// The version after this one. The last one has none, which its column refuses once the guard held.
    pub(crate) fn after_version(version: u64) -> Self {
        Self::Number(version.checked_add(1).map(u64::cast_signed))
    }
}

/// The parameters of a statement as they are sent.
pub(crate) fn arguments<'a>(
    values: impl IntoIterator<Item = &'a Value>,
) -> Result<PgArguments, Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Id(id) => arguments.add(id.as_ref().map(Id)),
            Value::Ids(ids) => arguments.add(ids.iter().map(Id).collect::<Vec<_>>()),
            Value::Bytes(bytes) => arguments.add(bytes.as_deref()),
            Value::Text(text) => arguments.add(text.as_deref()),
            Value::Json(text) => arguments.add(text.as_deref().map(Json)),
            Value::Number(number) => arguments.add(number),
            Value::Truth(truth) => arguments.add(truth),
        }
        .map_err(Error::Encode)?;
    }
    Ok(arguments)
}

/// Sixteen bytes as `UUID`. The driver's own support for it comes with a feature that brings SQLite along.
struct Id<'a>(&'a [u8; 16]);

impl Type<Postgres> for Id<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2950))
    }
}

impl PgHasArrayType for Id<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2951))
    }
}

impl Encode<'_, Postgres> for Id<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0);
        Ok(IsNull::No)
    }
}

/// Text as `JSON`, which keeps it letter by letter.
struct Json<'a>(&'a str);

impl Type<Postgres> for Json<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(114))
    }
}

impl Encode<'_, Postgres> for Json<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

/// PostgreSQL's text holds every character but U+0000, which a client may send all the same.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\0', "\\0")
}

fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next()? {
                '\\' => '\\',
                '0' => '\0',
                _ => return None,
            },
            letter => letter,
        });
    }
    Some(plain)
}

/// Reads what a row says. A plain function, so that it is good for every row.
pub(crate) type Read<T> = fn(&mut Columns<'_>) -> Result<T, Error>;

/// Reads a row of one truth value.
pub(crate) fn only_truth(columns: &mut Columns<'_>) -> Result<bool, Error> {
    columns.truth()
}

/// Reads a row of one instant.
pub(crate) fn only_instant(columns: &mut Columns<'_>) -> Result<Timestamp, Error> {
    columns.instant()
}

/// Reads a row of one number.
pub(crate) fn only_number(columns: &mut Columns<'_>) -> Result<Option<i64>, Error> {
    columns.maybe_number()
}

/// The columns of a row, read one after the other as the statement lists them.
pub(crate) struct Columns<'row> {
    row: &'row PgRow,
    next: usize,
}

impl<'row> Columns<'row> {
    pub(crate) const fn of(row: &'row PgRow) -> Self {
        Self { row, next: 0 }
    }

    fn raw(&mut self) -> Result<Option<&'row [u8]>, Error> {
        let column = self.next;
        self.next += 1;
        let value = self.row.try_get_raw(column)?;
        if value.is_null() {
            Ok(None)
        } else {
            value.as_bytes().map(Some).map_err(Error::Decode)
        }
    }

    fn present(&mut self, expected: &'static str) -> Result<&'row [u8], Error> {
        self.raw()?.ok_or_else(|| self.contradiction(expected))
    }

    fn sized<const N: usize>(&mut self, expected: &'static str) -> Result<Option<[u8; N]>, Error> {
        match self.raw()? {
            None => Ok(None),
            Some(bytes) => match bytes.try_into() {
                Ok(bytes) => Ok(Some(bytes)),
                Err(_) => Err(self.contradiction(expected)),
            },
        }
    }

    fn required<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], Error> {
        self.sized(expected)?
            .ok_or_else(|| self.contradiction(expected))
    }

    pub(crate) fn id(&mut self) -> Result<[u8; 16], Error> {
        self.required("id")
    }

    pub(crate) fn maybe_id(&mut self) -> Result<Option<[u8; 16]>, Error> {
        self.sized("id")
    }

    pub(crate) fn digest(&mut self) -> Result<[u8; 32], Error> {
        self.required("digest")
    }

    pub(crate) fn maybe_digest(&mut self) -> Result<Option<[u8; 32]>, Error> {
        self.sized("digest")
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        self.present("bytes").map(<[u8]>::to_vec)
    }

    pub(crate) fn number(&mut self) -> Result<i64, Error> {
        self.required("number").map(i64::from_be_bytes)
    }

    pub(crate) fn maybe_number(&mut self) -> Result<Option<i64>, Error> {
        Ok(self.sized("number")?.map(i64::from_be_bytes))
    }

    pub(crate) fn truth(&mut self) -> Result<bool, Error> {
        match self.required("truth value")? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(self.contradiction("truth value")),
        }
    }

    pub(crate) fn count(&mut self) -> Result<u64, Error> {
        self.number().map(i64::cast_unsigned)
    }

    /// A count of 32 bits.
    pub(crate) fn small(&mut self) -> Result<u32, Error> {
        let number = self.number()?;
        u32::try_from(number).map_err(|_| self.contradiction("count"))
    }

    pub(crate) fn maybe_small(&mut self) -> Result<Option<u32>, Error> {
        match self.maybe_number()? {
            None => Ok(None),
            Some(number) => match u32::try_from(number) {
                Ok(count) => Ok(Some(count)),
                Err(_) => Err(self.contradiction("count")),
            },
        }
    }

    pub(crate) fn instant(&mut self) -> Result<Timestamp, Error> {
        self.number().map(Timestamp::from_unix_millis)
    }

    pub(crate) fn maybe_instant(&mut self) -> Result<Option<Timestamp>, Error> {
        Ok(self.maybe_number()?.map(Timestamp::from_unix_millis))
    }

    pub(crate) fn text(&mut self) -> Result<String, Error> {
        self.parsed("text", |text| Some(text.to_owned()))
    }

    /// Text that somebody sent.
    pub(crate) fn sent(&mut self) -> Result<Option<String>, Error> {
        self.maybe_parsed("escaped text", unescape)
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
        self.maybe_parsed(expected, parse)?
            .ok_or_else(|| self.contradiction(expected))
    }

    pub(crate) fn maybe_parsed<T>(
        &mut self,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(bytes) = self.raw()? else {
            return Ok(None);
        };
        std::str::from_utf8(bytes)
            .ok()
            .and_then(parse)
            .map(Some)
            .ok_or_else(|| self.contradiction(expected))
    }

    /// Leaves columns out.
    pub(crate) const fn skip(&mut self, columns: usize) {
        self.next += columns;
    }

    /// Whether the next column is null; it stays the next.
    pub(crate) fn is_null(&self) -> Result<bool, Error> {
        Ok(self.row.try_get_raw(self.next)?.is_null())
    }

    /// What to return when columns contradict each other or can't be read; the last one read is named.
    pub(crate) fn contradiction(&self, expected: &'static str) -> Error {
        let column = self.row.columns().get(self.next.saturating_sub(1));
        Error::Decode(Box::new(Unreadable {
            column: column.map_or("?", Column::name).to_owned(),
            expected,
        }))
    }
}

fn from_name<T: DeserializeOwned>(name: &str) -> Option<T> {
    let deserializer: StrDeserializer<'_, ValueError> = name.into_deserializer();
    T::deserialize(deserializer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_survives_escaping() {
        for text in [
            "",
            "Mozilla/5.0 (X11)",
            "a\0b\0",
            "\\",
            "\\0\\\\\0",
            "\u{10ffff}",
        ] {
            let kept = escape(text);
            assert!(!kept.contains('\0'), "{text:?}");
            assert_eq!(unescape(&kept).as_deref(), Some(text), "{kept:?}");
        }
        for broken in ["\\", "a\\b", "\\1"] {
            assert_eq!(unescape(broken), None, "{broken:?}");
        }
    }
}
