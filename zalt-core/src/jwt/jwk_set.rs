use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::json::{JsonFault, read_object};
use super::jwk::JwkMembers;
use super::{Algorithm, DuplicateKid, Jwk, JwkSetError, KeyError, KeyRing, SigningKey};

const MAX_BYTES: usize = 128 * 1024;
const MAX_KEYS: usize = 100;

/// A set of public keys as an issuer publishes it (RFC 7517, section 5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
    #[serde(skip)]
    skipped: Vec<KeyError>,
}

impl JwkSet {
    /// Reads an issuer's key set.
    ///
    /// Keys that we can't use (of another type or purpose, weak, malformed) are skipped, as RFC 7517, section 5, asks,
    /// and [`JwkSet::skipped`] says why.
    pub fn parse(json: &[u8]) -> Result<Self, JwkSetError> {
        #[derive(Deserialize)]
        struct Members {
            keys: Vec<serde_json::Value>,
        }
        if json.len() > MAX_BYTES {
            return Err(JwkSetError::TooLarge);
        }
        read_object(json, &mut ()).map_err(|fault| match fault {
            JsonFault::Malformed => JwkSetError::Malformed,
            JsonFault::DuplicateMember => JwkSetError::DuplicateMember,
        })?;
        let Members { keys } = serde_json::from_slice(json).map_err(|_| JwkSetError::Malformed)?;
        if keys.len() > MAX_KEYS {
            return Err(JwkSetError::TooManyKeys);
        }
        let mut set = Self::default();
        for key in keys {
            let key = JwkMembers::deserialize(key)
                .map_err(|_| KeyError::Malformed)
                .and_then(Jwk::try_from);
            match key {
                Ok(key) => set.keys.push(key),
                Err(error) => set.skipped.push(error),
            }
        }
        set.require_distinct_kids()?;
        Ok(set)
    }

    /// The public halves of `keys`; a shared secret has none and leaves no trace.
    pub fn of<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> Result<Self, JwkSetError> {
        let public = keys.into_iter().filter_map(SigningKey::public_jwk).cloned();
        Self::from_keys(public)
    }

    /// A set of these keys.
    pub fn from_keys(keys: impl IntoIterator<Item = Jwk>) -> Result<Self, JwkSetError> {
        let set = Self {
            keys: keys.into_iter().collect(),
            skipped: Vec::new(),
        };
        set.require_distinct_kids()?;
        Ok(set)
    }

    /// The usable keys.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Why keys of a parsed set were left out, in their order.
    pub fn skipped(&self) -> &[KeyError] {
        &self.skipped
    }

    /// The keys that have a `kid` and say their algorithm, each bound to its own.
    pub fn key_ring(&self) -> KeyRing {
        self.ring(Jwk::verifying_key)
    }

    /// The keys that have a `kid` and serve `algorithm`, the one that is configured for the issuer.
    pub fn key_ring_for(&self, algorithm: Algorithm) -> KeyRing {
        self.ring(|key| key.verifying_key_for(algorithm))
    }

    fn ring(&self, bind: impl Fn(&Jwk) -> Result<super::VerifyingKey, KeyError>) -> KeyRing {
        let mut ring = KeyRing::new();
        for key in &self.keys {
            if let (Some(kid), Ok(verifying_key)) = (key.kid(), bind(key)) {
                // Ids are distinct in every set, so none is ever refused here.
                let _ = ring.insert(kid, verifying_key);
            }
        }
        ring
    }

    fn require_distinct_kids(&self) -> Result<(), DuplicateKid> {
        let mut seen = HashSet::new();
        if self
            .keys
            .iter()
            .filter_map(Jwk::kid)
            .all(|kid| seen.insert(kid))
        {
            Ok(())
        } else {
            Err(DuplicateKid)
        }
    }
}
