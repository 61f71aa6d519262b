use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::digest::TokenDigest;
use super::keys::{EncryptionKeys, Purpose};
use crate::environment::{Rng, RngError};
use crate::id::{AttemptId, SessionId};

/// Text that is not a token of the kind asked for. Says nothing about why: the text is a stranger's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this kind")]
pub struct TokenFormatError;

/// Tokens that carry the id of their row beside 256 random bits.
///
/// The id makes every look-up a read by primary key; the secret is compared with the row's digest in constant time.
macro_rules! define_tokens {
    ($($(#[$doc:meta])* $name:ident { $prefix:literal, $id:ident };)+) => {$(
        $(#[$doc])*
        ///
        /// `Debug` shows the id and never the secret.
        #[derive(Clone)]
        pub struct $name {
            id: $id,
            secret: Zeroizing<[u8; 32]>,
        }

        impl $name {
            /// What the text starts with, so that scanners find leaked ones.
            pub const PREFIX: &'static str = $prefix;

            /// Mints a token for the row `id`.
            pub fn mint(id: $id, rng: &dyn Rng) -> Result<Self, RngError> {
                let mut secret = Zeroizing::new([0; 32]);
                rng.fill(secret.as_mut())?;
                Ok(Self { id, secret })
            }

            /// Reads a token as a client sent it. Only the one canonical spelling is accepted.
            pub fn parse(text: &str) -> Result<Self, TokenFormatError> {
                let bytes: Zeroizing<[u8; 48]> = decode(Self::PREFIX, text)?;
                let (id, secret) = bytes.split_first_chunk::<16>().ok_or(TokenFormatError)?;
                Ok(Self {
                    id: $id::from_bytes(*id),
                    secret: Zeroizing::new(secret.try_into().map_err(|_| TokenFormatError)?),
                })
            }

            /// The row that the token claims to belong to.
            pub const fn id(&self) -> $id {
                self.id
            }

            /// What the store keeps of it.
            pub fn digest(&self) -> TokenDigest {
                TokenDigest::from_bytes(Sha256::digest(self.secret.as_ref()).into())
            }

            /// The text to hand to its holder; nothing else ever shows the secret.
            pub fn expose(&self) -> Zeroizing<String> {
                encode(Self::PREFIX, &[self.id.as_bytes(), self.secret.as_ref()])
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({}, ..)"), self.id)
            }
        }
    )+};
}

define_tokens! {
    /// The opaque token of a session, held in a cookie.
    SessionToken { "zst_", SessionId };
    /// Binds an attempt to the browser or device that began it.
    AttemptToken { "zat_", AttemptId };
    /// The secret in a link that was mailed.
    LinkToken { "zlt_", AttemptId };
}

/// What a device keeps so that it is known again: 256 random bits. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct DeviceToken(Zeroizing<[u8; 32]>);

impl DeviceToken {
    /// What the text starts with, so that scanners find leaked ones.
    pub const PREFIX: &'static str = "zdv_";

    /// Mints a token.
    pub fn mint(rng: &dyn Rng) -> Result<Self, RngError> {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill(secret.as_mut())?;
        Ok(Self(secret))
    }

    /// Reads a token as a client sent it. Only the one canonical spelling is accepted.
    pub fn parse(text: &str) -> Result<Self, TokenFormatError> {
        decode(Self::PREFIX, text).map(Self)
    }

    /// The text to hand to its holder; nothing else ever shows the secret.
    pub fn expose(&self) -> Zeroizing<String> {
        encode(Self::PREFIX, &[self.0.as_ref()])
    }

    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for DeviceToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl Eq for DeviceToken {}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken(..)")
    }
}

/// A refresh token: the session, the number of its rotation, and a MAC under a key that is not in the store.
///
/// The MAC covers a random seed in the session's row too, so neither the store alone nor the key alone yields a
/// token. Because the secret of each generation is derived, the successor of a token whose reply was lost is the
/// same token again without having been kept, and a replay of *any* older generation is recognised as the session's
/// own without a list of spent tokens. A forged one never matches, so a stranger can't revoke a session with it.
#[derive(Clone)]
pub struct RefreshToken {
    session: SessionId,
    generation: u32,
    mac: Zeroizing<[u8; 32]>,
}

impl RefreshToken {
    /// What the text starts with, so that scanners find leaked ones.
    pub const PREFIX: &'static str = "zrt_";

    /// The token of `generation` for `session`, whose row holds `seed`.
    pub(crate) fn derive(
        keys: &EncryptionKeys,
        session: SessionId,
        seed: &[u8; 32],
        generation: u32,
    ) -> Self {
        let mac = keys.mac(
            Purpose::Refresh,
            &[session.as_bytes(), seed, &generation.to_be_bytes()],
        );
        Self {
            session,
            generation,
            mac: Zeroizing::new(mac),
        }
    }

    /// Whether this server issued the token, at whatever generation the session is now.
    pub(crate) fn is_genuine(&self, keys: &EncryptionKeys, seed: &[u8; 32]) -> bool {
        keys.mac_matches(
            Purpose::Refresh,
            &[
                self.session.as_bytes(),
                seed,
                &self.generation.to_be_bytes(),
            ],
            &self.mac,
        )
    }

    /// Reads a token as a client sent it. Only the one canonical spelling is accepted.
    pub fn parse(text: &str) -> Result<Self, TokenFormatError> {
        let bytes: Zeroizing<[u8; 52]> = decode(Self::PREFIX, text)?;
        let (session, rest) = bytes.split_first_chunk::<16>().ok_or(TokenFormatError)?;
        let (generation, mac) = rest.split_first_chunk::<4>().ok_or(TokenFormatError)?;
        Ok(Self {
            session: SessionId::from_bytes(*session),
            generation: u32::from_be_bytes(*generation),
            mac: Zeroizing::new(mac.try_into().map_err(|_| TokenFormatError)?),
        })
    }

    /// The session that the token claims to belong to.
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// How many rotations came before it.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The text to hand to its holder; nothing else ever shows the secret.
    pub fn expose(&self) -> Zeroizing<String> {
        encode(
            Self::PREFIX,
            &[
                self.session.as_bytes(),
                &self.generation.to_be_bytes(),
                self.mac.as_ref(),
            ],
        )
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({}, {}, ..)", self.session, self.generation)
    }
}

fn encode(prefix: &str, parts: &[&[u8]]) -> Zeroizing<String> {
    let bytes = Zeroizing::new(parts.concat());
    let mut text = Zeroizing::new(String::with_capacity(
        prefix.len() + bytes.len().div_ceil(3) * 4,
    ));
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
    text
}

fn decode<const N: usize>(
    prefix: &str,
    text: &str,
) -> Result<Zeroizing<[u8; N]>, TokenFormatError> {
    let body = text.strip_prefix(prefix).ok_or(TokenFormatError)?;
    if body.len() != (N * 4).div_ceil(3) {
        return Err(TokenFormatError);
    }
    // The engine refuses padding and stray trailing bits, so one token has one spelling.
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(body).map_err(|_| TokenFormatError)?);
    let bytes = bytes.as_slice().try_into().map_err(|_| TokenFormatError)?;
    Ok(Zeroizing::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemRng;

    #[test]
    fn a_token_survives_its_text_and_hides_in_debug() {
        let token = SessionToken::mint(SessionId::from_bytes([7; 16]), &SystemRng).unwrap();
        let text = token.expose();
        let parsed = SessionToken::parse(&text).unwrap();
        assert_eq!(parsed.id(), token.id());
        assert_eq!(parsed.digest(), token.digest());
        assert!(!format!("{token:?}").contains(&text[30..]));
    }

    #[test]
    fn another_kind_and_another_spelling_are_refused() {
        let token = SessionToken::mint(SessionId::from_bytes([7; 16]), &SystemRng).unwrap();
        let text = token.expose();
        assert!(AttemptToken::parse(&text).is_err());
        assert!(SessionToken::parse(&format!("{}=", *text)).is_err());
        assert!(SessionToken::parse(&text.replace("zst_", "ZST_")).is_err());
        assert!(SessionToken::parse("zst_").is_err());
    }

    #[test]
    fn a_refresh_token_is_genuine_only_with_its_seed_and_generation() {
        let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
        let session = SessionId::from_bytes([7; 16]);
        let token = RefreshToken::derive(&keys, session, &[1; 32], 4);
        let parsed = RefreshToken::parse(&token.expose()).unwrap();
        assert!(parsed.is_genuine(&keys, &[1; 32]));
        assert!(!parsed.is_genuine(&keys, &[2; 32]));
        let mut other = parsed;
        other.generation = 5;
        assert!(!other.is_genuine(&keys, &[1; 32]));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "(zst_|zrt_|zat_|zlt_)?.{0,80}") {
            let _ = SessionToken::parse(&text);
            let _ = RefreshToken::parse(&text);
            let _ = AttemptToken::parse(&text);
            let _ = LinkToken::parse(&text);
        }
    }
}
