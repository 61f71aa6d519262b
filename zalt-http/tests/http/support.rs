//! An application of this crate's own tests, without an adapter between.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_executor::block_on;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;
use zalt_core::id::MessageId;
use zalt_core::message::{Mail, Mailer, Notice, SendError};
use zalt_core::password::danger::insecure_params_for_tests;
use zalt_core::secret::EncryptionKeys;
use zalt_core::store::memory::MemoryStore;
use zalt_core::{Clock, SystemRng, Timestamp, Worker, Zalt};
use zalt_http::{HttpConfig, ZaltHttp};

pub(crate) const PASSWORD: &str = "a walk in the rain";

pub(crate) struct Application {
    pub(crate) http: ZaltHttp,
    pub(crate) clock: Arc<TestClock>,
    worker: Worker,
    mails: Mailbox,
}

impl Application {
    pub(crate) fn at(base_url: &str) -> Self {
        let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000_000)));
        let mails = Mailbox::default();
        let built = Zalt::builder(MemoryStore::new(), keys, base_url)
            .configure(|config| config.hashing.params = insecure_params_for_tests())
            .mailer(mails.clone())
            .clock(clock.clone())
            .build();
        let (zalt, worker) = block_on(built).unwrap();
        Self {
            http: ZaltHttp::new(zalt, HttpConfig::default()),
            clock,
            worker,
            mails,
        }
    }

    /// Posts JSON as a program would.
    pub(crate) fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Response<Bytes> {
        let mut request = Request::post(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from(body.to_string()));
        self.send(request.body(body).unwrap())
    }

    pub(crate) fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        whole(block_on(self.http.service().oneshot(request)).unwrap())
    }

    /// The one mail that is due.
    pub(crate) fn notice(&self) -> Notice {
        block_on(self.worker.send_due()).unwrap();
        let mail = self.mails.0.lock().unwrap().pop();
        mail.expect("there is a mail").notice
    }

    /// Signs up; the reply that completes it.
    pub(crate) fn sign_up(&self, transport: &str) -> Response<Bytes> {
        let body = json!({ "email_address": "ada@example.com", "password": PASSWORD, "transport": "bearer" });
        let begun = json_of(&self.post("/v1/client/sign-ups", &[], &body));
        let path = format!(
            "/v1/client/sign-ups/{}/attempt-verification",
            begun["id"].as_str().unwrap()
        );
        let Notice::VerifyEmailAddress { code, .. } = self.notice() else {
            panic!("another mail");
        };
        let token = begun["attempt_token"].as_str().unwrap();
        let done = self.post(&path, &[("zalt-attempt", token)], &json!({ "code": code }));
        assert_eq!(done.status(), 200);
        let body = json!({ "identifier": "ada@example.com", "password": PASSWORD, "transport": transport });
        self.post("/v1/client/sign-ins", &[], &body)
    }

    /// The `Cookie` header of somebody who has signed up.
    pub(crate) fn cookie(&self) -> String {
        let done = self.sign_up("cookie");
        let line = done.headers()["set-cookie"].to_str().unwrap();
        line.split_once(';').unwrap().0.to_owned()
    }

    /// The `Authorization` header of somebody who has signed up.
    pub(crate) fn bearer(&self) -> String {
        let done = json_of(&self.sign_up("bearer"));
        format!("Bearer {}", done["access_token"].as_str().unwrap())
    }
}

pub(crate) fn whole(response: Response<axum::body::Body>) -> Response<Bytes> {
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, block_on(body.collect()).unwrap().to_bytes())
}

pub(crate) fn json_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

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
