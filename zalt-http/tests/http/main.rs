//! The API in process: the shared behaviours, and what only concerns this crate.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

mod auth;
mod bodies;
mod documents;
mod logs;
mod races;
mod support;

use bytes::Bytes;
use futures_executor::block_on;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use zalt_http::{ZaltHttp, ZaltService};
use zalt_http_behaviours::{Adapter, Client};

zalt_http_behaviours::tests!(|behaviour: &zalt_http_behaviours::Behaviour| {
    logs::captured();
    block_on(behaviour.run(&InProcess));
});

struct InProcess;

type Local<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + 'a>>;

impl Adapter for InProcess {
    fn serve(&self, http: ZaltHttp) -> Local<'_, Box<dyn Client>> {
        Box::pin(async move { Box::new(InProcessClient(http.service())) as Box<dyn Client> })
    }
}

struct InProcessClient(ZaltService);

impl Client for InProcessClient {
    fn send(&self, request: Request<Bytes>) -> Local<'_, Response<Bytes>> {
        let service = self.0.clone();
        Box::pin(async move {
            let response = service.oneshot(request.map(Full::new)).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Response::from_parts(parts, body)
        })
    }
}
