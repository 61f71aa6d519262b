//! What one entry of the stream says.

use redis::{Cmd, Value};
use zalt_core::id::{SessionId, UserId};
use zalt_core::store::Stale;

/// Who announced it, so that a replica does not forget again what it forgot when it wrote it.
const FROM: &str = "from";
/// What is stale: a byte for the kind and the 16 of the id, one after the other.
const STALE: &str = "stale1";

const SESSION: u8 = b's';
const USER: u8 = b'u';
const EVERYTHING: u8 = b'*';

/// An entry of the stream, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its id in the stream.
    pub(super) id: Vec<u8>,
    /// Who announced it, if it says.
    pub(super) from: Option<Vec<u8>>,
    /// What it says.
    pub(super) stale: Vec<Stale>,
}

/// The command that adds an entry, and cuts off the oldest beyond about `length`.
pub(super) fn add(key: &str, length: usize, from: &str, stale: &[Stale]) -> Cmd {
    let mut command = redis::cmd("XADD");
    command.arg(key).arg("MAXLEN").arg("~").arg(length).arg("*");
    command.arg(FROM).arg(from).arg(STALE).arg(encode(stale));
    command
}

fn encode(stale: &[Stale]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(stale.len() * 17);
    for stale in stale {
        match stale {
            Stale::Session(id) => {
                bytes.push(SESSION);
                bytes.extend_from_slice(id.as_bytes());
            }
            Stale::User(id) => {
                bytes.push(USER);
                bytes.extend_from_slice(id.as_bytes());
            }
            // Whatever there may be one day is part of everything.
            _ => return vec![EVERYTHING],
        }
    }
    bytes
}

/// What the bytes say; everything is stale if they say something that this version does not know.
fn decode(mut bytes: &[u8]) -> Vec<Stale> {
    let mut stale = Vec::with_capacity(bytes.len() / 17);
    while let Some((kind, rest)) = bytes.split_first() {
        let Some((id, rest)) = rest.split_first_chunk::<16>() else {
            return vec![Stale::Everything];
        };
        stale.push(match *kind {
            SESSION => Stale::Session(SessionId::from_bytes(*id)),
            USER => Stale::User(UserId::from_bytes(*id)),
            _ => return vec![Stale::Everything],
        });
        bytes = rest;
    }
    stale
}

/// The entries of the one stream in an answer to XREAD, or `None` if it is no such answer. No news are no entries.
pub(super) fn of_read(answer: Value) -> Option<Vec<Entry>> {
    let entries = match answer {
        Value::Nil => return Some(Vec::new()),
        // RESP3 has a map of the streams, RESP2 an array of pairs.
        Value::Map(streams) => single(streams)?.1,
        Value::Array(streams) => {
            let (_, entries) = pair(single(streams)?)?;
            entries
        }
        _ => return None,
    };
    of_range(entries)
}

/// The entries in an answer to XRANGE.
pub(super) fn of_range(answer: Value) -> Option<Vec<Entry>> {
    let Value::Array(entries) = answer else {
        return None;
    };
    entries.into_iter().map(read).collect()
}

fn read(entry: Value) -> Option<Entry> {
    let (id, fields) = pair(entry)?;
    let (Value::BulkString(id), Value::Array(fields)) = (id, fields) else {
        return None;
    };
    let mut entry = Entry {
        id,
        from: None,
        stale: vec![Stale::Everything],
    };
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) =
        (fields.next(), fields.next())
    {
        if name == FROM.as_bytes() {
            entry.from = Some(value);
        } else if name == STALE.as_bytes() {
            entry.stale = decode(&value);
        }
    }
    Some(entry)
}

fn pair(value: Value) -> Option<(Value, Value)> {
    let Value::Array(values) = value else {
        return None;
    };
    let [first, second] = <[Value; 2]>::try_from(values).ok()?;
    Some((first, second))
}

fn single<T>(values: Vec<T>) -> Option<T> {
    let mut values = values.into_iter();
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn entry(fields: Vec<Value>) -> Value {
        Value::Array(vec![text("5-1"), Value::Array(fields)])
    }

    #[test]
    fn what_is_announced_is_heard() {
        let stale = [
            Stale::User(UserId::from_bytes([7; 16])),
            Stale::Session(SessionId::from_bytes([255; 16])),
        ];
        assert_eq!(decode(&encode(&stale)), stale);
        assert_eq!(decode(&encode(&[])), []);
        let all = [stale[0], Stale::Everything, stale[1]];
        assert_eq!(decode(&encode(&all)), [Stale::Everything]);
    }

    #[test]
    fn what_makes_no_sense_means_everything() {
        for bytes in [&b"s"[..], b"*", b"x0123456789abcdef", b"s0123456789abcde"] {
            assert_eq!(decode(bytes), [Stale::Everything], "{bytes:?}");
        }
    }

    #[test]
    fn both_protocols_are_read() {
        let fields = || vec![text(FROM), text("me"), text(STALE), text("")];
        let entries = || Value::Array(vec![entry(fields())]);
        let expected = Some(vec![Entry {
            id: b"5-1".to_vec(),
            from: Some(b"me".to_vec()),
            stale: Vec::new(),
        }]);
        let old = Value::Array(vec![Value::Array(vec![text("key"), entries()])]);
        assert_eq!(of_read(old), expected);
        let new = Value::Map(vec![(text("key"), entries())]);
        assert_eq!(of_read(new), expected);
        assert_eq!(of_read(Value::Nil), Some(Vec::new()));
        assert_eq!(of_read(Value::Okay), None);
    }

    #[test]
    fn an_entry_of_another_form_means_everything() {
        let other = entry(vec![text("stale2"), text("?")]);
        let read = of_range(Value::Array(vec![other])).unwrap();
        assert_eq!(read[0].stale, [Stale::Everything]);
        assert_eq!(read[0].from, None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic_or_keep_quiet(bytes: Vec<u8>) {
            let stale = decode(&bytes);
            let said = encode(&stale);
            let understood = said == bytes;
            proptest::prop_assert!(understood || stale == [Stale::Everything]);
        }
    }
}
