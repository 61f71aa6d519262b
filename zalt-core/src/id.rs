//! Typed identifiers: TypeIDs, a short prefix and a UUIDv7 in Crockford base 32.
//!
//! `user_01h455vb4pex5vsknk084sn02q` names its kind when it turns up in a log, sorts by creation time, and
//! can't be passed where another kind is wanted. Format: <https://github.com/jetify-com/typeid>, version 0.3.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::environment::{Rng, RngError, Timestamp};

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {expected}_ and 26 characters of lower-case Crockford base 32")]
pub struct IdError {
    /// The prefix that was expected.
    pub expected: &'static str,
}

macro_rules! define_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The prefix of the textual form, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Mints an id at `now` with fresh randomness (UUIDv7, RFC 9562, section 5.7).
            pub fn mint(now: Timestamp, rng: &dyn Rng) -> Result<Self, RngError> {
                mint_uuid_v7(now, rng).map(Self)
            }

            /// Mints an id that sorts after every one that `sequence` gave before, also within a millisecond and when
            /// the clock steps back (RFC 9562, section 6.2, method 1).
            pub fn mint_in(sequence: &IdSequence, now: Timestamp, rng: &dyn Rng) -> Result<Self, RngError> {
                sequence.mint(now, rng).map(Self)
            }

            /// The id with these 16 bytes, as a store kept them.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// When it was minted, to the millisecond (RFC 9562, section 5.7).
            pub fn minted_at(&self) -> Timestamp {
                let [a, b, c, d, e, f, ..] = self.0;
                Timestamp::from_unix_millis(i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
            }

            /// The 16 bytes of the UUID; their order is the order of creation, to the millisecond.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_", Self::PREFIX)?;
                fmt_base32(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(Self::PREFIX)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(parse_base32)
                    .map(Self)
                    .ok_or(IdError { expected: Self::PREFIX })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )+};
}

define_ids! {
    /// Names a [`User`](crate::user::User).
    UserId = "user";
    /// Names an [`Identifier`](crate::identifier::Identifier).
    IdentifierId = "idn";
    /// Names a [`Credential`](crate::credential::Credential).
    CredentialId = "cred";
    /// Names a [`Session`](crate::session::Session).
    SessionId = "sess";
    /// Names an [`Attempt`](crate::attempt::Attempt).
    AttemptId = "att";
    /// Names an [`Event`](crate::event::Event).
    EventId = "evt";
    /// Names a queued [`Message`](crate::message::Message).
    MessageId = "msg";
    /// Names a [`Connection`](crate::connection::Connection) that was set up at run time.
    ConnectionId = "conn";
}

/// Keeps ids of one process in order where milliseconds are too coarse: events of one commit read as they happened.
#[derive(Debug, Default)]
pub struct IdSequence(AtomicU64);

impl IdSequence {
    /// Twelve bits count within a millisecond; a thirteenth borrows from the next one.
    const COUNTER_BITS: u32 = 12;

    fn mint(&self, now: Timestamp, rng: &dyn Rng) -> Result<[u8; 16], RngError> {
        let from_clock = u64::try_from(now.unix_millis()).unwrap_or(0) << Self::COUNTER_BITS;
        let last = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(from_clock.max(last + 1))
            })
            .unwrap_or_else(|last| last);
        let place = from_clock.max(last + 1);
        let mut random = [0; 10];
        rng.fill(&mut random)?;
        // The first twelve bits after the time are the counter's; the builder overwrites the four of the version.
        let [high, low] = u16::try_from(place & 0xfff).unwrap_or(0).to_be_bytes();
        let [counter_high, counter_low, ..] = &mut random;
        *counter_high = high;
        *counter_low = low;
        let millis = place >> Self::COUNTER_BITS;
        Ok(*uuid::Builder::from_unix_timestamp_millis(millis, &random)
            .as_uuid()
            .as_bytes())
    }
}

fn mint_uuid_v7(now: Timestamp, rng: &dyn Rng) -> Result<[u8; 16], RngError> {
    let mut random = [0; 10];
    rng.fill(&mut random)?;
    let millis = u64::try_from(now.unix_millis()).unwrap_or(0);
    Ok(*uuid::Builder::from_unix_timestamp_millis(millis, &random)
        .as_uuid()
        .as_bytes())
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

fn fmt_base32(bytes: &[u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let value = u128::from_be_bytes(*bytes);
    for place in (0..LENGTH).rev() {
        let digit = (value >> (place * 5)) & 31;
        let letter = usize::try_from(digit)
            .ok()
            .and_then(|digit| ALPHABET.get(digit))
            .ok_or(fmt::Error)?;
        fmt::Write::write_char(f, char::from(*letter))?;
    }
    Ok(())
}

fn parse_base32(text: &str) -> Option<[u8; 16]> {
    // 26 digits hold 130 bits: a first digit above 7 would not fit into 128.
    if text.len() != LENGTH || text.as_bytes().first().is_none_or(|first| *first > b'7') {
        return None;
    }
    let mut value: u128 = 0;
    for letter in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == letter)?;
        value = (value << 5) | u128::try_from(digit).ok()?;
    }
    Some(value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_parses_and_prints() {
        let id = UserId::from_bytes([
            0x01, 0x89, 0x0a, 0x5d, 0xac, 0x96, 0x77, 0x4b, 0xbc, 0xce, 0xb3, 0x02, 0x09, 0x9a,
            0x80, 0x57,
        ]);
        assert_eq!(id.to_string(), "user_01h455vb4pex5vsknk084sn02q");
        assert_eq!("user_01h455vb4pex5vsknk084sn02q".parse(), Ok(id));
    }

    #[test]
    fn another_kind_upper_case_and_overflow_are_refused() {
        let refused = Err(IdError { expected: "user" });
        for text in [
            "sess_01h455vb4pex5vsknk084sn02q",
            "user_01H455VB4PEX5VSKNK084SN02Q",
            "user_81h455vb4pex5vsknk084sn02q",
            "user_01h455vb4pex5vsknk084sn02",
            "user_01h455vb4pex5vsknk084sn02é",
            "user01h455vb4pex5vsknk084sn02q",
            "",
        ] {
            assert_eq!(text.parse::<UserId>(), refused, "{text}");
        }
    }

    #[test]
    fn a_sequence_is_in_order_within_a_millisecond_and_when_the_clock_steps_back() {
        let sequence = IdSequence::default();
        let at = |millis: i64| Timestamp::from_unix_millis(1_700_000_000_000 + millis);
        let mut ids = Vec::new();
        for now in [at(0), at(1), at(1), at(0), at(2)] {
            for _ in 0..2000 {
                ids.push(EventId::mint_in(&sequence, now, &crate::SystemRng).unwrap());
            }
        }
        assert!(ids.is_sorted());
    }

    proptest::proptest! {
        #[test]
        fn every_id_survives_its_text(bytes: [u8; 16]) {
            let id = SessionId::from_bytes(bytes);
            proptest::prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,64}") {
            let _ = text.parse::<UserId>();
        }
    }
}
