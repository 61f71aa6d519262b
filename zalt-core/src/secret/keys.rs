use std::fmt;
use std::sync::Arc;

use aws_lc_rs::{hkdf, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::digest::CodeDigest;
use crate::environment::{Rng, RngError};

/// The keys of one application, from which every other secret of the server side is derived.
///
/// The first key seals and signs; the others only open and check, so that a key is replaced by putting the new
/// one in front and taking the old one away once nothing uses it. There is no default.
#[derive(Clone)]
pub struct EncryptionKeys {
    keys: Arc<[DerivedKeys]>,
}

/// Text that does not hold usable keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no key in the text.
    #[error("no encryption key was given: set one of 32 random bytes in base64")]
    Missing,
    /// A key is not base64 of exactly 32 bytes.
    #[error("encryption key {position} is not base64 of exactly 32 bytes")]
    Malformed {
        /// Which of the comma-separated keys, counted from 1.
        position: usize,
    },
    /// The same key stands there twice.
    #[error("encryption key {position} was given before")]
    Duplicate {
        /// Which of the comma-separated keys, counted from 1.
        position: usize,
    },
    /// A key has hardly any entropy, such as all bytes alike.
    #[error("encryption key {position} is not random: make one with `openssl rand -base64 32`")]
    NotRandom {
        /// Which of the comma-separated keys, counted from 1.
        position: usize,
    },
}

/// What a derived key is for. No two purposes share a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Codes sent by mail or SMS.
    Code,
    /// The secrets of refresh tokens.
    Refresh,
    /// Names in the attempt budgets, which a reader of the store should not learn.
    Budget,
    /// Tokens in forms.
    Form,
    /// Recovery codes.
    Recovery,
    /// What is invented of accounts that there are not.
    Decoy,
}

impl EncryptionKeys {
    /// Reads one or more comma-separated keys, each 32 bytes in standard or URL-safe base64; the first is current.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut keys: Vec<DerivedKeys> = Vec::new();
        let given = text.split(',').map(str::trim).filter(|key| !key.is_empty());
        for (position, encoded) in (1..).zip(given) {
            let bytes = decode_key(encoded).ok_or(KeyError::Malformed { position })?;
            if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
                return Err(KeyError::NotRandom { position });
            }
            let derived = DerivedKeys::from_master(&bytes);
            if keys.iter().any(|known| known.id == derived.id) {
                return Err(KeyError::Duplicate { position });
            }
            keys.push(derived);
        }
        if keys.is_empty() {
            return Err(KeyError::Missing);
        }
        Ok(Self { keys: keys.into() })
    }

    /// A fresh random key in the form that [`EncryptionKeys::parse`] reads.
    pub fn generate(rng: &dyn Rng) -> Result<Zeroizing<String>, RngError> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill(bytes.as_mut())?;
        Ok(Zeroizing::new(STANDARD.encode(bytes.as_ref())))
    }

    /// HMAC-SHA-256 under the current key for `purpose`; `parts` are length-prefixed so that no two lists collide.
    pub(crate) fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        self.current()
            .map_or([0; 32], |keys| keys.mac(purpose, parts))
    }

    /// Whether `expected` is the MAC of `parts` under any live key, in constant time per key.
    pub(crate) fn mac_matches(
        &self,
        purpose: Purpose,
        parts: &[&[u8]],
        expected: &[u8; 32],
    ) -> bool {
        self.keys.iter().any(|keys| {
            let actual = CodeDigest::from_bytes(keys.mac(purpose, parts));
            actual == CodeDigest::from_bytes(*expected)
        })
    }

    pub(super) fn current(&self) -> Option<&DerivedKeys> {
        self.keys.first()
    }

    pub(super) fn by_id(&self, id: [u8; 4]) -> Option<&DerivedKeys> {
        self.keys.iter().find(|keys| keys.id == id)
    }
}

impl fmt::Debug for EncryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKeys({} keys)", self.keys.len())
    }
}

/// What one master key yields. The master itself is not kept.
pub(super) struct DerivedKeys {
    /// Tells the key in an envelope; reveals nothing of it.
    pub(super) id: [u8; 4],
    pub(super) seal: Zeroizing<[u8; 32]>,
    code: hmac::Key,
    refresh: hmac::Key,
    budget: hmac::Key,
    form: hmac::Key,
    recovery: hmac::Key,
    decoy: hmac::Key,
}

impl DerivedKeys {
    fn from_master(master: &[u8; 32]) -> Self {
        let derive = |label: &[u8]| {
            let mut out = Zeroizing::new([0; 32]);
            let info = [b"zalt/v1/".as_slice(), label];
            // 32 bytes are far below HKDF's limit of 255 blocks, the only reason for which expand or fill fail.
            let filled = hkdf::Salt::new(hkdf::HKDF_SHA256, b"zalt")
                .extract(master)
                .expand(&info, hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(out.as_mut()));
            debug_assert!(filled.is_ok(), "HKDF yields 32 bytes");
            out
        };
        let mac_key = |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, derive(label).as_ref());
        let [a, b, c, d, ..] = *derive(b"id");
        Self {
            id: [a, b, c, d],
            seal: derive(b"seal"),
            code: mac_key(b"code"),
            refresh: mac_key(b"refresh"),
            budget: mac_key(b"budget"),
            form: mac_key(b"form"),
            recovery: mac_key(b"recovery"),
            decoy: mac_key(b"decoy"),
        }
    }

    fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let key = match purpose {
            Purpose::Code => &self.code,
            Purpose::Refresh => &self.refresh,
            Purpose::Budget => &self.budget,
            Purpose::Form => &self.form,
            Purpose::Recovery => &self.recovery,
            Purpose::Decoy => &self.decoy,
        };
        let mut context = hmac::Context::with_key(key);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        for (to, from) in out.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        out
    }
}

fn decode_key(encoded: &str) -> Option<Zeroizing<[u8; 32]>> {
    let trimmed = encoded
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_");
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(trimmed).ok()?);
    <[u8; 32]>::try_from(bytes.as_slice())
        .ok()
        .map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemRng;

    #[test]
    fn bad_keys_are_refused_with_the_reason() {
        let good = EncryptionKeys::generate(&SystemRng).unwrap();
        assert_eq!(EncryptionKeys::parse(" ,").unwrap_err(), KeyError::Missing);
        assert_eq!(
            EncryptionKeys::parse("c2hvcnQ=").unwrap_err(),
            KeyError::Malformed { position: 1 }
        );
        assert_eq!(
            EncryptionKeys::parse(&format!("{},{}", *good, *good)).unwrap_err(),
            KeyError::Duplicate { position: 2 }
        );
        assert_eq!(
            EncryptionKeys::parse(&STANDARD.encode([7; 32])).unwrap_err(),
            KeyError::NotRandom { position: 1 }
        );
    }

    #[test]
    fn purposes_do_not_share_a_key_and_parts_do_not_run_together() {
        let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
        assert_ne!(
            keys.mac(Purpose::Code, &[b"x"]),
            keys.mac(Purpose::Refresh, &[b"x"])
        );
        assert_ne!(
            keys.mac(Purpose::Code, &[b"ab", b"c"]),
            keys.mac(Purpose::Code, &[b"a", b"bc"])
        );
    }

    #[test]
    fn an_older_key_still_checks_what_it_signed() {
        let old = EncryptionKeys::generate(&SystemRng).unwrap();
        let new = EncryptionKeys::generate(&SystemRng).unwrap();
        let before = EncryptionKeys::parse(&old).unwrap();
        let after = EncryptionKeys::parse(&format!("{},{}", *new, *old)).unwrap();
        let mac = before.mac(Purpose::Code, &[b"123456"]);
        assert!(after.mac_matches(Purpose::Code, &[b"123456"], &mac));
        assert!(!after.mac_matches(Purpose::Code, &[b"123457"], &mac));
        assert!(!EncryptionKeys::parse(&new).unwrap().mac_matches(
            Purpose::Code,
            &[b"123456"],
            &mac
        ));
    }
}
