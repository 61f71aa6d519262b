//! Zalt for actix-web: the mount point and the signed-in user.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, Responder, web};
//! use zalt_actix::{SignedIn, ZaltActix};
//!
//! async fn hello(who: SignedIn) -> impl Responder {
//!     format!("signed in as {}", who.user().id)
//! }
//!
//! # async fn app(zalt: zalt_core::Zalt) -> std::io::Result<()> {
//! let zalt = ZaltActix::new(zalt);
//! HttpServer::new(move || {
//!     App::new()
//!         .configure(|config| zalt.mount(config))
//!         .route("/hello", web::get().to(hello))
//! })
//! .bind(("127.0.0.1", 3000))?
//! .run()
//! .await
//! # }
//! ```
//!
//! The endpoints are those of `zalt-http`, called through one small bridge; none is written twice.

#![expect(
    clippy::future_not_send,
    reason = "actix-web runs each worker on a thread of its own, and its types stay there"
)]

mod bridge;
mod extract;

use actix_web::web::{self, ServiceConfig};
use zalt_core::Zalt;
use zalt_http::{HttpConfig, ZaltHttp, ZaltService};

pub use extract::{Proved, Rejection, SignedIn};
pub use zalt_http::{PhishingResistant, Recent, Requires, SecondFactor};

/// An application as actix-web knows it. Cheap to clone, one for all workers.
#[derive(Debug, Clone)]
pub struct ZaltActix {
    http: ZaltHttp,
    service: ZaltService,
}

impl ZaltActix {
    /// Serves `zalt` with the defaults of HTTP: no trusted proxy, no other origin.
    pub fn new(zalt: Zalt) -> Self {
        Self::with_config(zalt, HttpConfig::default())
    }

    /// Serves `zalt` by `config`.
    pub fn with_config(zalt: Zalt, config: HttpConfig) -> Self {
        Self::from_http(ZaltHttp::new(zalt, config))
    }

    /// Serves what another adapter serves too.
    pub fn from_http(http: ZaltHttp) -> Self {
        Self {
            service: http.service(),
            http,
        }
    }

    /// Adds the endpoints (`/v1/client/…`, `/.well-known/jwks.json`, `/.well-known/webauthn` and
    /// `/openapi.json`) and what the extractor needs.
    pub fn mount(&self, config: &mut ServiceConfig) {
        config.app_data(web::Data::new(self.clone()));
        for path in [
            "/v1/client",
            "/v1/client/{tail}*",
            "/.well-known/jwks.json",
            "/.well-known/webauthn",
            "/openapi.json",
        ] {
            config.route(path, web::to(bridge::respond));
        }
    }

    /// What the adapters share.
    pub const fn http(&self) -> &ZaltHttp {
        &self.http
    }

    pub(crate) const fn service(&self) -> &ZaltService {
        &self.service
    }
}
