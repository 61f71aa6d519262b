use std::net::SocketAddr;
use std::sync::Once;
use std::task::{Context, Poll};

use axum::extract::ConnectInfo;
use http::Request;
use tower::{Layer, Service};
use zalt_http::{PeerAddr, ZaltHttp};

/// Gives each request what the extractors need. Costs no query.
#[derive(Debug, Clone)]
pub struct ZaltLayer {
    http: ZaltHttp,
}

/// The service of a [`ZaltLayer`].
#[derive(Debug, Clone)]
pub struct ZaltLayerService<S> {
    http: ZaltHttp,
    inner: S,
}

impl ZaltLayer {
    pub(crate) const fn new(http: ZaltHttp) -> Self {
        Self { http }
    }
}

impl<S> Layer<S> for ZaltLayer {
    type Service = ZaltLayerService<S>;

    fn layer(&self, inner: S) -> ZaltLayerService<S> {
        ZaltLayerService {
            http: self.http.clone(),
            inner,
        }
    }
}

impl<S, B> Service<Request<B>> for ZaltLayerService<S>
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
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| PeerAddr(info.0));
        match peer {
            Some(peer) => {
                parts.extensions.insert(peer);
            }
            None if parts.extensions.get::<PeerAddr>().is_none() => warn_once(),
            None => {}
        }
        self.http.prepare(&mut parts);
        self.inner.call(Request::from_parts(parts, body))
    }
}

/// Without a peer no network has a budget, which must not pass unnoticed.
fn warn_once() {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            "requests come without the address of their peer, so networks have no rate limits: \
             serve the router through zalt_axum::with_peer"
        );
    });
}
