//! The framing of a compact JWS (RFC 7515, section 3.1): three parts and the header.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::MapAccess;

use super::json::{JsonFault, Members, Text, read_object};
use super::{JwtError, MAX_TOKEN_BYTES, VerifyingKey};

/// 1 KiB in base64url. A header needs `alg`, `kid` and `typ`; it is parsed before anything is proven.
const MAX_HEADER_BYTES: usize = 768;

/// The longest signature is that of an 8192-bit RSA key; the decoder asks for room in steps of three.
const MAX_SIGNATURE_BYTES: usize = 1026;

/// A token taken apart; nothing of it is proven.
#[derive(Clone, Copy)]
pub(super) struct Compact<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    signing_input: &'a str,
}

impl<'a> Compact<'a> {
    pub(super) fn split(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwtError::TooLarge);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JwtError::NotCompact)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwtError::NotCompact)?;
        if payload.contains('.') {
            return Err(JwtError::NotCompact);
        }
        Ok(Self {
            header,
            payload,
            signature,
            signing_input,
        })
    }

    /// The header, borrowing from `buffer`.
    pub(super) fn header(self, buffer: &mut HeaderBuffer) -> Result<Header<'_>, JwtError> {
        if self.header.len() > MAX_HEADER_BYTES / 3 * 4 {
            return Err(JwtError::TooLarge);
        }
        Header::parse(decode_into(self.header, &mut buffer.0)?)
    }

    /// The payload, once `key` is of the header's algorithm and the signature is its own.
    pub(super) fn payload(
        self,
        header: &Header<'_>,
        key: &VerifyingKey,
    ) -> Result<Vec<u8>, JwtError> {
        if header.alg != key.algorithm().as_str() {
            return Err(JwtError::WrongAlgorithm);
        }
        if self.signature.len() > MAX_SIGNATURE_BYTES / 3 * 4 {
            return Err(JwtError::InvalidSignature);
        }
        let mut buffer = [0; MAX_SIGNATURE_BYTES];
        let signature = decode_into(self.signature, &mut buffer)?;
        if !key.verifies(self.signing_input.as_bytes(), signature) {
            return Err(JwtError::InvalidSignature);
        }
        URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|_| JwtError::InvalidEncoding)
    }
}

/// Unpadded, and with zero trailing bits: a second spelling of the same bytes would be a second token.
fn decode_into<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], JwtError> {
    let length = URL_SAFE_NO_PAD
        .decode_slice(text, buffer)
        .map_err(|_| JwtError::InvalidEncoding)?;
    buffer.get(..length).ok_or(JwtError::InvalidEncoding)
}

pub(super) struct HeaderBuffer([u8; MAX_HEADER_BYTES]);

impl HeaderBuffer {
    pub(super) const fn new() -> Self {
        Self([0; MAX_HEADER_BYTES])
    }
}

/// What we read of a header. Other members are ignored, as RFC 7515, section 4, asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) alg: Cow<'a, str>,
    pub(super) kid: Option<Cow<'a, str>>,
    pub(super) typ: Option<Cow<'a, str>>,
}

impl<'a> Header<'a> {
    fn parse(json: &'a [u8]) -> Result<Self, JwtError> {
        let mut members = HeaderMembers::default();
        read_object(json, &mut members).map_err(|fault| match fault {
            JsonFault::Malformed => JwtError::MalformedHeader,
            JsonFault::DuplicateMember => JwtError::DuplicateHeaderMember,
        })?;
        if members.extension {
            return Err(JwtError::UnsupportedExtension);
        }
        if members.key {
            return Err(JwtError::KeyInHeader);
        }
        Ok(Self {
            alg: members.alg.ok_or(JwtError::MalformedHeader)?,
            kid: members.kid,
            typ: members.typ,
        })
    }
}

#[derive(Default)]
struct HeaderMembers<'a> {
    alg: Option<Cow<'a, str>>,
    kid: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    extension: bool,
    key: bool,
}

impl<'de> Members<'de> for HeaderMembers<'de> {
    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        let member = match name {
            "alg" => &mut self.alg,
            "kid" => &mut self.kid,
            "typ" => &mut self.typ,
            "crit" | "b64" => {
                self.extension = true;
                return Ok(false);
            }
            "jwk" | "jku" | "x5c" | "x5u" => {
                self.key = true;
                return Ok(false);
            }
            _ => return Ok(false),
        };
        *member = Some(map.next_value_seed(Text)?);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_one_object_without_keys_or_extensions() {
        use JwtError::{DuplicateHeaderMember, KeyInHeader, MalformedHeader, UnsupportedExtension};
        for (json, error) in [
            (r"", MalformedHeader),
            (r"[]", MalformedHeader),
            (r#"{"kid":"a"}"#, MalformedHeader),
            (r#"{"alg":null}"#, MalformedHeader),
            (r#"{"alg":["EdDSA"]}"#, MalformedHeader),
            (r#"{"alg":"EdDSA","kid":7}"#, MalformedHeader),
            (r#"{"alg":"EdDSA","typ":{}}"#, MalformedHeader),
            (r#"{"alg":"EdDSA","alg":"none"}"#, DuplicateHeaderMember),
            (
                r#"{"alg":"EdDSA","x":{"y":1,"y":2}}"#,
                DuplicateHeaderMember,
            ),
            (r#"{"alg":"EdDSA","crit":[]}"#, UnsupportedExtension),
            (r#"{"alg":"EdDSA","b64":true}"#, UnsupportedExtension),
            (r#"{"alg":"EdDSA","jwk":{}}"#, KeyInHeader),
            (r#"{"alg":"EdDSA","jku":"https://a.example"}"#, KeyInHeader),
            (r#"{"alg":"EdDSA","x5c":[]}"#, KeyInHeader),
            (r#"{"alg":"EdDSA","x5\u0075":null}"#, KeyInHeader),
        ] {
            assert_eq!(Header::parse(json.as_bytes()), Err(error), "{json}");
        }
    }

    #[test]
    fn escapes_are_read_and_other_members_ignored() {
        let json = br#"{ "al\u0067":"Ed\u0044SA", "x5t":"a", "kid":"k\n" }"#;
        let header = Header::parse(json).unwrap();
        assert_eq!(header.alg, "EdDSA");
        assert_eq!(header.kid.as_deref(), Some("k\n"));
        assert_eq!(header.typ, None);
    }

    #[test]
    fn a_token_has_three_parts() {
        for token in ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e", "...", "...."] {
            assert!(
                matches!(Compact::split(token), Err(JwtError::NotCompact)),
                "{token}"
            );
        }
        assert!(Compact::split("..").is_ok());
    }
}
