//! Zalt for axum: a layer, extractors and the mounted endpoints.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use zalt_axum::{SignedIn, ZaltAxum};
//!
//! async fn hello(SignedIn(who): SignedIn) -> String {
//!     format!("signed in as {}", who.user().id)
//! }
//!
//! # async fn app(zalt: zalt_core::Zalt) -> std::io::Result<()> {
//! let zalt = ZaltAxum::new(zalt);
//! let app: Router = Router::new()
//!     .route("/hello", get(hello))
//!     .layer(zalt.layer())
//!     .merge(zalt.routes());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, zalt_axum::with_peer(app)).await
//! # }
//! ```
//!
//! | extractor | a handler gets | else |
//! |---|---|---|
//! | [`SignedIn`] | the session and its user | 401 |
//! | [`CurrentUser`] | the user | 401 |
//! | [`Proved<Recent>`](Proved), [`Proved<SecondFactor>`](Proved), [`Proved<R>`](Proved) with a [`Requires`] of your own | the session and its user, who proved who they are as recently and as well as that | 401, or 403 with `reauthentication_required` and what is missing |
//! | `Option<SignedIn>`, `Option<CurrentUser>` | `None` where the request shows no credential | 401 for one that is not valid |
//! | [`zalt_http::RequestAuth`] by `Extension` | the request's identity, to be asked when it is needed | |
//!
//! Nobody is looked up until an extractor asks, and then once per request, however many ask.

mod extract;
mod layer;

use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use zalt_core::Zalt;
use zalt_http::{HttpConfig, ZaltHttp};

pub use extract::{CurrentUser, Proved, Rejection, SignedIn};
pub use layer::{ZaltLayer, ZaltLayerService};
pub use zalt_http::{PhishingResistant, Recent, Requires, SecondFactor};

/// An application as axum knows it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ZaltAxum {
    http: ZaltHttp,
}

impl ZaltAxum {
    /// Serves `zalt` with the defaults of HTTP: no trusted proxy, no other origin.
    pub fn new(zalt: Zalt) -> Self {
        Self::with_config(zalt, HttpConfig::default())
    }

    /// Serves `zalt` by `config`.
    pub fn with_config(zalt: Zalt, config: HttpConfig) -> Self {
        Self {
            http: ZaltHttp::new(zalt, config),
        }
    }

    /// Serves what another adapter serves too.
    pub const fn from_http(http: ZaltHttp) -> Self {
        Self { http }
    }

    /// The layer for the application's own routes, without which the extractors refuse to work.
    pub fn layer(&self) -> ZaltLayer {
        ZaltLayer::new(&self.http)
    }

    /// The endpoints: `/v1/client/…`, `/.well-known/jwks.json`, `/.well-known/webauthn` and `/openapi.json`. Merge them into the application's router.
    pub fn routes(&self) -> Router {
        self.http.router().layer(self.layer())
    }

    /// What the adapters share.
    pub const fn http(&self) -> &ZaltHttp {
        &self.http
    }
}

/// Makes `app` know the peer of each connection, for sessions, events and budgets. Pass the result to [`axum::serve`](fn@axum::serve).
pub fn with_peer(app: Router) -> IntoMakeServiceWithConnectInfo<Router, std::net::SocketAddr> {
    app.into_make_service_with_connect_info()
}
