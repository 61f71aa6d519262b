use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::mpsc;
use url::Url;

use crate::access_token::AccessTokens;
use crate::attempt::{AddressVerifications, SignIns, SignUps};
use crate::budget::{Budget, BudgetKey, BudgetStore, Decision};
use crate::builder::ZaltBuilder;
use crate::config::Config;
use crate::connection::{Connections, ProviderProtocol, Refreshing};
use crate::credential::Credentials;
use crate::environment::{Clock, Rng, Timestamp};
use crate::error::Error;
use crate::event::{Actor, Event, EventKind};
use crate::id::{EventId, IdSequence, UserId};
use crate::passkey::PasskeyVerifier;
use crate::password::HashingPool;
use crate::request::RequestContext;
use crate::safety::Safety;
use crate::secret::{EncryptionKeys, Purpose};
use crate::session::{AuthenticationMethod, Sessions};
use crate::store::{Batch, Change, CommitError, Store, StoreError};
use crate::user::Users;

/// One application: its users, its rules and the store that keeps it.
///
/// Cheap to clone, and everything hangs on it; there is no global state, so several may live in one process.
#[derive(Clone)]
pub struct Zalt {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) account_budgets: Arc<dyn BudgetStore>,
    pub(crate) network_budgets: Arc<dyn BudgetStore>,
    pub(crate) passkeys: Option<Arc<dyn PasskeyVerifier>>,
    pub(crate) connections: Option<Arc<dyn ProviderProtocol>>,
    pub(crate) refreshing: Refreshing,
    pub(crate) keys: EncryptionKeys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) config: Config,
    pub(crate) base_url: Url,
    pub(crate) hashing: HashingPool,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) wake_worker: Mutex<mpsc::Sender<()>>,
    pub(crate) worker_seen_at: AtomicI64,
    pub(crate) event_ids: IdSequence,
}

impl Zalt {
    /// Begins an application at `base_url` that is kept in `store`, with `keys` for all that is sealed.
    ///
    /// The base URL is the origin that people and tokens name: `https://auth.example.com`. Links are built from it and
    /// never from a request.
    pub fn builder<S>(store: S, keys: EncryptionKeys, base_url: &str) -> ZaltBuilder
    where
        S: Store + BudgetStore + 'static,
    {
        let store = Arc::new(store);
        ZaltBuilder::new(store.clone(), store, keys, base_url)
    }

    /// The same for a store of whatever kind, with the place where the budgets that guard accounts are kept.
    pub fn builder_on(
        store: Arc<dyn Store>,
        account_budgets: Arc<dyn BudgetStore>,
        keys: EncryptionKeys,
        base_url: &str,
    ) -> ZaltBuilder {
        ZaltBuilder::new(store, account_budgets, keys, base_url)
    }

    /// Signing in.
    pub const fn sign_ins(&self) -> SignIns<'_> {
        SignIns::new(self)
    }

    /// Signing up.
    pub const fn sign_ups(&self) -> SignUps<'_> {
        SignUps::new(self)
    }

    /// Sessions and their tokens.
    pub const fn sessions(&self) -> Sessions<'_> {
        Sessions::new(self)
    }

    /// Users and what belongs to them.
    pub const fn users(&self) -> Users<'_> {
        Users::new(self)
    }

    /// The credentials of users beside their passwords.
    pub const fn credentials(&self) -> Credentials<'_> {
        Credentials::new(self)
    }

    /// Connections to providers, and what people do with them.
    pub const fn connections(&self) -> Connections<'_> {
        Connections::new(self)
    }

    /// Freezing an account and recovering it.
    pub const fn safety(&self) -> Safety<'_> {
        Safety::new(self)
    }

    /// Proofs of holding an address or a number that a user added.
    pub const fn address_verifications(&self) -> AddressVerifications<'_> {
        AddressVerifications::new(self)
    }

    /// The keys of access tokens.
    pub fn access_tokens(&self) -> &AccessTokens {
        &self.inner.access_tokens
    }

    /// The choices that the application was built with.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The origin that people and tokens name.
    pub fn base_url(&self) -> &Url {
        &self.inner.base_url
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.inner.store
    }

    /// The time by the clock of the application.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The keys of the application, for adapters that seal state of their own.
    pub fn encryption_keys(&self) -> &EncryptionKeys {
        &self.inner.keys
    }

    /// The source of randomness of the application.
    pub fn rng(&self) -> &dyn Rng {
        &*self.inner.rng
    }

    /// How many passwords wait to be hashed.
    pub fn waiting_hashes(&self) -> usize {
        self.inner.hashing.waiting()
    }

    /// Answers once the application can serve.
    ///
    /// # Errors
    /// [`ReadinessError`] says what is missing: the store, or the worker, without which no mail is ever sent.
    pub async fn ready(&self) -> Result<(), ReadinessError> {
        self.inner.store.ready().await?;
        if self.worker_runs() {
            Ok(())
        } else {
            Err(ReadinessError::Worker)
        }
    }

    /// Whether the worker was heard of in the last 90 seconds. Without it no mail is ever sent.
    pub fn worker_runs(&self) -> bool {
        let seen = Timestamp::from_unix_millis(self.inner.worker_seen_at.load(Ordering::Relaxed));
        self.now().since(seen) <= crate::worker::LATEST_BEAT
    }

    /// The one way in which anything is written.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let queues_message = batch
            .changes
            .iter()
            .any(|change| matches!(change, Change::EnqueueMessage(_)));
        let result = self.inner.store.commit(batch).await;
        if queues_message && result.is_ok() {
            self.wake_worker();
        }
        result
    }

    /// Takes a try from a budget that guards an account.
    pub(crate) async fn take_account_budget(
        &self,
        key: BudgetKey,
        budget: &Budget,
    ) -> Result<(), Error> {
        match self
            .inner
            .account_budgets
            .take(key, budget, self.now())
            .await?
        {
            Decision::Granted => Ok(()),
            Decision::Denied { retry_after } => Err(Error::RateLimited { retry_after }),
        }
    }

    /// Writes that a factor is refused for a while, once for each while: being told so again and again must not fill the
    /// log. Returns the error for the caller to pass on; any other is passed on as it is.
    pub(crate) async fn note_lock(
        &self,
        request: &RequestContext,
        user_id: Option<UserId>,
        method: AuthenticationMethod,
        key: BudgetKey,
        error: Error,
    ) -> Error {
        let Error::RateLimited { retry_after } = error else {
            return error;
        };
        match self.is_first_note(key, retry_after).await {
            Ok(true) => {}
            Ok(false) => return error,
            Err(failed) => return failed,
        }
        let until = retry_after.map(|wait| self.now() + wait);
        let kind = EventKind::SignInLocked { method, until };
        let event = self.event(request, Actor::Anonymous, user_id, kind);
        match event {
            Ok(event) => match self.commit(Batch::new().event(event)).await {
                Ok(()) => error,
                Err(failed) => failed.into(),
            },
            Err(failed) => failed,
        }
    }

    /// Takes a try from the budget of the network that the request came from, if that is known.
    pub(crate) async fn take_network_budget(
        &self,
        request: &RequestContext,
        what: &[u8],
    ) -> Result<(), Error> {
        let budget = &self.inner.config.budgets.network;
        self.take_network(request, what, budget).await
    }

    /// The same from a budget with a size of its own.
    pub(crate) async fn take_network(
        &self,
        request: &RequestContext,
        what: &[u8],
        budget: &Budget,
    ) -> Result<(), Error> {
        let Some(key) = request.network_budget(&self.inner.keys, what) else {
            return Ok(());
        };
        match self
            .inner
            .network_budgets
            .take(key, budget, self.now())
            .await?
        {
            Decision::Granted => Ok(()),
            Decision::Denied { retry_after } => Err(Error::RateLimited { retry_after }),
        }
    }

    /// The budget of guesses at an account's first factor, whichever that is. Anybody may spend it.
    pub(crate) fn factors_budget(&self, user_id: UserId) -> BudgetKey {
        self.budget_key(&[b"factors", user_id.as_bytes()])
    }

    /// The budget of guesses at an account's second factor. Only who passed a first one may spend it, so that strangers don't
    /// shut the owner out; and nothing but a second factor gives it back, so that knowing the password, or reading the mail,
    /// buys no guesses.
    pub(crate) fn second_factor_budget(&self, user_id: UserId) -> BudgetKey {
        self.budget_key(&[b"second-factor", user_id.as_bytes()])
    }

    /// The key of a budget; `parts` name what it is for and whose it is.
    pub(crate) fn budget_key(&self, parts: &[&[u8]]) -> BudgetKey {
        BudgetKey::from_bytes(self.inner.keys.mac(Purpose::Budget, parts))
    }

    pub(crate) fn event(
        &self,
        request: &RequestContext,
        actor: Actor,
        user_id: Option<UserId>,
        kind: EventKind,
    ) -> Result<Event, Error> {
        let now = self.now();
        Ok(Event {
            id: EventId::mint_in(&self.inner.event_ids, now, self.rng())?,
            occurred_at: now,
            user_id,
            actor,
            ip: request.ip(),
            user_agent: request.user_agent().map(str::to_owned),
            request_id: request.request_id().map(str::to_owned),
            kind,
        })
    }

    fn wake_worker(&self) {
        // A full channel means that a wake-up is on its way already; a closed one is reported by `ready`.
        let mut wake = self
            .inner
            .wake_worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let _ = wake.try_send(());
    }
}

impl fmt::Debug for Zalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zalt")
            .field("base_url", &self.inner.base_url.as_str())
            .finish_non_exhaustive()
    }
}

/// Why an application can't serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadinessError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The worker does not run: no mail is sent and nothing is tidied up.
    #[error("the worker does not run: spawn the future of Worker::run")]
    Worker,
}
