use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use zalt_http::{ZaltHttp, ZaltService};

use crate::client::{Adapter, Client};

/// The endpoints as they are, without a web framework.
#[derive(Debug, Clone, Copy)]
pub struct InProcess;

impl Adapter for InProcess {
    fn serve(&self, http: ZaltHttp) -> LocalBoxFuture<'_, Box<dyn Client>> {
        Box::pin(async move { Box::new(InProcessClient(http.service())) as Box<dyn Client> })
    }
}

struct InProcessClient(ZaltService);

impl Client for InProcessClient {
    fn send(&self, request: Request<Bytes>) -> LocalBoxFuture<'_, Response<Bytes>> {
        let service = self.0.clone();
        Box::pin(async move {
            let response = service.oneshot(request.map(Full::new)).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Response::from_parts(parts, body)
        })
    }
}
