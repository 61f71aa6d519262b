use std::collections::HashMap;

use super::VerifyingKey;

/// The keys that tokens of one issuer may be signed with, by `kid`.
///
/// A `kid` is an opaque map key and nothing else: it is never a path, a URL or part of a query.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(HashMap<Box<str>, VerifyingKey>);

/// The ring holds a key of this `kid` already; which one a token means would be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("two keys have the same kid")]
pub struct DuplicateKid;

impl KeyRing {
    /// A ring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key.
    pub fn insert(&mut self, kid: &str, key: VerifyingKey) -> Result<(), DuplicateKid> {
        if self.0.contains_key(kid) {
            return Err(DuplicateKid);
        }
        self.0.insert(kid.into(), key);
        Ok(())
    }

    /// The key of this `kid`.
    pub fn key(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.get(kid)
    }

    /// The key, if there is one and no other.
    pub fn only_key(&self) -> Option<&VerifyingKey> {
        let mut keys = self.0.values();
        let key = keys.next()?;
        keys.next().is_none().then_some(key)
    }

    /// How many keys the ring holds.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the ring holds no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
