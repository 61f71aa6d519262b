//! Requests whose answer may never come.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, RETRY_AFTER, SET_COOKIE};
use serde_json::Value;

/// Makes requests, each on a connection of its own so that a balancer hands them out one by one.
#[derive(Clone)]
pub(super) struct Calls(reqwest::Client);

/// What holds a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// Name and value of a cookie.
    Cookie(String),
    AccessToken(String),
}

/// What is known of a request afterwards.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// It was done.
    Done(Reply),
    /// It was not done, and the server said why.
    Refused(Reply),
    /// It was not done, and may be asked for again: the server can't do it for the moment and says when to come back.
    NotDone(Reply),
    /// It may have been done: the connection broke, no answer came in time, or the server failed.
    Unknown(String),
}

#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Null where the body is no JSON.
    pub(super) body: Value,
}

/// One request.
pub(super) struct Call<'c> {
    calls: &'c Calls,
    pub(super) origin: &'c str,
    pub(super) method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl Calls {
    pub(super) fn within(patience: Duration) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(patience)
            .build();
        Self(client.unwrap())
    }

    pub(super) fn get<'c>(&'c self, origin: &'c str, path: &str) -> Call<'c> {
        self.call(Method::GET, origin, path)
    }

    pub(super) fn post<'c>(&'c self, origin: &'c str, path: &str, body: Value) -> Call<'c> {
        let mut call = self.call(Method::POST, origin, path);
        call.body = Some(body);
        call
    }

    pub(super) fn delete<'c>(&'c self, origin: &'c str, path: &str) -> Call<'c> {
        let mut call = self.call(Method::DELETE, origin, path);
        // A body in JSON is what no page of another site can send.
        call.body = Some(Value::Object(serde_json::Map::new()));
        call
    }

    fn call<'c>(&'c self, method: Method, origin: &'c str, path: &str) -> Call<'c> {
        Call {
            calls: self,
            origin,
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }
}

impl Call<'_> {
    pub(super) fn by(mut self, credential: &Credential) -> Self {
        self.headers.push(match credential {
            Credential::Cookie(cookie) => (COOKIE.as_str(), cookie.clone()),
            Credential::AccessToken(token) => (AUTHORIZATION.as_str(), format!("Bearer {token}")),
        });
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) async fn send(self) -> Answer {
        let url = format!("{}{}", self.origin, self.path);
        let mut request = self.calls.0.request(self.method, url);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Answer::Unknown(causes(&error)),
        };
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        // An answer that breaks off was none.
        let text = match response.text().await {
            Ok(text) => text,
            Err(error) => return Answer::Unknown(causes(&error)),
        };
        let reply = Reply {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        };
        match status {
            200..=299 => Answer::Done(reply),
            400..=499 => Answer::Refused(reply),
            503 if reply.headers.contains_key(RETRY_AFTER) => Answer::NotDone(reply),
            _ => Answer::Unknown(format!("{status}: {text}")),
        }
    }
}

impl Reply {
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer)?.as_str()
    }

    pub(super) fn code(&self) -> &str {
        self.text("/code").unwrap_or("")
    }

    /// What holds the session that this reply began.
    pub(super) fn credential(&self) -> Option<Credential> {
        if let Some(token) = self.text("/access_token") {
            return Some(Credential::AccessToken(token.to_owned()));
        }
        let lines = self.headers.get_all(SET_COOKIE);
        let session = lines
            .iter()
            .filter_map(|line| line.to_str().ok())
            .find(|line| line.contains("session") && !line.contains("Max-Age=0"))?;
        let (pair, _) = session.split_once(';')?;
        Some(Credential::Cookie(pair.to_owned()))
    }
}

fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
