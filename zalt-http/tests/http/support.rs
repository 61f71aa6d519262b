//! An application of this crate's own tests, without an adapter between.

use std::time::Duration;

use bytes::Bytes;
use futures_executor::block_on;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;
use zalt_http::{HttpConfig, ZaltHttp};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "a walk in the rain";

pub(crate) struct Application {
    pub(crate) http: ZaltHttp,
    inner: zalt_http_behaviours::Application,
}

impl Application {
    pub(crate) fn at(base_url: &str) -> Self {
        let inner = block_on(zalt_http_behaviours::Application::new(base_url, |_| {}));
        let http = ZaltHttp::new(inner.zalt().clone(), HttpConfig::default());
        Self { http, inner }
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.inner.advance(duration);
    }

    /// The code and the link's token of the latest mail.
    pub(crate) fn proof(&self) -> (String, Option<String>) {
        self.proof_for(ADA)
    }

    /// The same, of the latest mail to `address`.
    pub(crate) fn proof_for(&self, address: &str) -> (String, Option<String>) {
        block_on(self.inner.proof(address))
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

    /// Signs up; the reply that completes it.
    pub(crate) fn sign_up(&self, transport: &str) -> Response<Bytes> {
        let body = json!({ "email_address": ADA, "password": PASSWORD, "transport": "bearer" });
        let begun = json_of(&self.post("/v1/client/sign-ups", &[], &body));
        let path = format!(
            "/v1/client/sign-ups/{}/attempt-verification",
            begun["id"].as_str().unwrap()
        );
        let (code, _) = self.proof();
        let token = begun["attempt_token"].as_str().unwrap();
        let done = self.post(&path, &[("zalt-attempt", token)], &json!({ "code": code }));
        assert_eq!(done.status(), 200);
        let body = json!({ "identifier": ADA, "password": PASSWORD, "transport": transport });
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
