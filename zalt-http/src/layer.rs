use std::task::{Context, Poll};

use http::Request;
use tower::{Layer, Service};

use crate::http_zalt::ZaltHttp;

/// Gives each request of a host's own routes its [`RequestAuth`](crate::RequestAuth) and
/// [`RequestContext`](zalt_core::RequestContext). Nobody is looked up until a handler asks.
#[derive(Debug, Clone)]
pub struct RequestLayer {
    http: ZaltHttp,
}

/// The service of a [`RequestLayer`].
#[derive(Debug, Clone)]
pub struct RequestService<S> {
    http: ZaltHttp,
    inner: S,
}

impl RequestLayer {
    pub(crate) const fn new(http: ZaltHttp) -> Self {
        Self { http }
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = RequestService<S>;

    fn layer(&self, inner: S) -> RequestService<S> {
        RequestService {
            http: self.http.clone(),
            inner,
        }
    }
}

impl<S, B> Service<Request<B>> for RequestService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let (mut parts, body) = request.into_parts();
        self.http.prepare(&mut parts);
        self.inner.call(Request::from_parts(parts, body))
    }
}
