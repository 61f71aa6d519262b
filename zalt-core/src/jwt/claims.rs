use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::environment::Timestamp;

/// What an access token says (RFC 9068, section 2.2, with the session and the factors).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The issuer: the base URL of the server that signed the token.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// Whom the token is for.
    pub aud: Audience,
    /// When it ends.
    pub exp: NumericDate,
    /// When it was issued.
    pub iat: NumericDate,
    /// When it starts.
    pub nbf: NumericDate,
    /// An id of its own.
    pub jti: String,
    /// The session that it was issued in.
    pub sid: String,
    /// The factors of the session's authentication (RFC 8176).
    pub amr: Vec<String>,
    /// When the user last authenticated.
    pub auth_time: NumericDate,
    /// What the operator adds.
    #[serde(flatten)]
    pub custom: CustomClaims,
}

/// The `aud` claim: one audience, or several (RFC 7519, section 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One audience, written as a string.
    One(String),
    /// Several, written as an array.
    Many(Vec<String>),
}

impl Audience {
    /// Whether `audience` is named, compared exactly.
    pub fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

/// Seconds since 1970-01-01T00:00:00Z, as a JWT writes an instant (RFC 7519, section 2).
///
/// Written as an integer; fractions are read. Values before 1970 or past the year 9999 count as those bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumericDate(Timestamp);

impl NumericDate {
    /// The instant.
    pub const fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for NumericDate {
    /// Cut to whole seconds, since that is what a token can say.
    fn from(at: Timestamp) -> Self {
        Self(Timestamp::from_unix_seconds(at.unix_seconds()))
    }
}

impl Serialize for NumericDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.unix_seconds())
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_f64(NumericDateVisitor)
    }
}

struct NumericDateVisitor;

impl Visitor<'_> for NumericDateVisitor {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")
    }

    fn visit_i64<E>(self, seconds: i64) -> Result<NumericDate, E> {
        Ok(NumericDate(Timestamp::from_unix_seconds(seconds)))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
        self.visit_i64(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float saturates when cast, and the timestamp is held to its bounds anyway"
    )]
    fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
        Ok(NumericDate(Timestamp::from_unix_millis(
            (seconds * 1000.0) as i64,
        )))
    }
}

/// Claims that the operator adds to access tokens, such as a plan or a tenant.
///
/// They travel with every request and anyone who holds the token can read them: no personal data, no secrets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomClaims(Map<String, Value>);

/// Why custom claims were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CustomClaimsError {
    /// The name has a meaning of its own in tokens.
    #[error("the claim name {name:?} is reserved")]
    Reserved {
        /// The name in question.
        name: String,
    },
    /// More than [`CustomClaims::MAX_BYTES`] as JSON.
    #[error(
        "the custom claims have {bytes} bytes; at most {} are allowed",
        CustomClaims::MAX_BYTES
    )]
    TooLarge {
        /// Their size as JSON.
        bytes: usize,
    },
}

/// Ours, and those of RFC 7519, RFC 7800, RFC 8693, RFC 9068 and OpenID Connect that a reader acts on.
const RESERVED: [&str; 20] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "sid",
    "amr",
    "auth_time",
    "acr",
    "act",
    "may_act",
    "azp",
    "client_id",
    "cnf",
    "events",
    "nonce",
    "scope",
    "typ",
];

impl CustomClaims {
    /// The largest size as JSON, in bytes.
    pub const MAX_BYTES: usize = 2048;

    /// Checks names and size.
    pub fn new(claims: Map<String, Value>) -> Result<Self, CustomClaimsError> {
        if let Some(name) = claims.keys().find(|name| RESERVED.contains(&name.as_str())) {
            return Err(CustomClaimsError::Reserved { name: name.clone() });
        }
        let claims = Self(claims);
        let bytes = Value::Object(claims.0.clone()).to_string().len();
        if bytes > Self::MAX_BYTES {
            return Err(CustomClaimsError::TooLarge { bytes });
        }
        Ok(claims)
    }

    /// The value of a claim.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All of them.
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_claims_neither_shadow_the_token_nor_bloat_it() {
        let of = |name: &str, value: Value| {
            CustomClaims::new(Map::from_iter([(name.to_owned(), value)]))
        };
        for name in RESERVED {
            let reserved = CustomClaimsError::Reserved { name: name.into() };
            assert_eq!(of(name, Value::Null), Err(reserved));
        }
        // {"a":"…"} is eight bytes around the text.
        assert!(of("a", "x".repeat(2040).into()).is_ok());
        let large = of("a", "x".repeat(2041).into());
        assert_eq!(large, Err(CustomClaimsError::TooLarge { bytes: 2049 }));
    }

    #[test]
    fn a_numeric_date_is_written_whole_and_read_with_fractions() {
        let date = NumericDate::from(Timestamp::from_unix_millis(1_700_000_000_999));
        assert_eq!(serde_json::to_string(&date).unwrap(), "1700000000");
        for (json, millis) in [
            ("1700000000", 1_700_000_000_000),
            ("1700000000.25", 1_700_000_000_250),
            ("1.7e9", 1_700_000_000_000),
            ("-1", 0),
            ("1e300", 253_402_300_799_999),
            ("18446744073709551615", 253_402_300_799_999),
        ] {
            let read: NumericDate = serde_json::from_str(json).unwrap();
            assert_eq!(read.timestamp().unix_millis(), millis, "{json}");
        }
        for json in ["\"1700000000\"", "null", "true", "[1]", "{}"] {
            assert!(serde_json::from_str::<NumericDate>(json).is_err(), "{json}");
        }
    }
}
