use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::provider::ScriptedProvider;
use async_trait::async_trait;
use zalt_core::budget::BudgetStore;
use zalt_core::id::MessageId;
use zalt_core::message::{Mail, Mailer, Notice, SendError, Sms, SmsSender};
use zalt_core::password::danger::insecure_params_for_tests;
use zalt_core::secret::EncryptionKeys;
use zalt_core::store::Store;
use zalt_core::store::memory::MemoryStore;
use zalt_core::{Clock, Config, SystemRng, Timestamp, Worker, Zalt};
use zalt_webauthn::WebauthnVerifier;

/// Where an application keeps what it keeps.
#[derive(Clone)]
pub struct Stores {
    store: Arc<dyn Store>,
    account_budgets: Arc<dyn BudgetStore>,
}

impl Stores {
    /// A store that is gone with the test.
    pub fn memory() -> Self {
        Self::of(MemoryStore::new())
    }

    /// A store, empty so far, that also keeps the budgets.
    pub fn of<S: Store + BudgetStore + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self {
            store: store.clone(),
            account_budgets: store,
        }
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").finish_non_exhaustive()
    }
}

/// An application whose clock stands still until a test moves it, with all its messages.
pub struct Application {
    zalt: Zalt,
    worker: Worker,
    clock: Arc<TestClock>,
    mails: Mailbox,
    provider: ScriptedProvider,
}

impl Application {
    /// An application in memory at `base_url`, with cheap hashing and what `configure` changes.
    pub async fn new(base_url: &str, configure: impl FnOnce(&mut Config)) -> Self {
        Self::on(Stores::memory(), base_url, configure).await
    }

    /// The same on other stores.
    pub async fn on(stores: Stores, base_url: &str, configure: impl FnOnce(&mut Config)) -> Self {
        let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000_000)));
        let mails = Mailbox::default();
        let provider = ScriptedProvider::default();
        let (zalt, worker) = Zalt::builder_on(stores.store, stores.account_budgets, keys, base_url)
            .configure(|config| {
                config.hashing.params = insecure_params_for_tests();
                configure(config);
            })
            .mailer(mails.clone())
            .sms_sender(mails.clone())
            .passkeys(WebauthnVerifier::new())
            .connections(Arc::new(provider.clone()))
            .clock(clock.clone())
            .build()
            .await
            .unwrap();
        Self {
            zalt,
            worker,
            clock,
            mails,
            provider,
        }
    }

    /// The application itself.
    pub const fn zalt(&self) -> &Zalt {
        &self.zalt
    }

    /// The provider behind every connection.
    pub const fn provider(&self) -> &ScriptedProvider {
        &self.provider
    }

    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sends what is queued; what the address or number `to` got, oldest first.
    pub async fn messages_to(&self, to: &str) -> Vec<Notice> {
        self.worker.send_due().await.unwrap();
        let sent = self.mails.0.lock().unwrap();
        let received = sent.iter().filter(|(recipient, _)| recipient == to);
        received.map(|(_, notice)| notice.clone()).collect()
    }

    /// The `token` of the latest link to say that a change was not theirs.
    pub async fn safety_link(&self, to: &str) -> String {
        let latest = self.latest_safety_link(to).await;
        latest.expect("a safety mail has a link")
    }

    /// The same, if one was mailed.
    pub async fn latest_safety_link(&self, to: &str) -> Option<String> {
        self.worker.send_due().await.unwrap();
        let links = self.mails.1.lock().unwrap();
        let (_, link) = links.iter().rev().find(|(recipient, _)| recipient == to)?;
        Some(link.split_once("token=").unwrap().1.to_owned())
    }

    /// The code of the latest message to `to`, and the `token` of its link if it has one.
    pub async fn proof(&self, to: &str) -> (String, Option<String>) {
        let latest = self.messages_to(to).await.pop();
        let Some((notice, code)) = latest
            .as_ref()
            .and_then(|notice| Some((notice, notice.code()?)))
        else {
            panic!("the latest message to {to} has no code: {latest:?}");
        };
        let token = |link: &str| link.split_once("token=").unwrap().1.to_owned();
        (code.to_owned(), notice.link().map(token))
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.zalt.fmt(f)
    }
}

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Who got what, oldest first.
#[derive(Debug, Clone, Default)]
struct Mailbox(Arc<Mutex<Vec<(String, Notice)>>>, SafetyLinks);

/// Where to say "this wasn't me", by the recipient.
type SafetyLinks = Arc<Mutex<Vec<(String, String)>>>;

impl Mailbox {
    fn keep(&self, to: &str, notice: &Notice) {
        let message = (to.to_owned(), notice.clone());
        self.0.lock().unwrap().push(message);
    }
}

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, _id: MessageId, mail: &Mail) -> Result<(), SendError> {
        self.keep(&mail.to, &mail.notice);
        if let Some(link) = &mail.safety_link {
            let link = (mail.to.clone(), link.clone());
            self.1.lock().unwrap().push(link);
        }
        Ok(())
    }
}

#[async_trait]
impl SmsSender for Mailbox {
    async fn send(&self, _id: MessageId, sms: &Sms) -> Result<(), SendError> {
        self.keep(&sms.to, &sms.notice);
        Ok(())
    }
}
