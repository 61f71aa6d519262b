use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::compact::{Compact, HeaderBuffer};
use super::json::{JsonFault, Members, Text, read_object};
use super::{Algorithm, Expected, JwtError, KeyRing, NumericDate, VerifyingKey};
use crate::environment::Timestamp;

/// Reads the claims of a token once its signature, its type, its times, its issuer and its audience hold.
///
/// `T` is the caller's view of the payload. Members are unique at every depth by then, whatever `T` is.
pub fn verify<T: DeserializeOwned>(
    token: &str,
    keys: &KeyRing,
    expected: &Expected<'_>,
) -> Result<T, JwtError> {
    let compact = Compact::split(token)?;
    let mut buffer = HeaderBuffer::new();
    let header = compact.header(&mut buffer)?;
    expected.check_type(header.typ.as_deref())?;
    let key = match header.kid.as_deref() {
        Some(kid) => keys.key(kid).ok_or(JwtError::UnknownKid)?,
        None if expected.kid_required => return Err(JwtError::MissingKid),
        None => keys.only_key().ok_or(JwtError::MissingKid)?,
    };
    let payload = compact.payload(&header, key)?;

    let mut registered = Registered::new(expected.audience);
    read_object(&payload, &mut registered).map_err(|fault| match fault {
        JsonFault::Malformed => JwtError::MalformedPayload,
        JsonFault::DuplicateMember => JwtError::DuplicateClaim,
    })?;
    registered.check(expected)?;
    serde_json::from_slice(&payload).map_err(|_| JwtError::UnexpectedClaims)
}

/// What a token's header says of itself: which key to look for, and nothing to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedHeader {
    /// `alg`, if it is one that we verify with.
    pub algorithm: Option<Algorithm>,
    /// `kid`.
    pub kid: Option<String>,
}

/// Reads the header of a token of which nothing is proven, to choose among an issuer's keys before [`verify`].
pub fn unverified_header(token: &str) -> Result<UnverifiedHeader, JwtError> {
    let mut buffer = HeaderBuffer::new();
    let header = Compact::split(token)?.header(&mut buffer)?;
    Ok(UnverifiedHeader {
        algorithm: header.alg.parse().ok(),
        kid: header.kid.map(Cow::into_owned),
    })
}

/// The payload of a JWS whose header names `key`'s algorithm and whose signature is `key`'s.
///
/// Type, key id and claims are not looked at: this is for payloads that are no JWT. For tokens use [`verify`].
pub fn verify_jws(jws: &str, key: &VerifyingKey) -> Result<Vec<u8>, JwtError> {
    let compact = Compact::split(jws)?;
    let mut buffer = HeaderBuffer::new();
    let header = compact.header(&mut buffer)?;
    compact.payload(&header, key)
}

/// The claims that decide whether a token counts (RFC 7519, section 4.1).
struct Registered<'de, 'e> {
    exp: Option<Timestamp>,
    nbf: Option<Timestamp>,
    iat: Option<Timestamp>,
    iss: Option<Cow<'de, str>>,
    audience: &'e str,
    audience_named: bool,
}

impl<'e> Registered<'_, 'e> {
    const fn new(audience: &'e str) -> Self {
        Self {
            exp: None,
            nbf: None,
            iat: None,
            iss: None,
            audience,
            audience_named: false,
        }
    }

    fn check(&self, expected: &Expected<'_>) -> Result<(), JwtError> {
        let leeway = expected.leeway.duration();
        let latest = expected.now + leeway;
        if self.exp.ok_or(JwtError::MissingExpiry)? + leeway <= expected.now {
            return Err(JwtError::Expired);
        }
        if self.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(JwtError::NotYetValid);
        }
        if self.iat.is_some_and(|iat| iat > latest) {
            return Err(JwtError::IssuedInFuture);
        }
        if self.iss.as_deref() != Some(expected.issuer) {
            return Err(JwtError::WrongIssuer);
        }
        if !self.audience_named {
            return Err(JwtError::WrongAudience);
        }
        Ok(())
    }
}

impl<'de> Members<'de> for Registered<'de, '_> {
    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "exp" => self.exp = Some(map.next_value::<NumericDate>()?.timestamp()),
            "nbf" => self.nbf = Some(map.next_value::<NumericDate>()?.timestamp()),
            "iat" => self.iat = Some(map.next_value::<NumericDate>()?.timestamp()),
            "iss" => self.iss = Some(map.next_value_seed(Text)?),
            "aud" => self.audience_named = map.next_value_seed(Names(self.audience))?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Whether `aud`, a string or an array of strings, names this audience.
struct Names<'e>(&'e str);

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E>(self, audience: &str) -> Result<bool, E> {
        Ok(audience == self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        let mut named = false;
        while let Some(audience) = seq.next_element_seed(Text)? {
            named |= audience == self.0;
        }
        Ok(named)
    }
}
