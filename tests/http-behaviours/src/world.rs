use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use zalt_core::message::Notice;
use zalt_core::{Config, Zalt};
use zalt_http::{HttpConfig, ZaltHttp};

use crate::application::Application;
use crate::client::{Adapter, App, Browser, Call, Client, Reply};
use crate::provider::ScriptedProvider;

pub(crate) const PASSWORD: &str = "a walk in the rain";

const ORIGIN: &str = "https://auth.example.com";

/// An [`Application`] behind an adapter.
pub struct World {
    application: Application,
    client: Box<dyn Client>,
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
        let application = Application::on(adapter.stores().await, ORIGIN, configure).await;
        let http = ZaltHttp::new(application.zalt().clone(), http);
        let open_api = serde_json::to_value(zalt_http::openapi::document(&http)).unwrap();
        Self {
            application,
            client: adapter.serve(http).await,
            open_api,
        }
    }

    /// The application.
    pub const fn zalt(&self) -> &Zalt {
        self.application.zalt()
    }

    /// The OpenAPI document.
    pub const fn open_api(&self) -> &Value {
        &self.open_api
    }

    pub(crate) const fn provider(&self) -> &ScriptedProvider {
        self.application.provider()
    }

    pub(crate) fn client(&self) -> &dyn Client {
        &*self.client
    }

    #[expect(
        clippy::unused_self,
        reason = "where it is served belongs to the world"
    )]
    pub(crate) const fn origin(&self) -> &'static str {
        ORIGIN
    }

    /// The time of the application.
    pub(crate) fn now(&self) -> zalt_core::Timestamp {
        self.zalt().now()
    }

    /// Moves the clock of the application on.
    pub fn advance(&self, duration: Duration) {
        self.application.advance(duration);
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

    pub(crate) async fn messages_to(&self, address: &str) -> Vec<Notice> {
        self.application.messages_to(address).await
    }

    pub(crate) async fn proof(&self, address: &str) -> (String, Option<String>) {
        self.application.proof(address).await
    }

    pub(crate) async fn safety_link(&self, address: &str) -> String {
        self.application.safety_link(address).await
    }

    /// The `token` of the latest link that recovers a frozen account.
    pub(crate) async fn recovery_link(&self, address: &str) -> String {
        let mails = self.messages_to(address).await;
        let link = mails.iter().rev().find_map(|notice| match notice {
            Notice::AccountFrozen { link, .. } => link.split_once("token="),
            _ => None,
        });
        link.expect("a recovery was mailed").1.to_owned()
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
