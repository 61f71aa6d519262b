//! A server in memory and the browsers that visit it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;
use url::form_urlencoded;
use zalt_core::password::danger;
use zalt_core::secret::EncryptionKeys;
use zalt_core::store::memory::MemoryStore;
use zalt_core::{Clock, Config, SystemRng, Timestamp, Worker, Zalt};
use zalt_http::{HttpConfig, ZaltHttp};
use zalt_notify::templates::DefaultTemplates;
use zalt_notify::{MemoryMailer, SentMessage};

use crate::pages::{self, Pages, Theme};

pub(super) const ADA: &str = "ada@example.com";
pub(super) const PASSWORD: &str = "correct horse battery";
pub(super) const LOCAL: &str = "http://localhost:3000";
pub(super) const PUBLIC: &str = "https://auth.example.com";

/// A server whose clock stands still until a test moves it.
pub(super) struct Server {
    clock: Arc<TestClock>,
    worker: Worker,
    mail: MemoryMailer,
    router: Router,
    origin: &'static str,
}

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

impl Server {
    pub(super) async fn new() -> Self {
        Self::with(LOCAL, |_| {}).await
    }

    pub(super) async fn with(origin: &'static str, configure: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000_000)));
        let mail = MemoryMailer::new(Arc::new(DefaultTemplates::new()), clock.clone());
        let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
        let (zalt, worker) = Zalt::builder(MemoryStore::default(), keys, origin)
            .configure(|config| {
                config.hashing.params = danger::insecure_params_for_tests();
                configure(config);
            })
            .clock(clock.clone())
            .mailer(mail.clone())
            .sms_sender(mail.clone())
            .build()
            .await
            .unwrap();
        let http = ZaltHttp::new(zalt, HttpConfig::default());
        let inbox = (origin == LOCAL).then(|| mail.clone());
        let pages = Pages::new(http.clone(), &Theme::default(), inbox);
        let router = Router::new()
            .merge(pages::router(&pages))
            .merge(http.router())
            .layer(http.layer());
        Self {
            clock,
            worker,
            mail,
            router,
            origin,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// The newest mail to an address, once all that waits is sent.
    pub(super) async fn mail_to(&self, to: &str) -> Arc<SentMessage> {
        self.worker.send_due().await.unwrap();
        self.mail.latest_to(to).unwrap()
    }

    pub(super) async fn code_for(&self, to: &str) -> String {
        self.mail_to(to).await.code().unwrap().to_owned()
    }

    /// The path of the link in the newest mail, and the secret in it.
    pub(super) async fn link_for(&self, to: &str) -> (String, String) {
        let mail = self.mail_to(to).await;
        let path = mail.link().unwrap().strip_prefix(self.origin).unwrap();
        let (_, token) = path.split_once("token=").unwrap();
        (path.to_owned(), token.to_owned())
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(super) fn browser(&self) -> Browser<'_> {
        Browser {
            server: self,
            cookies: BTreeMap::new(),
            page: String::new(),
            path: String::new(),
        }
    }

    /// A browser in which somebody has just signed up.
    pub(super) async fn signed_up(&self) -> Browser<'_> {
        let browser = self.verified().await;
        assert_eq!(browser.path, "/account");
        browser
    }

    /// A browser in which Ada's new address was just verified.
    pub(super) async fn verified(&self) -> Browser<'_> {
        let mut browser = self.browser();
        browser.open("/sign-up").await;
        browser
            .submit(
                "/sign-up",
                &[
                    ("email", ADA),
                    ("password", PASSWORD),
                    ("strategy", "password"),
                ],
            )
            .await;
        let code = self.code_for(ADA).await;
        browser.submit("/sign-up/verify", &[("code", &code)]).await;
        browser
    }
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A browser: it keeps cookies, follows redirects and sends the hidden fields of the page that it shows.
pub(super) struct Browser<'s> {
    server: &'s Server,
    pub(super) cookies: BTreeMap<String, String>,
    pub(super) page: String,
    pub(super) path: String,
}

impl Browser<'_> {
    /// Opens a page.
    pub(super) async fn open(&mut self, path: &str) -> Reply {
        let reply = self.request(Method::GET, path, None).await;
        self.follow(path, reply).await
    }

    /// Sends a form of the page that is open, with its hidden fields, and follows where it leads.
    pub(super) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let reply = self.post(path, fields).await;
        self.follow(path, reply).await
    }

    /// The same without following.
    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let form = self.form(fields);
        self.request(Method::POST, path, Some(form)).await
    }

    fn form(&self, fields: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for name in ["csrf_token", "return_to"] {
            if let Some(value) = self.hidden(name) {
                form.append_pair(name, &value);
            }
        }
        for (name, value) in fields {
            form.append_pair(name, value);
        }
        form.finish()
    }

    /// The value of a hidden field on the page.
    pub(super) fn hidden(&self, name: &str) -> Option<String> {
        let (_, rest) = self.page.split_once(&format!("name=\"{name}\" value=\""))?;
        Some(
            rest.split('"')
                .next()?
                .replace("&#38;", "&")
                .replace("&#x3f;", "?"),
        )
    }

    pub(super) fn shows(&self, text: &str) -> bool {
        self.page.contains(text)
    }

    pub(super) fn is_signed_in(&self) -> bool {
        self.cookies
            .keys()
            .any(|name| name.ends_with("zalt_session"))
    }

    pub(super) async fn request(
        &mut self,
        method: Method,
        path: &str,
        form: Option<String>,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.server.origin.rsplit('/').next().unwrap())
            .header("accept", "text/html")
            .header(
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
            );
        if !self.cookies.is_empty() {
            let pairs = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            request = request.header(COOKIE, pairs.collect::<Vec<_>>().join("; "));
        }
        if form.is_some() {
            request = request
                .header(ORIGIN, self.server.origin)
                .header("sec-fetch-site", "same-origin")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = form.map_or_else(Body::empty, Body::from);
        let reply = self.server.send(request.body(body).unwrap()).await;
        for line in reply.headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    async fn follow(&mut self, path: &str, mut reply: Reply) -> Reply {
        path.clone_into(&mut self.path);
        for _ in 0..5 {
            if reply.status != StatusCode::SEE_OTHER {
                break;
            }
            let location = reply.headers[LOCATION].to_str().unwrap().to_owned();
            reply = self.request(Method::GET, &location, None).await;
            self.path = location;
        }
        self.page.clone_from(&reply.text);
        reply
    }
}

/// The recovery codes that a page shows.
pub(super) fn recovery_codes(browser: &Browser<'_>) -> Vec<String> {
    let pieces = browser.page.split("<li><code>").skip(1);
    pieces
        .map(|piece| piece.split_once("</code>").unwrap().0.to_owned())
        .collect()
}

/// Signs Ada in as far as her password does.
pub(super) async fn first_factor(browser: &mut Browser<'_>) {
    browser.open("/sign-in").await;
    browser.submit("/sign-in", &[("identifier", ADA)]).await;
    browser
        .submit("/sign-in/password", &[("password", PASSWORD)])
        .await;
}
