//! What providers publish, kept for a while: their metadata and their keys.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zalt_core::connection::ProviderError;
use zalt_core::{Clock, Timestamp};

/// How many documents are kept at most.
const MAX_SLOTS: usize = 256;

/// However short-lived a provider calls a document.
const MIN_FRESH: Duration = Duration::from_mins(5);

/// However long-lived.
const MAX_FRESH: Duration = Duration::from_hours(12);

/// Where a provider doesn't say.
const DEFAULT_FRESH: Duration = Duration::from_hours(1);

/// How long after it was fetched a document still serves while the provider can't be asked for another.
const USABLE: Duration = Duration::from_hours(24);

/// How long a failure counts for everybody, so that those who wait for a provider that is down don't ask it one by one.
const FAILURE_COUNTS: Duration = Duration::from_secs(5);

/// How often a document is asked for anew before its time, because somebody named a key that is not in it. Whoever sends
/// made-up key ids doesn't make us ask more often.
const MIN_BETWEEN: Duration = Duration::from_mins(1);

/// Documents by their address. Of N callers that need one, one fetches it.
pub(crate) struct Cache<T> {
    slots: Mutex<HashMap<String, Arc<Slot<T>>>>,
    clock: Arc<dyn Clock>,
}

struct Slot<T> {
    fetching: tokio::sync::Mutex<()>,
    state: Mutex<State<T>>,
}

struct State<T> {
    held: Option<Held<T>>,
    failed: Option<(Timestamp, ProviderError)>,
    asked_at: Timestamp,
}

struct Held<T> {
    value: Arc<T>,
    fetched_at: Timestamp,
    fresh_until: Timestamp,
}

/// A document as it was fetched.
pub(crate) struct Fetched<T> {
    pub(crate) value: T,
    /// What `Cache-Control` says (RFC 9111, section 5.2.2.1).
    pub(crate) max_age: Option<Duration>,
}

/// Which document will do.
enum Want<'a, T> {
    /// The one that is held, while it is fresh.
    Fresh,
    /// Another than this one, in which something was missing.
    OtherThan(&'a Arc<T>),
}

impl<T> Cache<T> {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            slots: Mutex::default(),
            clock,
        }
    }

    /// The document at `key`, fetched if it is not here or no longer fresh. `fetch` is not begun where it is not needed.
    pub(crate) async fn get<F>(&self, key: &str, fetch: F) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<Fetched<T>, ProviderError>> + Send,
        T: Send + Sync,
    {
        self.find(key, Want::Fresh, fetch).await
    }

    /// The document that came after `seen`, in which something was missing; `seen` itself if it is too early to ask again
    /// or the provider can't be asked.
    pub(crate) async fn newer_than<F>(
        &self,
        key: &str,
        seen: &Arc<T>,
        fetch: F,
    ) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<Fetched<T>, ProviderError>> + Send,
        T: Send + Sync,
    {
        self.find(key, Want::OtherThan(seen), fetch).await
    }

    async fn find<F>(&self, key: &str, want: Want<'_, T>, fetch: F) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<Fetched<T>, ProviderError>> + Send,
        T: Send + Sync,
    {
        let slot = self.slot(key);
        if let Some(answer) = slot.answer(&want, self.clock.now()) {
            return answer;
        }
        let _fetching = if let Ok(guard) = slot.fetching.try_lock() {
            guard
        } else {
            // Somebody is asking already. What is held is good enough for the others, if it is not too old.
            if let (Want::Fresh, Some(held)) = (&want, slot.usable(self.clock.now())) {
                return Ok(held);
            }
            slot.fetching.lock().await
        };
        if let Some(answer) = slot.answer(&want, self.clock.now()) {
            return answer;
        }
        // Only now: whoever is asking at this moment may bring what is missing.
        if let Want::OtherThan(seen) = want
            && self.clock.now() < slot.state().asked_at + MIN_BETWEEN
        {
            return Ok(Arc::clone(seen));
        }
        slot.state().asked_at = self.clock.now();
        let fetched = fetch.await;
        slot.settle(fetched, self.clock.now())
    }

    fn slot(&self, key: &str) -> Arc<Slot<T>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= MAX_SLOTS {
            let oldest = slots
                .iter()
                .min_by_key(|(_, slot)| slot.state().asked_at)
                .map(|(key, _)| key.clone());
            oldest.and_then(|key| slots.remove(&key));
        }
        let slot = Arc::new(Slot {
            fetching: tokio::sync::Mutex::new(()),
            state: Mutex::new(State {
                held: None,
                failed: None,
                asked_at: Timestamp::from_unix_millis(0),
            }),
        });
        slots.insert(key.to_owned(), Arc::clone(&slot));
        slot
    }
}

impl<T> Slot<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What can be said without asking the provider.
    fn answer(&self, want: &Want<'_, T>, now: Timestamp) -> Option<Result<Arc<T>, ProviderError>> {
        let state = self.state();
        let failed = state
            .failed
            .as_ref()
            .filter(|(at, _)| now < *at + FAILURE_COUNTS);
        match (want, &state.held) {
            (Want::Fresh, Some(held)) if now < held.fresh_until => {
                Some(Ok(Arc::clone(&held.value)))
            }
            (Want::Fresh, Some(held)) if failed.is_some() && held.is_usable(now) => {
                Some(Ok(Arc::clone(&held.value)))
            }
            (Want::OtherThan(seen), Some(held)) if !Arc::ptr_eq(seen, &held.value) => {
                Some(Ok(Arc::clone(&held.value)))
            }
            (Want::Fresh, _) => failed.map(|(_, error)| Err(error.clone())),
            (Want::OtherThan(_), _) => None,
        }
    }

    fn usable(&self, now: Timestamp) -> Option<Arc<T>> {
        let state = self.state();
        let held = state.held.as_ref().filter(|held| held.is_usable(now))?;
        Some(Arc::clone(&held.value))
    }

    fn settle(
        &self,
        fetched: Result<Fetched<T>, ProviderError>,
        now: Timestamp,
    ) -> Result<Arc<T>, ProviderError> {
        match fetched {
            Ok(Fetched { value, max_age }) => {
                let value = Arc::new(value);
                let fresh = max_age.unwrap_or(DEFAULT_FRESH).clamp(MIN_FRESH, MAX_FRESH);
                let mut state = self.state();
                state.failed = None;
                state.held = Some(Held {
                    value: Arc::clone(&value),
                    fetched_at: now,
                    fresh_until: now + fresh,
                });
                Ok(value)
            }
            Err(error) => {
                self.state().failed = Some((now, error.clone()));
                self.usable(now).ok_or(error)
            }
        }
    }
}

impl<T> Held<T> {
    fn is_usable(&self, now: Timestamp) -> bool {
        now < self.fetched_at + USABLE
    }
}

impl<T> fmt::Debug for Cache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache(..)")
    }
}
