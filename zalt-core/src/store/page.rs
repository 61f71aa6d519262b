use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Where the page before it ended; `None` for the first.
    pub after: Option<Cursor>,
    /// How many rows at the most.
    pub limit: PageLimit,
}

/// How many rows a page has at the most: 1 to 100, and 20 where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(u32);

impl PageLimit {
    /// The largest page.
    pub const MAX: Self = Self(100);

    /// A limit, brought into the range from 1 to 100.
    pub const fn clamped(rows: u32) -> Self {
        match rows {
            0 => Self(1),
            1..=100 => Self(rows),
            _ => Self::MAX,
        }
    }

    /// The number of rows.
    pub const fn rows(self) -> u32 {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(20)
    }
}

/// One part of a list. Every list runs from the newest id to the oldest, so rows that are inserted while somebody pages
/// neither shift nor repeat what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of rows that were read with one more than the limit, which tells whether more follow.
    pub fn from_rows(mut rows: Vec<T>, limit: PageLimit, id: impl Fn(&T) -> [u8; 16]) -> Self {
        let wanted = usize::try_from(limit.rows()).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let next = if more {
            rows.last().map(|row| Cursor(id(row)))
        } else {
            None
        };
        Self { data: rows, next }
    }
}

/// A place in a list: the id of the last row that was seen. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor([u8; 16]);

/// Text that is not a cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: pass next_cursor of the page before as it is")]
pub struct CursorError;

impl Cursor {
    /// The place after the row with this id.
    pub const fn after(id: [u8; 16]) -> Self {
        Self(id)
    }

    /// The id of the last row that was seen.
    pub const fn id(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let mut bytes = [0; 16];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Ok(Self(bytes)),
            _ => Err(CursorError),
        }
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_nothing_else_passes() {
        let cursor = Cursor::after([9; 16]);
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "AA", "not a cursor", &"A".repeat(23), &"A".repeat(200)] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }

    #[test]
    fn a_page_names_its_last_row_only_if_more_follow() {
        let rows = vec![[3; 16], [2; 16], [1; 16]];
        let page = Page::from_rows(rows.clone(), PageLimit::clamped(2), |id| *id);
        assert_eq!(page.next, Some(Cursor::after([2; 16])));
        assert_eq!(
            Page::from_rows(rows, PageLimit::clamped(3), |id| *id).next,
            None
        );
    }
}
