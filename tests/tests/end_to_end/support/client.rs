use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Mailbox, PASSWORD};

/// Somebody who talks to the server, with what the server gave them to hold.
pub(crate) struct Client {
    http: reqwest::Client,
    origin: String,
    transport: &'static str,
    held: Mutex<Held>,
}

/// Cookies of a browser, or tokens of an app.
#[derive(Debug, Clone, Default)]
struct Held {
    cookies: BTreeMap<String, String>,
    attempt_token: Option<String>,
    access_token: Option<String>,
    refresh_token: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null where the body is no JSON.
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn by_cookie(origin: &str) -> Self {
        Self::new(origin, "cookie")
    }

    pub(crate) fn by_tokens(origin: &str) -> Self {
        Self::new(origin, "bearer")
    }

    fn new(origin: &str, transport: &'static str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_mins(1))
            .build()
            .unwrap();
        Self {
            http,
            origin: origin.to_owned(),
            transport,
            held: Mutex::default(),
        }
    }

    /// Somebody else with the same cookies and tokens: a copy of them, which is not kept up to date.
    pub(crate) fn twin(&self) -> Self {
        self.at(&self.origin)
    }

    /// A twin that talks to another replica.
    pub(crate) fn at(&self, origin: &str) -> Self {
        Self {
            http: self.http.clone(),
            origin: origin.to_owned(),
            transport: self.transport,
            held: Mutex::new(self.held.lock().unwrap().clone()),
        }
    }

    /// The same at another server.
    pub(crate) fn twin_at(&self, origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            ..self.twin()
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.try_get(path).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.try_post(path, body).await.unwrap()
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PATCH, path).json(&body))
            .await
            .unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(&body))
            .await
            .unwrap()
    }

    /// As a page of the server does it: without a body the origin alone tells that it is no other site's request.
    pub(crate) async fn delete(&self, path: &str) -> Reply {
        let request = self.request(Method::DELETE, path);
        let request = request.header(ORIGIN, &self.origin);
        self.send(request).await.unwrap()
    }

    pub(crate) async fn try_get(&self, path: &str) -> Result<Reply, reqwest::Error> {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn try_post(&self, path: &str, body: Value) -> Result<Reply, reqwest::Error> {
        self.send(self.request(Method::POST, path).json(&body))
            .await
    }

    /// A request with all that this client holds.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.origin));
        let held = self.held.lock().unwrap();
        if !held.cookies.is_empty() {
            let pairs: Vec<String> = held
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        if let Some(token) = &held.access_token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(token) = &held.attempt_token {
            request = request.header("zalt-attempt", token);
        }
        request
    }

    /// Sends a request and keeps what the answer gives to hold. An answer that breaks off is an error.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Reply, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let reply = Reply {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        };
        self.hold(&reply);
        Ok(reply)
    }

    fn hold(&self, reply: &Reply) {
        let mut held = self.held.lock().unwrap();
        for line in reply.headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, rest) = line.split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
            if attributes.contains("Max-Age=0") {
                held.cookies.remove(name);
            } else {
                held.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let text = |name: &str| reply.body[name].as_str().map(str::to_owned);
        if let Some(token) = text("attempt_token") {
            held.attempt_token = Some(token);
        }
        if let Some(token) = text("refresh_token") {
            held.refresh_token = Some(token);
            held.access_token = text("access_token");
            held.attempt_token = None;
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.held.lock().unwrap().cookies.get(name).cloned()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        let mut held = self.held.lock().unwrap();
        held.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn access_token(&self) -> String {
        let held = self.held.lock().unwrap();
        held.access_token.clone().expect("tokens hold the session")
    }

    pub(crate) fn refresh_token(&self) -> String {
        let held = self.held.lock().unwrap();
        held.refresh_token.clone().expect("tokens hold the session")
    }

    /// Everything secret that it holds, for looking where it must not be.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let held = self.held.lock().unwrap();
        let tokens = [&held.attempt_token, &held.access_token, &held.refresh_token];
        tokens
            .into_iter()
            .flatten()
            .chain(held.cookies.values())
            .cloned()
            .collect()
    }

    /// Begins a sign-up and returns its path.
    pub(crate) async fn begin_sign_up(&self, email: &str, password: &str) -> String {
        let body =
            json!({ "email_address": email, "password": password, "transport": self.transport });
        let reply = self.post("/v1/client/sign-ups", body).await;
        let id = reply.expect(201)["id"].as_str().unwrap();
        format!("/v1/client/sign-ups/{id}")
    }

    /// Signs up, with the code from the mail.
    pub(crate) async fn sign_up(&self, mailbox: &Mailbox, email: &str) -> Value {
        let attempt = self.begin_sign_up(email, PASSWORD).await;
        let code = mailbox.code(email).await;
        let path = format!("{attempt}/attempt-verification");
        let reply = self.post(&path, json!({ "code": code })).await;
        reply.expect(200).clone()
    }

    /// Signs in with the password, in one step.
    pub(crate) async fn sign_in(&self, identifier: &str, password: &str) -> Reply {
        self.try_sign_in(identifier, password).await.unwrap()
    }

    pub(crate) async fn try_sign_in(
        &self,
        identifier: &str,
        password: &str,
    ) -> Result<Reply, reqwest::Error> {
        let body =
            json!({ "identifier": identifier, "password": password, "transport": self.transport });
        self.try_post("/v1/client/sign-ins", body).await
    }

    /// Begins a sign-in without a password and returns its path.
    pub(crate) async fn begin_sign_in(&self, identifier: &str) -> String {
        let body = json!({ "identifier": identifier, "transport": self.transport });
        let reply = self.post("/v1/client/sign-ins", body).await;
        let id = reply.expect(201)["id"].as_str().unwrap();
        format!("/v1/client/sign-ins/{id}")
    }
}

impl Reply {
    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}", self.text);
        &self.body
    }

    /// A problem document with this status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> &Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.body["code"], code, "{}", self.text);
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{}",
            self.text
        );
        assert_eq!(self.body["status"], status, "{}", self.text);
        assert_eq!(
            self.body["request_id"].as_str(),
            self.headers["x-request-id"].to_str().ok(),
            "the body names the request as the header does"
        );
        &self.body
    }
}
