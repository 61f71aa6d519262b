//! Time and randomness, passed in.
//!
//! Core never reads a clock or a generator of its own accord: whoever builds a [`Zalt`](crate::Zalt)
//! hands them over, so a test can fix both and a host can prove where its entropy comes from.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The source of "now".
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current instant in UTC.
    fn now(&self) -> Timestamp;
}

/// The source of random bytes. An implementation must be cryptographically secure.
pub trait Rng: Send + Sync + fmt::Debug {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`RngError`] if the source is unavailable; nothing may be minted from the buffer then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RngError>;
}

/// The random source failed; the operation that needed it did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the random source is unavailable")]
pub struct RngError;

/// The operating system's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this type is the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_unix_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The cryptographic library's generator, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(
        clippy::disallowed_methods,
        reason = "this type is the one place that draws from the system generator"
    )]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RngError> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| RngError)
    }
}

/// An instant in UTC with millisecond resolution; RFC 3339 when serialized.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `millis` milliseconds after 1970-01-01T00:00:00Z, held within the years 1970 to 9999.
    pub const fn from_unix_millis(millis: i64) -> Self {
        const LAST: i64 = 253_402_300_799_999;
        if millis < 0 {
            Self(0)
        } else if millis > LAST {
            Self(LAST)
        } else {
            Self(millis)
        }
    }

    /// The instant `seconds` seconds after 1970-01-01T00:00:00Z.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_unix_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, as a JWT NumericDate (RFC 7519, section 2) wants them.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long ago `earlier` was; zero if it lies ahead (a clock that stepped back).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.0.saturating_add(millis))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.0.saturating_sub(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0) * 1_000_000;
        let text = OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .ok()
            .and_then(|at| at.format(&Rfc3339).ok())
            .ok_or(fmt::Error)?;
        f.write_str(&text)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = i128::from(self.0) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .map_err(ser::Error::custom)?
            .format(&Rfc3339)
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at = OffsetDateTime::parse(&text, &Rfc3339).map_err(de::Error::custom)?;
        let millis = at.unix_timestamp_nanos() / 1_000_000;
        i64::try_from(millis)
            .map(Self::from_unix_millis)
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_rfc_3339_and_survives_a_round_trip() {
        let at = Timestamp::from_unix_millis(1_700_000_000_123);
        assert_eq!(at.to_string(), "2023-11-14T22:13:20.123Z");
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
    }

    #[test]
    fn arithmetic_stays_within_the_printable_years() {
        let end = Timestamp::from_unix_millis(i64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(
            Timestamp::from_unix_millis(5) - Duration::from_secs(1),
            Timestamp::from_unix_millis(0)
        );
        assert_eq!(Timestamp::from_unix_millis(5).since(end), Duration::ZERO);
    }
}
