use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};

use futures_channel::mpsc;
use url::Url;

use crate::access_token::{AccessTokens, SigningKeyError};
use crate::budget::{BudgetStore, MemoryBudgets};
use crate::config::{Config, ConfigError, Means};
use crate::connection::{ProviderProtocol, Refreshing};
use crate::environment::{Clock, Rng, SystemClock, SystemRng};
use crate::id::IdSequence;
use crate::message::{Mailer, SmsSender};
use crate::passkey::PasskeyVerifier;
use crate::password::HashingPool;
use crate::secret::EncryptionKeys;
use crate::store::{SessionCache, SessionCached, Store};
use crate::worker::Worker;
use crate::zalt::{Inner, Zalt};

/// Puts an application together. Nothing is checked or touched before [`build`](Self::build).
#[must_use = "an application is there once it is built"]
pub struct ZaltBuilder {
    store: Arc<dyn Store>,
    account_budgets: Arc<dyn BudgetStore>,
    network_budgets: Arc<dyn BudgetStore>,
    keys: EncryptionKeys,
    base_url: Result<Url, ConfigError>,
    config: Config,
    mailer: Option<Arc<dyn Mailer>>,
    sms_sender: Option<Arc<dyn SmsSender>>,
    passkeys: Option<Arc<dyn PasskeyVerifier>>,
    connections: Option<Arc<dyn ProviderProtocol>>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

/// Why an application could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A setting has to change.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The signing keys could not be read or made.
    #[error(transparent)]
    SigningKeys(#[from] SigningKeyError),
}

/// The most networks whose budgets are held in memory.
const NETWORKS: usize = 65_536;

impl ZaltBuilder {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        account_budgets: Arc<dyn BudgetStore>,
        keys: EncryptionKeys,
        base_url: &str,
    ) -> Self {
        let base_url = parse_base_url(base_url);
        let config = match &base_url {
            Ok(url) => Config::new(url),
            // `build` refuses the URL; until then any stands in.
            Err(_) => Config::new(&fallback_url()),
        };
        Self {
            store,
            account_budgets,
            network_budgets: Arc::new(MemoryBudgets::new(NETWORKS)),
            keys,
            base_url,
            config,
            mailer: None,
            sms_sender: None,
            passkeys: None,
            connections: None,
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
        }
    }

    /// Changes the configuration.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// What sends mail. Needed.
    pub fn mailer(mut self, mailer: impl Mailer + 'static) -> Self {
        self.mailer = Some(Arc::new(mailer));
        self
    }

    /// What sends text messages.
    pub fn sms_sender(mut self, sender: impl SmsSender + 'static) -> Self {
        self.sms_sender = Some(Arc::new(sender));
        self
    }

    /// What checks passkeys. Without it there are none.
    pub fn passkeys(mut self, verifier: impl PasskeyVerifier + 'static) -> Self {
        self.passkeys = Some(Arc::new(verifier));
        self
    }

    /// What speaks to the providers of connections. Without it there are none.
    pub fn connections(mut self, protocol: Arc<dyn ProviderProtocol>) -> Self {
        self.connections = Some(protocol);
        self
    }

    /// Where the budgets that guard accounts are kept, in place of the store. All replicas have to share it, and what is
    /// counted there has to survive a restart.
    pub fn account_budgets(mut self, budgets: Arc<dyn BudgetStore>) -> Self {
        self.account_budgets = budgets;
        self
    }

    /// Where the budgets of networks are kept, in place of this process's memory.
    pub fn network_budgets(mut self, budgets: Arc<dyn BudgetStore>) -> Self {
        self.network_budgets = budgets;
        self
    }

    /// The source of time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The source of randomness.
    pub fn rng(mut self, rng: Arc<dyn Rng>) -> Self {
        self.rng = rng;
        self
    }

    /// Checks the configuration, reads the signing keys and makes the first one if there is none.
    ///
    /// The [`Worker`] sends messages, rotates keys and tidies up: spawn [`Worker::run`]. Without it nobody gets a code,
    /// which [`Zalt::ready`] reports.
    pub async fn build(mut self) -> Result<(Zalt, Worker), BuildError> {
        let base_url = self.base_url?;
        if self.sms_sender.is_none() && self.config.sends_text_messages() {
            return Err(ConfigError::SmsSender.into());
        }
        self.config.limit_to(&Means {
            passkeys: self.passkeys.is_some() && self.config.passkeys.rp_id.is_some(),
            sign_in_by_sms: true,
            second_factor_by_message: true,
        });
        self.config.check()?;
        self.config.check_way_back(self.connections.is_some())?;
        self.config.check_connections(self.connections.as_deref())?;
        let mailer = self.mailer.ok_or(ConfigError::Mailer)?;
        let hashing = HashingPool::new(
            self.config.hashing.clone(),
            self.config.foreign_hash_keys.clone(),
            self.rng.clone(),
        )
        .map_err(ConfigError::Hashing)?;
        let store: Arc<dyn Store> = match self.config.sessions.cache {
            Some(config) => Arc::new(SessionCached::new(
                self.store,
                Arc::new(SessionCache::new(config)),
                self.clock.clone(),
            )),
            None => self.store,
        };
        let access_tokens = AccessTokens::new(
            &self.config.access_tokens,
            &base_url,
            store.clone(),
            self.keys.clone(),
            self.clock.clone(),
            self.rng.clone(),
        )?;
        let (wake, woken) = mpsc::channel(1);
        let zalt = Zalt {
            inner: Arc::new(Inner {
                store,
                account_budgets: self.account_budgets,
                network_budgets: self.network_budgets,
                passkeys: self.passkeys,
                connections: self.connections,
                refreshing: Refreshing::default(),
                keys: self.keys,
                worker_seen_at: AtomicI64::new(self.clock.now().unix_millis()),
                clock: self.clock,
                rng: self.rng,
                config: self.config,
                base_url,
                hashing,
                access_tokens,
                wake_worker: Mutex::new(wake),
                event_ids: IdSequence::default(),
            }),
        };
        zalt.access_tokens().rotate_if_due().await?;
        Ok((
            zalt.clone(),
            Worker::new(zalt, mailer, self.sms_sender, woken),
        ))
    }
}

/// An https origin, or an http one of this very machine.
fn parse_base_url(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|_| ConfigError::BaseUrl)?;
    let is_origin = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_origin {
        return Err(ConfigError::BaseUrl);
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(ConfigError::BaseUrlNotHttps);
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[expect(clippy::expect_used, reason = "the text is a constant")]
fn fallback_url() -> Url {
    Url::parse("http://localhost").expect("a constant URL parses")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_origin_that_keeps_tokens_private_is_a_base_url() {
        for text in [
            "https://auth.example.com",
            "http://localhost:3000",
            "http://127.0.0.1:1",
            "http://[::1]/",
        ] {
            assert!(parse_base_url(text).is_ok(), "{text}");
        }
        for text in [
            "auth.example.com",
            "ftp://example.com",
            "https://example.com/auth",
            "https://a@example.com",
            "https://example.com/?a",
        ] {
            assert!(
                matches!(parse_base_url(text), Err(ConfigError::BaseUrl)),
                "{text}"
            );
        }
        for text in [
            "http://example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
        ] {
            assert!(
                matches!(parse_base_url(text), Err(ConfigError::BaseUrlNotHttps)),
                "{text}"
            );
        }
    }
}
