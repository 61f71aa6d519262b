use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use zalt_core::secret::DeviceToken;
use zalt_core::{Error, RequestContext, Timestamp, Zalt};

use crate::api;
use crate::auth::RequestAuth;
use crate::client_ip::PeerAddr;
use crate::config::HttpConfig;
use crate::cookie::{CookieKind, Cookies};
use crate::layer::RequestLayer;
use crate::openapi;
use crate::origin::Origins;
use crate::request_id;
use crate::service::{self, ZaltService};

/// The header that carries what a device is known by where it keeps no cookies.
static ZALT_DEVICE: HeaderName = HeaderName::from_static("zalt-device");

/// Browsers keep no cookie for longer.
const DEVICE_COOKIE_LIFETIME: Duration = Duration::from_hours(400 * 24);

/// An application as HTTP knows it. Cheap to clone; the service and the layers of one application share it.
#[derive(Clone)]
pub struct ZaltHttp {
    inner: Arc<Inner>,
}

struct Inner {
    zalt: Zalt,
    config: HttpConfig,
    cookies: Cookies,
    origins: Origins,
    open_api: OnceLock<Bytes>,
}

impl ZaltHttp {
    /// Serves `zalt` by `config`.
    pub fn new(zalt: Zalt, config: HttpConfig) -> Self {
        let cookies = Cookies::new(zalt.base_url());
        let origins = Origins::new(zalt.base_url(), config.allowed_origins.clone());
        Self {
            inner: Arc::new(Inner {
                zalt,
                config,
                cookies,
                origins,
                open_api: OnceLock::new(),
            }),
        }
    }

    /// The application.
    pub fn zalt(&self) -> &Zalt {
        &self.inner.zalt
    }

    /// The choices.
    pub fn config(&self) -> &HttpConfig {
        &self.inner.config
    }

    /// The cookies.
    pub fn cookies(&self) -> &Cookies {
        &self.inner.cookies
    }

    /// The `Set-Cookie` that keeps a token of ours until `expires_at`.
    ///
    /// # Errors
    /// [`Error::Internal`] if the value can't stand in a header; no token of ours is such.
    pub fn cookie_until(
        &self,
        kind: CookieKind,
        value: &str,
        expires_at: Timestamp,
    ) -> Result<HeaderValue, Error> {
        let lifetime = expires_at.since(self.zalt().now());
        self.cookies()
            .set(kind, value, lifetime)
            .map_err(|_| Error::Internal("a token can't stand in a cookie"))
    }

    /// The endpoints as a service, for frameworks that bring their own routing.
    pub fn service(&self) -> ZaltService {
        ZaltService::new(self.clone(), api::routes(self))
    }

    /// The endpoints as a router, to be merged into a host's or nested below a path.
    ///
    /// It has the paths `/v1/client` and below, `/.well-known/jwks.json`, `/.well-known/webauthn` and `/openapi.json`, and leaves all others alone.
    pub fn router(&self) -> Router {
        service::mounted(&self.service())
    }

    /// The layer that gives each request of a host's own routes its [`RequestAuth`] and [`RequestContext`].
    pub fn layer(&self) -> RequestLayer {
        RequestLayer::new(self.clone())
    }

    /// Puts a [`RequestContext`] and a [`RequestAuth`] into the extensions of a request, and returns the latter. Costs no
    /// query. A request that has them from an outer layer of the same application keeps them.
    pub fn prepare(&self, parts: &mut Parts) -> RequestAuth {
        if let Some(auth) = parts.extensions.get::<RequestAuth>()
            && auth.belongs_to(self)
        {
            return auth.clone();
        }
        let peer = parts
            .extensions
            .get::<PeerAddr>()
            .map(|peer| peer.0.ip().to_canonical());
        let proxies = &self.inner.config.trusted_proxies;
        let mut context = RequestContext::internal();
        if let Some(peer) = peer {
            context = context.with_ip(proxies.client(peer, &parts.headers));
        }
        if let Some(agent) = parts.headers.get(http::header::USER_AGENT) {
            context = context.with_user_agent(&String::from_utf8_lossy(agent.as_bytes()));
        }
        context = self.with_device(context, &parts.headers);
        // Without randomness nothing else that matters works either; a missing id is no reason to fail earlier.
        let id = request_id::of_request(&parts.headers, peer, proxies, self.zalt().rng()).ok();
        if let Some(id) = &id {
            context = context.with_request_id(id);
        }
        let auth = RequestAuth::new(self.clone(), context.clone(), id, parts);
        parts.extensions.insert(context);
        parts.extensions.insert(auth.clone());
        auth
    }

    /// What the device is known by: in a header, or in a cookie. One that can't be read is none: the device is a new one then.
    fn with_device(&self, context: RequestContext, headers: &HeaderMap) -> RequestContext {
        let parsed = |text: Option<&str>| DeviceToken::parse(text?).ok();
        let mut shown = headers.get_all(&ZALT_DEVICE).iter();
        let with_device = match (shown.next(), shown.next()) {
            (Some(value), None) => {
                parsed(value.to_str().ok()).map(|device| context.clone().with_device(device))
            }
            (Some(_), Some(_)) => None,
            (None, _) => {
                let cookie = self.cookies().read(CookieKind::Device, headers);
                parsed(cookie.ok().flatten())
                    .map(|device| context.clone().with_device_cookie(device))
            }
        };
        with_device.unwrap_or(context)
    }

    /// The `Set-Cookie` by which a browser is known again, for as long as browsers keep any.
    ///
    /// # Errors
    /// [`Error::Internal`], as for [`cookie_until`](Self::cookie_until).
    pub fn device_cookie(&self, device: &DeviceToken) -> Result<HeaderValue, Error> {
        let expires_at = self.zalt().now() + DEVICE_COOKIE_LIFETIME;
        self.cookie_until(CookieKind::Device, &device.expose(), expires_at)
    }

    pub(crate) fn origins(&self) -> &Origins {
        &self.inner.origins
    }

    /// The OpenAPI document as JSON, made when it is first asked for.
    pub(crate) fn open_api(&self) -> &Bytes {
        self.inner.open_api.get_or_init(|| {
            serde_json::to_vec(&openapi::document(self))
                .unwrap_or_default()
                .into()
        })
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl fmt::Debug for ZaltHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZaltHttp")
            .field("zalt", &self.inner.zalt)
            .finish_non_exhaustive()
    }
}
