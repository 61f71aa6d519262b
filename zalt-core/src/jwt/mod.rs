//! Signed tokens: compact JWS (RFC 7515) and JWT (RFC 7519), read strictly.
//!
//! The signature primitives are the cryptographic library's; the framing is ours, because what breaks token
//! checks in practice is the framing. The rules, and the attack each one answers:
//!
//! - A [`VerifyingKey`] serves exactly one [`Algorithm`] and the header must name that one: no `none`, no
//!   public key used as an HMAC secret, no downgrade (RFC 8725, sections 3.1 and 3.2).
//! - Keys are found by `kid` in a [`KeyRing`] and nowhere else. A header that brings its own key (`jwk`, `jku`,
//!   `x5u`, `x5c`) is refused, and so are `crit` and `b64`.
//! - `typ` is checked, so a token of one kind is not accepted as another (RFC 8725, section 3.11).
//! - base64url has one spelling only, JSON members are unique at every depth, text is UTF-8, sizes are capped:
//!   two readers can't see two different tokens in one string.
//! - Nothing in the payload is decoded before the signature holds.
//!
//! ```
//! use std::time::Duration;
//! use zalt_core::jwt::{
//!     AccessClaims, Audience, Expected, KeyRing, SigningAlgorithm, SigningKey, TokenType, verify,
//! };
//! use zalt_core::{SystemRng, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (key, _private_bytes_to_seal) = SigningKey::generate(SigningAlgorithm::EdDsa, &SystemRng)?;
//! let mut ring = KeyRing::new();
//! ring.insert(key.kid(), key.verifying_key())?;
//!
//! let now = Timestamp::from_unix_seconds(1_700_000_000);
//! let claims = AccessClaims {
//!     iss: "https://auth.example.com".into(),
//!     sub: "user_01h455vb4pex5vsknk084sn02q".into(),
//!     aud: Audience::One("https://app.example.com".into()),
//!     exp: (now + Duration::from_secs(300)).into(),
//!     iat: now.into(),
//!     nbf: now.into(),
//!     jti: "t1".into(),
//!     sid: "session_01h455vb4pex5vsknk084sn02q".into(),
//!     amr: vec!["pwd".into()],
//!     auth_time: now.into(),
//!     custom: Default::default(),
//! };
//! let token = key.sign(TokenType::ACCESS, &claims)?;
//!
//! let expected = Expected::access_token("https://auth.example.com", "https://app.example.com", now);
//! let read: AccessClaims = verify(&token, &ring, &expected)?;
//! assert_eq!(read, claims);
//! # Ok(())
//! # }
//! ```

mod algorithm;
mod claims;
mod compact;
mod ed25519;
mod error;
mod expected;
mod json;
mod jwk;
mod jwk_set;
mod key_ring;
mod signing_key;
#[cfg(test)]
mod tests;
mod token_type;
mod verify;
mod verifying_key;

pub use algorithm::{Algorithm, SigningAlgorithm, UnknownAlgorithm};
pub use claims::{AccessClaims, Audience, CustomClaims, CustomClaimsError, NumericDate};
pub use error::{JwkSetError, JwtError, KeyError, SignError};
pub use expected::{Expected, Leeway};
pub use jwk::Jwk;
pub use jwk_set::JwkSet;
pub use key_ring::{DuplicateKid, KeyRing};
pub use signing_key::{PrivateKeyBytes, SigningKey};
pub use token_type::TokenType;
pub use verify::{UnverifiedHeader, unverified_header, verify, verify_jws};
pub use verifying_key::VerifyingKey;

/// The longest token that is signed or looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The shortest shared secret for HS256, in bytes: as long as its digest (RFC 7518, section 3.2).
pub const MIN_SHARED_SECRET_BYTES: usize = 32;
