use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::Value;
use zalt_http::{PeerAddr, ZaltHttp};

use crate::application::Stores;
use crate::checks;
use crate::world::World;

/// A way to serve the API: in process, or through a web framework.
pub trait Adapter {
    /// Serves `http`, at the root.
    fn serve(&self, http: ZaltHttp) -> LocalBoxFuture<'_, Box<dyn Client>>;

    /// Empty stores for one application.
    fn stores(&self) -> LocalBoxFuture<'_, Stores> {
        Box::pin(std::future::ready(Stores::memory()))
    }
}

/// Sends requests to what an [`Adapter`] serves.
pub trait Client {
    /// Sends one request. Its extensions hold a [`PeerAddr`], which the adapter has to pass on in its framework's way.
    fn send(&self, request: Request<Bytes>) -> LocalBoxFuture<'_, Response<Bytes>>;
}

/// A reply with its JSON.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Reply {
    /// Requires a status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// Requires a problem.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Self {
        let reply = self.is(status);
        assert_eq!(reply.json["code"], code, "{}", reply.text);
        reply
    }

    /// A string of the JSON, by its pointer.
    #[track_caller]
    pub(crate) fn text_at(&self, pointer: &str) -> String {
        self.json
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no text at {pointer} in {}", self.text))
            .to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A request that is being put together.
pub(crate) struct Call<'w> {
    world: &'w World,
    jar: Option<&'w Jar>,
    peer: IpAddr,
    parts: http::request::Parts,
    body: Bytes,
}

impl<'w> Call<'w> {
    pub(crate) fn new(world: &'w World, method: Method, path: &str) -> Self {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        Self {
            world,
            jar: None,
            peer: [203, 0, 113, 7].into(),
            parts,
            body: Bytes::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.parts
            .headers
            .append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.parts.headers.remove(name);
        self
    }

    pub(crate) const fn from(mut self, peer: IpAddr) -> Self {
        self.peer = peer;
        self
    }

    pub(crate) fn json(self, value: &Value) -> Self {
        let body = serde_json::to_vec(value).unwrap();
        self.body("application/json", body)
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        let content_type = HeaderValue::from_str(content_type).unwrap();
        self.parts.headers.insert(CONTENT_TYPE, content_type);
        self.body = body.into();
        self
    }

    pub(crate) async fn send(mut self) -> Reply {
        self.parts
            .extensions
            .insert(PeerAddr(SocketAddr::new(self.peer, 4711)));
        let (method, path) = (self.parts.method.clone(), self.parts.uri.path().to_owned());
        let request = Request::from_parts(self.parts, self.body);
        let response = self.world.client().send(request).await;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let reply = Reply {
            status: parts.status,
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            headers: parts.headers,
            text,
        };
        checks::check(self.world, &method, &path, &reply);
        if let Some(jar) = self.jar {
            jar.keep(&reply.headers);
        }
        reply
    }
}

/// What a browser keeps.
#[derive(Default)]
pub(crate) struct Jar {
    cookies: RefCell<BTreeMap<String, String>>,
}

impl Jar {
    fn keep(&self, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (pair, attributes) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0;") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies
                    .borrow_mut()
                    .insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// A browser on a page of the application: it keeps cookies and says where its requests come from.
pub(crate) struct Browser<'w> {
    world: &'w World,
    jar: Jar,
}

impl<'w> Browser<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self {
            world,
            jar: Jar::default(),
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a method is written as a constant"
    )]
    pub(crate) fn call<'b>(&'b self, method: Method, path: &str) -> Call<'b> {
        let mut call = Call::new(self.world, method.clone(), path);
        call.jar = Some(&self.jar);
        if method != Method::GET {
            call = call.header(ORIGIN.as_str(), self.world.origin());
        }
        call = call.header("sec-fetch-site", "same-origin");
        match self.cookies() {
            cookies if cookies.is_empty() => call,
            cookies => call.header(COOKIE.as_str(), &cookies),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path).json(&body).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path).send().await
    }

    /// The `Cookie` header.
    pub(crate) fn cookies(&self) -> String {
        let cookies = self.jar.cookies.borrow();
        let pairs: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.jar.cookies.borrow().get(name).cloned()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.jar
            .cookies
            .borrow_mut()
            .insert(name.to_owned(), value.to_owned());
    }
}

/// A program that holds its session by tokens.
pub(crate) struct App<'w> {
    world: &'w World,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl<'w> App<'w> {
    pub(crate) fn new(world: &'w World, reply: &Reply) -> Self {
        assert_eq!(reply.json["token_type"], "Bearer", "{}", reply.text);
        assert!(reply.headers.get(SET_COOKIE).is_none());
        Self {
            world,
            access_token: reply.text_at("/access_token"),
            refresh_token: reply.text_at("/refresh_token"),
        }
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'w> {
        Call::new(self.world, method, path).header(
            AUTHORIZATION.as_str(),
            &format!("Bearer {}", self.access_token),
        )
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path).json(&body).send().await
    }
}
