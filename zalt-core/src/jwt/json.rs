//! JSON objects whose members are unique at every depth (RFC 8259, section 4, leaves duplicates open; two readers
//! then see two different objects).

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonFault {
    Malformed,
    DuplicateMember,
}

/// What a reader takes from the top level of an object; everything else is walked and dropped.
pub(super) trait Members<'de> {
    /// Reads the value of `name` from `map` and returns true, or returns false and leaves it.
    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Takes nothing: only the uniqueness of members is checked.
impl<'de> Members<'de> for () {
    fn take<A: MapAccess<'de>>(&mut self, _: &str, _: &mut A) -> Result<bool, A::Error> {
        Ok(false)
    }
}

/// Reads one JSON object that fills `bytes`.
pub(super) fn read_object<'de>(
    bytes: &'de [u8],
    members: &mut impl Members<'de>,
) -> Result<(), JsonFault> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonFault::Malformed)?;
    let duplicate = Cell::new(false);
    let mut json = serde_json::Deserializer::from_str(text);
    let object = Object {
        unique: Unique(&duplicate),
        members,
    };
    (&mut json)
        .deserialize_map(object)
        .and_then(|()| json.end())
        .map_err(|_| {
            if duplicate.get() {
                JsonFault::DuplicateMember
            } else {
                JsonFault::Malformed
            }
        })
}

struct Object<'a, M> {
    unique: Unique<'a>,
    members: &'a mut M,
}

impl<'de, M: Members<'de>> Visitor<'de> for Object<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = Vec::with_capacity(16);
        while let Some(name) = map.next_key_seed(Text)? {
            if !self.members.take(&name, &mut map)? {
                map.next_value_seed(self.unique)?;
            }
            names.push(name);
        }
        self.unique.require(names)
    }
}

/// Walks any value and raises the flag if an object in it names a member twice.
#[derive(Clone, Copy)]
struct Unique<'a>(&'a Cell<bool>);

impl Unique<'_> {
    fn require<E: Error>(self, mut names: Vec<Cow<'_, str>>) -> Result<(), E> {
        names.sort_unstable();
        if names
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a == b))
        {
            self.0.set(true);
            return Err(E::custom("duplicate member"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = Vec::new();
        while let Some(name) = map.next_key_seed(Text)? {
            map.next_value_seed(self)?;
            names.push(name);
        }
        self.require(names)
    }
}

/// A string, borrowed from the input where it holds no escapes.
pub(super) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_unique_at_every_depth_whatever_their_spelling() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"\u0061":3}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[[{"a":1,"b":0,"a":2}]]}"#,
        ] {
            let read = read_object(json.as_bytes(), &mut ());
            assert_eq!(read, Err(JsonFault::DuplicateMember), "{json}");
        }
        let json = br#"{"a":{"a":[{"a":1},{"a":null}]},"b":1.5,"c":-1,"d":"\n","e":true,"A":[]}"#;
        assert_eq!(read_object(json, &mut ()), Ok(()));
    }

    #[test]
    fn only_one_whole_object_in_utf_8_is_read() {
        let deep = [b"{\"a\":".to_vec(), vec![b'['; 100_000]].concat();
        for json in [
            b"".as_slice(),
            b"[]",
            b"\"text\"",
            b"1",
            b"{}{}",
            b"{} x",
            b"{\"a\":1",
            b"{\"a\":1,}",
            b"{a:1}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":NaN}",
            b"\xef\xbb\xbf{}",
            &deep,
        ] {
            assert_eq!(read_object(json, &mut ()), Err(JsonFault::Malformed));
        }
        assert_eq!(read_object(b" {\n\t} ", &mut ()), Ok(()));
    }
}
