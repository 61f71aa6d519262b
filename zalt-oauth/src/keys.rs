use std::sync::Arc;

use zalt_core::connection::ProviderError;
use zalt_core::jwt::{Algorithm, JwkSet, KeyRing};

use crate::cache::{Cache, Fetched};
use crate::call::{Caller, max_age};
use crate::metadata::Metadata;

/// A provider's keys, bound to the algorithms that it signs with.
#[derive(Debug)]
pub(crate) struct Keys(Vec<(Algorithm, KeyRing)>);

impl Keys {
    /// Keys without an id get their thumbprint for one, so that a token without one finds the only key there is.
    fn of(set: &JwkSet, algorithms: &[Algorithm]) -> Self {
        let rings = algorithms.iter().map(|algorithm| {
            let mut ring = KeyRing::new();
            for key in set.keys() {
                let kid = key.kid().map_or_else(|| key.thumbprint(), str::to_owned);
                if let Ok(verifying) = key.verifying_key_for(*algorithm) {
                    // The set has refused doubled ids already.
                    let _ = ring.insert(&kid, verifying);
                }
            }
            (*algorithm, ring)
        });
        Self(rings.collect())
    }

    pub(crate) fn ring(&self, algorithm: Algorithm) -> Option<&KeyRing> {
        let found = self.0.iter().find(|(known, _)| *known == algorithm);
        found.map(|(_, ring)| ring)
    }
}

/// Where keys are looked up, and renewed when one is missing.
#[derive(Clone, Copy)]
pub(crate) struct KeySource<'a> {
    pub(crate) cache: &'a Cache<Keys>,
    pub(crate) caller: Caller<'a>,
    pub(crate) metadata: &'a Metadata,
}

impl KeySource<'_> {
    pub(crate) async fn current(&self) -> Result<Arc<Keys>, ProviderError> {
        self.cache.get(&self.name()?, self.fetch()).await
    }

    /// The keys after a rotation that left `seen` without the key that a token names.
    pub(crate) async fn after(&self, seen: &Arc<Keys>) -> Result<Arc<Keys>, ProviderError> {
        self.cache
            .newer_than(&self.name()?, seen, self.fetch())
            .await
    }

    /// What the keys are kept under. They are bound to algorithms, of which two issuers with the same keys may have others.
    fn name(&self) -> Result<String, ProviderError> {
        let url = self.metadata.keys.as_ref().ok_or(NO_KEYS)?;
        Ok(format!("{url} {:?}", self.metadata.algorithms))
    }

    async fn fetch(&self) -> Result<Fetched<Keys>, ProviderError> {
        let url = self.metadata.keys.as_ref().ok_or(NO_KEYS)?;
        let answer = self.caller.document(url).await?;
        let set = JwkSet::parse(answer.body()).map_err(|_| NO_KEYS)?;
        Ok(Fetched {
            value: Keys::of(&set, &self.metadata.algorithms),
            max_age: max_age(answer.headers()),
        })
    }
}

const NO_KEYS: ProviderError = ProviderError::BadAnswer {
    what: "the provider's keys",
};
