use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ED25519, ParsedPublicKey, RsaPublicKeyComponents, VerificationAlgorithm,
};

use super::algorithm::Curve;
use super::{Algorithm, KeyError, MIN_SHARED_SECRET_BYTES, ed25519};

/// A key that verifies signatures of exactly one algorithm, parsed once.
///
/// It comes from a [`Jwk`](super::Jwk), from a [`SigningKey`](super::SigningKey) or from a shared secret.
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Public(ParsedPublicKey),
    Shared(Arc<hmac::Key>),
}

impl VerifyingKey {
    /// An HS256 key.
    pub fn from_shared_secret(secret: &[u8]) -> Result<Self, KeyError> {
        shared_key(secret).map(Self::shared)
    }

    /// The one algorithm that this key serves.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature`, in the form of RFC 7518 (for ECDSA r and s at fixed length), is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Public(key) => key.verify_sig(message, signature).is_ok(),
            Material::Shared(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }

    pub(super) fn shared(key: Arc<hmac::Key>) -> Self {
        Self {
            algorithm: Algorithm::Hs256,
            material: Material::Shared(key),
        }
    }

    pub(super) fn ed25519(public_key: &[u8; 32]) -> Result<Self, KeyError> {
        if !ed25519::is_sound(public_key) {
            return Err(KeyError::Weak);
        }
        Self::public(Algorithm::EdDsa, &ED25519, public_key)
    }

    /// `point` in uncompressed form (SEC 1, section 2.3.3); the library checks that it lies on the curve.
    pub(super) fn ec(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        Self::public(curve.algorithm(), curve.verification(), point)
    }

    /// Big-endian modulus and exponent without leading zeros.
    pub(super) fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let parameters = algorithm.rsa().ok_or(KeyError::AlgorithmMismatch)?;
        if !rsa_is_sound(n, e) {
            return Err(KeyError::Weak);
        }
        let key = RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(parameters)
            .map_err(|_| KeyError::Malformed)?;
        Ok(Self {
            algorithm,
            material: Material::Public(key),
        })
    }

    fn public(
        algorithm: Algorithm,
        verification: &'static dyn VerificationAlgorithm,
        bytes: &[u8],
    ) -> Result<Self, KeyError> {
        let key = ParsedPublicKey::new(verification, bytes).map_err(|_| KeyError::InvalidPoint)?;
        Ok(Self {
            algorithm,
            material: Material::Public(key),
        })
    }
}

/// An HMAC key holds its padded blocks, over a kilobyte: signer and verifier share it.
pub(super) fn shared_key(secret: &[u8]) -> Result<Arc<hmac::Key>, KeyError> {
    if secret.len() < MIN_SHARED_SECRET_BYTES {
        return Err(KeyError::SecretTooShort {
            length: secret.len(),
        });
    }
    Ok(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
}

/// The library checks the size only when it verifies; a key that could never verify should not exist.
fn rsa_is_sound(n: &[u8], e: &[u8]) -> bool {
    let (Some(first), Some(last)) = (n.first(), n.last()) else {
        return false;
    };
    let bits = n.len() * 8 - first.leading_zeros() as usize;
    let exponent_odd = e.last().is_some_and(|byte| byte % 2 == 1);
    *first != 0
        && last % 2 == 1
        && (2048..=8192).contains(&bits)
        && exponent_odd
        && e.len() <= 4
        && e.first() != Some(&0)
        && e != [1]
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
