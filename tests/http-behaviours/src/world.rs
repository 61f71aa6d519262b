use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use serde_json::{Value, json};
use zalt_core::id::MessageId;
use zalt_core::message::{Mail, Mailer, Notice, SendError};
use zalt_core::password::danger::insecure_params_for_tests;
use zalt_core::secret::EncryptionKeys;
use zalt_core::store::memory::MemoryStore;
use zalt_core::{Clock, Config, SystemRng, Timestamp, Worker, Zalt};
use zalt_http::{HttpConfig, ZaltHttp};

use crate::client::{Adapter, App, Browser, Call, Client, Reply};

pub(crate) const PASSWORD: &str = "a walk in the rain";

/// An application behind an adapter, whose clock stands still until a behaviour moves it, and all its mail.
pub struct World {
    zalt: Zalt,
    worker: Worker,
    clock: Arc<TestClock>,
    mails: Mailbox,
    client: Box<dyn Client>,
    origin: String,
    open_api: Value,
}

impl World {
    /// An application with the defaults.
    pub async fn new(adapter: &dyn Adapter) -> Self {
        Self::with(adapter, |_| {}, HttpConfig::default()).await
    }

    /// An application with other choices.
    pub async fn with(
        adapter: &dyn Adapter,
        configure: impl FnOnce(&mut Config),
        http: HttpConfig,
    ) -> Self {
        let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000_000)));
        let mails = Mailbox::default();
        let origin = "https://auth.example.com";
        let (zalt, worker) = Zalt::builder(MemoryStore::new(), keys, origin)
            .configure(|config| {
                config.hashing.params = insecure_params_for_tests();
                configure(config);
            })
            .mailer(mails.clone())
            .clock(clock.clone())
            .build()
            .await
            .unwrap();
        let http = ZaltHttp::new(zalt.clone(), http);
        let open_api = serde_json::to_value(zalt_http::openapi::document(&http)).unwrap();
        Self {
            zalt,
            worker,
            clock,
            mails,
            client: adapter.serve(http).await,
            origin: origin.to_owned(),
            open_api,
        }
    }

    /// The application.
    pub const fn zalt(&self) -> &Zalt {
        &self.zalt
    }

    /// The OpenAPI document.
    pub const fn open_api(&self) -> &Value {
        &self.open_api
    }

    pub(crate) fn client(&self) -> &dyn Client {
        &*self.client
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Moves the clock of the application on.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Lets a millisecond pass, so that what comes next has a later id.
    pub(crate) fn tick(&self) {
        self.advance(Duration::from_millis(1));
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(self)
    }

    /// A request of a program that shows nothing.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call::new(self, method, path)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path).json(&body).send().await
    }

    /// Sends what is queued; what `address` got, oldest first.
    pub(crate) async fn mails_to(&self, address: &str) -> Vec<Notice> {
        self.worker.send_due().await.unwrap();
        let mails = self.mails.0.lock().unwrap();
        let to = mails.iter().filter(|mail| mail.to == address);
        to.map(|mail| mail.notice.clone()).collect()
    }

    /// The code of the latest mail to `address`, and the `token` of its link if it has one.
    pub(crate) async fn proof(&self, address: &str) -> (String, Option<String>) {
        match self.mails_to(address).await.pop() {
            Some(
                Notice::VerifyEmailAddress { code, link, .. }
                | Notice::SignIn { code, link, .. }
                | Notice::ResetPassword { code, link, .. },
            ) => {
                let token = |link: String| link.split_once("token=").unwrap().1.to_owned();
                (code, link.map(token))
            }
            other => panic!("the latest mail to {address} has no code: {other:?}"),
        }
    }

    pub(crate) async fn code(&self, address: &str) -> String {
        self.proof(address).await.0
    }

    pub(crate) async fn link(&self, address: &str) -> String {
        self.proof(address).await.1.expect("the mail has a link")
    }

    /// A browser in which `address` has just signed up.
    pub(crate) async fn signed_up(&self, address: &str) -> Browser<'_> {
        self.tick();
        let browser = self.browser();
        let body = json!({ "email_address": address, "password": PASSWORD });
        let begun = browser.post("/v1/client/sign-ups", body).await.is(201);
        let path = format!(
            "/v1/client/sign-ups/{}/attempt-verification",
            begun.text_at("/id")
        );
        let code = self.code(address).await;
        browser.post(&path, json!({ "code": code })).await.is(200);
        browser
    }

    /// A browser in which `address` has signed in with the password.
    pub(crate) async fn signed_in(&self, address: &str) -> Browser<'_> {
        self.tick();
        let browser = self.browser();
        let body = json!({ "identifier": address, "password": PASSWORD });
        browser.post("/v1/client/sign-ins", body).await.is(200);
        browser
    }

    /// A program that has signed in with the password.
    pub(crate) async fn app(&self, address: &str) -> App<'_> {
        self.tick();
        let body = json!({ "identifier": address, "password": PASSWORD, "transport": "bearer" });
        let reply = self.post("/v1/client/sign-ins", body).await.is(200);
        App::new(self, &reply)
    }

    /// The types of the events of whoever is signed in, newest first.
    pub(crate) async fn events(&self, browser: &Browser<'_>) -> Vec<String> {
        let reply = browser.get("/v1/client/me/events?limit=100").await.is(200);
        let events = reply.json["data"].as_array().unwrap().iter();
        events
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Debug, Clone, Default)]
struct Mailbox(Arc<Mutex<Vec<Mail>>>);

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, _id: MessageId, mail: &Mail) -> Result<(), SendError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}
