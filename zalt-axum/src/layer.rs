use std::net::SocketAddr;
use std::sync::Once;
use std::task::{Context, Poll};

use axum::extract::ConnectInfo;
use http::Request;
use tower::{Layer, Service};
use zalt_http::{PeerAddr, RequestLayer, RequestService, ZaltHttp};

/// Gives each request what the extractors need: the layer of `zalt-http`, told of the peer that axum knows. Costs no query.
#[derive(Debug, Clone)]
pub struct ZaltLayer(RequestLayer);

/// The service of a [`ZaltLayer`].
#[derive(Debug, Clone)]
pub struct ZaltLayerService<S>(RequestService<S>);

impl ZaltLayer {
    pub(crate) fn new(http: &ZaltHttp) -> Self {
        Self(http.layer())
    }
}

impl<S> Layer<S> for ZaltLayer {
    type Service = ZaltLayerService<S>;

    fn layer(&self, inner: S) -> ZaltLayerService<S> {
        ZaltLayerService(self.0.layer(inner))
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
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let extensions = request.extensions_mut();
        match extensions.get::<ConnectInfo<SocketAddr>>() {
            Some(info) => {
                let peer = PeerAddr(info.0);
                extensions.insert(peer);
            }
            None if extensions.get::<PeerAddr>().is_none() => warn_once(),
            None => {}
        }
        self.0.call(request)
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
