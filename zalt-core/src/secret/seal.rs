use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::keys::EncryptionKeys;
use crate::environment::{Rng, RngError};

/// A secret at rest: XChaCha20-Poly1305 under a derived key, bound to the row that it belongs to.
///
/// Layout: one version byte, four bytes of key id, 24 bytes of nonce, ciphertext and tag. The associated data is
/// the kind and id of the row (`msg_…`), so an envelope that is copied into another row does not open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(Vec<u8>);

/// An envelope that could not be made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The bytes are not an envelope of a known version.
    #[error("the sealed value has an unknown format")]
    Format,
    /// The key that sealed it is not among the live ones.
    #[error("the sealed value needs an encryption key that is no longer configured")]
    UnknownKey,
    /// The envelope was changed, or belongs to another row.
    #[error("the sealed value does not open: it was changed or belongs to another row")]
    Tampered,
    /// No randomness for the nonce.
    #[error(transparent)]
    Rng(#[from] RngError),
}

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;

impl Sealed {
    /// The envelope with these bytes, as a store kept them.
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

impl EncryptionKeys {
    /// Seals `plaintext` for the row that `row` names: its kind and id, so that no two rows have one name.
    pub fn seal(&self, row: &[u8], plaintext: &[u8], rng: &dyn Rng) -> Result<Sealed, SealError> {
        let keys = self.current().ok_or(SealError::UnknownKey)?;
        let mut nonce = [0; NONCE];
        rng.fill(&mut nonce)?;
        let ciphertext = XChaCha20Poly1305::new((&*keys.seal).into())
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: plaintext,
                    aad: row,
                },
            )
            .map_err(|_| SealError::Format)?;
        let mut envelope = Vec::with_capacity(1 + KEY_ID + NONCE + ciphertext.len());
        envelope.push(VERSION);
        envelope.extend_from_slice(&keys.id);
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&ciphertext);
        Ok(Sealed(envelope))
    }

    /// Opens an envelope that was sealed for `row` under any live key.
    pub fn open(&self, row: &[u8], sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = sealed.0.split_first().ok_or(SealError::Format)?;
        if *version != VERSION {
            return Err(SealError::Format);
        }
        let (id, rest) = rest
            .split_first_chunk::<KEY_ID>()
            .ok_or(SealError::Format)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Format)?;
        let keys = self.by_id(*id).ok_or(SealError::UnknownKey)?;
        XChaCha20Poly1305::new((&*keys.seal).into())
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: ciphertext,
                    aad: row,
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| SealError::Tampered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemRng;

    fn keys() -> EncryptionKeys {
        EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap()
    }

    #[test]
    fn an_envelope_opens_only_for_its_row_and_unchanged() {
        let keys = keys();
        let sealed = keys.seal(b"message 1", b"secret", &SystemRng).unwrap();
        assert_eq!(
            keys.open(b"message 1", &sealed).unwrap().as_slice(),
            b"secret"
        );
        assert_eq!(
            keys.open(b"message 2", &sealed).unwrap_err(),
            SealError::Tampered
        );
        let mut changed = sealed.clone();
        *changed.0.last_mut().unwrap() ^= 1;
        assert_eq!(
            keys.open(b"message 1", &changed).unwrap_err(),
            SealError::Tampered
        );
        assert_eq!(
            keys.open(b"message 1", &Sealed(vec![1, 2])).unwrap_err(),
            SealError::Format
        );
        assert_eq!(
            self::keys().open(b"message 1", &sealed).unwrap_err(),
            SealError::UnknownKey
        );
    }

    #[test]
    fn sealing_twice_gives_different_envelopes() {
        let keys = keys();
        let first = keys.seal(b"row", b"secret", &SystemRng).unwrap();
        assert_ne!(first, keys.seal(b"row", b"secret", &SystemRng).unwrap());
    }
}
