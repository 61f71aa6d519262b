use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use zalt_core::attempt::{ChallengeStrategy, NewSignUp, SignInProgress};
use zalt_core::connection::ProviderProtocol;
use zalt_core::event::EventKind;
use zalt_core::id::{MessageId, UserId};
use zalt_core::identifier::EmailAddress;
use zalt_core::message::{Mail, Mailer, Notice, SendError, Sms, SmsSender};
use zalt_core::password::{Password, danger};
use zalt_core::secret::{EncryptionKeys, SessionToken};
use zalt_core::session::{Authenticated, SessionCredentials, SignedIn, Transport};
use zalt_core::store::{EventFilter, PageLimit, PageRequest};
use zalt_core::user::{Metadata, Profile};
use zalt_core::{Clock, Config, RequestContext, SystemRng, Timestamp, Worker, Zalt, ZaltBuilder};
use zalt_webauthn::WebauthnVerifier;

use crate::faults::{Faults, FaultyStore};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// An application whose clock stands still until a test moves it.
pub(crate) struct App {
    pub(crate) zalt: Zalt,
    pub(crate) worker: Worker,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) outbox: Outbox,
    pub(crate) faults: Arc<Faults>,
}

#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn set_back(&self, duration: Duration) {
        self.0.fetch_sub(
            i64::try_from(duration.as_millis()).unwrap(),
            Ordering::SeqCst,
        );
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.0.fetch_add(
            i64::try_from(duration.as_millis()).unwrap(),
            Ordering::SeqCst,
        );
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Everything that was mailed, and the failures that are to come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox {
    mails: Arc<Mutex<Vec<Mail>>>,
    texts: Arc<Mutex<Vec<Sms>>>,
    failures: Arc<Mutex<Vec<SendError>>>,
    hangs: Arc<AtomicBool>,
    turn: Arc<futures_util::lock::Mutex<()>>,
}

impl Outbox {
    /// While this is held, mails are under way and neither sent nor refused.
    pub(crate) fn held_up(&self) -> futures_util::lock::OwnedMutexGuard<()> {
        run(Arc::clone(&self.turn).lock_owned())
    }

    pub(crate) fn all(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    pub(crate) fn fail_next(&self, error: SendError) {
        self.failures.lock().unwrap().push(error);
    }

    /// The next mail is neither sent nor refused.
    pub(crate) fn hang_next(&self) {
        self.hangs.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, _id: MessageId, mail: &Mail) -> Result<(), SendError> {
        if self.hangs.swap(false, Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        drop(self.turn.lock().await);
        if let Some(error) = self.failures.lock().unwrap().pop() {
            return Err(error);
        }
        self.mails.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

#[async_trait]
impl SmsSender for Outbox {
    async fn send(&self, _id: MessageId, sms: &Sms) -> Result<(), SendError> {
        self.texts.lock().unwrap().push(sms.clone());
        Ok(())
    }
}

pub(crate) fn fresh_keys() -> EncryptionKeys {
    EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap()
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    futures_executor::block_on(future)
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::over(FaultyStore::default(), &fresh_keys(), configure)
    }

    /// An application over a store that others may use too: replicas have one store and one set of keys.
    pub(crate) fn over(
        store: FaultyStore,
        keys: &EncryptionKeys,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let with_passkeys = |builder: ZaltBuilder| builder.passkeys(WebauthnVerifier::new());
        Self::build(store, keys, configure, with_passkeys)
    }

    /// An application that has nothing to check passkeys with.
    pub(crate) fn without_passkeys() -> Self {
        Self::over_without_passkeys(FaultyStore::default(), &fresh_keys())
    }

    pub(crate) fn over_without_passkeys(store: FaultyStore, keys: &EncryptionKeys) -> Self {
        Self::build(store, keys, |_| {}, |builder| builder)
    }

    /// An application that people come to through providers.
    pub(crate) fn with_provider(
        store: FaultyStore,
        keys: &EncryptionKeys,
        provider: Arc<dyn ProviderProtocol>,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        Self::build(store, keys, configure, |builder| {
            builder
                .passkeys(WebauthnVerifier::new())
                .connections(provider)
        })
    }

    fn build(
        store: FaultyStore,
        keys: &EncryptionKeys,
        configure: impl FnOnce(&mut Config),
        add: impl FnOnce(ZaltBuilder) -> ZaltBuilder,
    ) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000_000)));
        let outbox = Outbox::default();
        let faults = store.faults.clone();
        let builder = Zalt::builder(store, keys.clone(), "https://auth.example.com")
            .configure(|config| {
                config.hashing.params = danger::insecure_params_for_tests();
                configure(config);
            })
            .mailer(outbox.clone())
            .sms_sender(outbox.clone())
            .clock(clock.clone());
        let (zalt, worker) = run(add(builder).build()).unwrap();
        Self {
            zalt,
            worker,
            clock,
            outbox,
            faults,
        }
    }

    /// Delivers what is queued and returns the latest mail to `address`.
    pub(crate) fn mail_to(&self, address: &str) -> Notice {
        run(self.worker.send_due()).unwrap();
        let mails = self.outbox.all();
        let found = mails.iter().rev().find(|mail| mail.to == address);
        found
            .unwrap_or_else(|| panic!("no mail to {address}"))
            .notice
            .clone()
    }

    /// The secret of the newest link for a new password that was mailed to `address`.
    pub(crate) fn latest_reset_link(&self, address: &str) -> String {
        run(self.worker.send_due()).unwrap();
        let mails = self.outbox.all();
        let mut to_address = mails.iter().rev().filter(|mail| mail.to == address);
        to_address
            .find_map(|mail| match &mail.notice {
                notice @ Notice::ResetPassword { link: Some(_), .. } => code_and_link(notice).1,
                _ => None,
            })
            .unwrap_or_else(|| panic!("no reset link to {address}"))
    }

    pub(crate) fn mails_to(&self, address: &str) -> usize {
        run(self.worker.send_due()).unwrap();
        self.outbox
            .all()
            .iter()
            .filter(|mail| mail.to == address)
            .count()
    }

    /// Delivers what is queued and returns what the text messages to `number` say, oldest first.
    pub(crate) fn texts_to(&self, number: &str) -> Vec<Notice> {
        run(self.worker.send_due()).unwrap();
        let texts = self.outbox.texts.lock().unwrap();
        let to_number = texts.iter().filter(|sms| sms.to == number);
        to_number.map(|sms| sms.notice.clone()).collect()
    }

    /// The code of the newest text message to `number`.
    pub(crate) fn text_code(&self, number: &str) -> String {
        let texts = self.texts_to(number);
        let newest = texts.last().and_then(Notice::code);
        newest
            .unwrap_or_else(|| panic!("no code to {number}: {texts:?}"))
            .to_owned()
    }

    /// The newest session of `signed_in`, admitted.
    pub(crate) fn authenticated(&self, signed_in: &SignedIn) -> Authenticated {
        let token = cookie(signed_in).expose();
        run(self.zalt.sessions().authenticate(&request(), &token)).unwrap()
    }

    /// A user with this address and [`PASSWORD`], signed in with a cookie.
    pub(crate) fn sign_up(&self, address: &str) -> SignedIn {
        self.sign_up_by(address, Transport::Cookie)
    }

    pub(crate) fn sign_up_by(&self, address: &str, transport: Transport) -> SignedIn {
        let new = NewSignUp {
            transport,
            ..new_sign_up(address)
        };
        self.sign_up_with(address, new).into_session().unwrap()
    }

    /// Where a sign-up leads, once its address was verified.
    pub(crate) fn sign_up_with(&self, address: &str, new: NewSignUp) -> SignInProgress {
        let started = run(self.zalt.sign_ups().create(&request(), new)).unwrap();
        let (code, _) = code_and_link(&self.mail_to(address));
        let proof = zalt_core::attempt::Proof::code(&code);
        run(self
            .zalt
            .sign_ups()
            .attempt_proof(&request(), &started.token, &proof))
        .unwrap()
    }

    pub(crate) fn sign_in(&self, address: &str) -> SignedIn {
        run(self.zalt.sign_ins().with_password(
            &request(),
            address,
            password(PASSWORD),
            Transport::Cookie,
        ))
        .and_then(SignInProgress::into_session)
        .unwrap()
    }

    /// The types of the events about a user, newest first.
    pub(crate) fn events(&self, user_id: UserId) -> Vec<&'static str> {
        self.event_kinds(user_id)
            .iter()
            .map(EventKind::name)
            .collect()
    }

    pub(crate) fn event_kinds(&self, user_id: UserId) -> Vec<EventKind> {
        let filter = EventFilter {
            user_id: Some(user_id),
            kind: None,
        };
        let page = PageRequest {
            after: None,
            limit: PageLimit::MAX,
        };
        let events = run(self.zalt.store().events(&filter, page)).unwrap();
        events.data.into_iter().map(|event| event.kind).collect()
    }
}

pub(crate) fn request() -> RequestContext {
    RequestContext::internal().with_user_agent("test")
}

pub(crate) fn password(text: &str) -> Password {
    Password::parse(text).unwrap()
}

pub(crate) fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(crate) fn new_sign_up(address: &str) -> NewSignUp {
    NewSignUp {
        email_address: email(address),
        password: Some(password(PASSWORD)),
        username: None,
        profile: Profile::default(),
        unsafe_metadata: Metadata::default(),
        strategy: ChallengeStrategy::EmailCode,
        transport: Transport::Cookie,
    }
}

pub(crate) fn code_and_link(notice: &Notice) -> (String, Option<String>) {
    match notice {
        Notice::VerifyEmailAddress { code, link, .. }
        | Notice::SignIn { code, link, .. }
        | Notice::ResetPassword { code, link, .. } => {
            let token = link
                .as_ref()
                .map(|link| link.split_once("token=").unwrap().1.to_owned());
            (code.clone(), token)
        }
        other => panic!("no code in {other:?}"),
    }
}

pub(crate) fn cookie(signed_in: &SignedIn) -> SessionToken {
    match &signed_in.credentials {
        SessionCredentials::Cookie(token) => token.clone(),
        SessionCredentials::Bearer { .. } => panic!("a cookie was asked for"),
    }
}

pub(crate) fn bearer(signed_in: &SignedIn) -> (String, String) {
    match &signed_in.credentials {
        SessionCredentials::Bearer {
            access_token,
            refresh_token,
            ..
        } => (access_token.to_string(), refresh_token.expose().to_string()),
        SessionCredentials::Cookie(_) => panic!("bearer tokens were asked for"),
    }
}

/// Code that differs from `code`.
pub(crate) fn wrong(code: &str) -> String {
    let last = code.chars().last().unwrap();
    let other = if last == '0' { '1' } else { '0' };
    format!("{}{other}", &code[..code.len() - 1])
}

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);
