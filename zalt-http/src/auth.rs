//! Who sent a request, found out at most once and only when somebody asks.

use std::fmt;
use std::sync::Arc;

use async_lock::OnceCell;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use zalt_core::access_token::AccessTokenSubject;
use zalt_core::jwt::JwtError;
use zalt_core::session::{Authenticated, Requirement};
use zalt_core::{Error, RequestContext};
use zeroize::Zeroizing;

use crate::cookie::CookieKind;
use crate::http_zalt::ZaltHttp;
use crate::problem::{ApiError, Problem};

/// The identity of one request. Cheap to clone; all clones share what was found out.
///
/// A cookie that comes with an unsafe request from another site is refused here too, so that no handler has to think of
/// it: see [`origin`](crate::origin).
#[derive(Clone)]
pub struct RequestAuth {
    inner: Arc<Inner>,
}

struct Inner {
    http: ZaltHttp,
    context: RequestContext,
    request_id: Option<Arc<str>>,
    presented: Presented,
    cross_origin: bool,
    resolved: OnceCell<Result<Authenticated, AuthRejection>>,
    /// Whether the session may act.
    unlimited: OnceCell<Result<(), AuthRejection>>,
}

/// What a request shows of who sent it.
enum Presented {
    Nothing,
    Cookie(Zeroizing<String>),
    Bearer(Zeroizing<String>),
    /// An `Authorization` that is no bearer token, or cookies that can't be trusted.
    Garbled,
}

/// Why nobody is signed in, or not well enough. A reply of its own: 401 where signing in helps, 403 where something else
/// is needed.
#[derive(Debug, Clone)]
pub struct AuthRejection {
    reason: AuthRejectionReason,
    problem: Box<Problem>,
    challenge: Option<HeaderValue>,
}

/// The reasons for an [`AuthRejection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthRejectionReason {
    /// 401: the request shows neither a session cookie nor an access token.
    Missing,
    /// 401: what it shows is not one of ours, or no longer.
    Invalid,
    /// 401: the session has expired or was ended.
    SessionOver,
    /// 403: the user has to prove again who they are.
    ReauthenticationRequired,
    /// 403: the user has to set up a second factor.
    MfaEnrollmentRequired,
    /// 403: a browser sent the request, with the person's cookie, from another site.
    CrossOrigin,
    /// 503 or 500: it could not be found out.
    Failed,
}

impl RequestAuth {
    pub(crate) fn new(
        http: ZaltHttp,
        context: RequestContext,
        request_id: Option<Arc<str>>,
        parts: &Parts,
    ) -> Self {
        let cross_origin = http
            .origins()
            .is_cross_origin(&parts.method, &parts.headers);
        let presented = Presented::by(&http, &parts.headers);
        Self {
            inner: Arc::new(Inner {
                http,
                context,
                request_id,
                presented,
                cross_origin,
                resolved: OnceCell::new(),
                unlimited: OnceCell::new(),
            }),
        }
    }

    /// The session and its user, held against the store (or the session cache): a revoked session is refused, and so is one that
    /// has less than the policy asks for in live sessions.
    ///
    /// # Errors
    /// [`AuthRejection`].
    pub async fn authenticated(&self) -> Result<Authenticated, AuthRejection> {
        let authenticated = self.authenticated_even_limited().await?;
        let sessions = self.inner.http.zalt().sessions();
        let unlimited = self.inner.unlimited.get_or_init(|| async {
            let limit = sessions.require_unlimited(&authenticated).await;
            limit.map_err(|error| self.reject(&error))
        });
        unlimited.await.clone()?;
        Ok(authenticated)
    }

    /// The same for a session that the policy limits, too: for what raises a session, or ends it, and for nothing else.
    ///
    /// # Errors
    /// [`AuthRejection`].
    pub async fn authenticated_even_limited(&self) -> Result<Authenticated, AuthRejection> {
        self.inner
            .resolved
            .get_or_init(|| self.resolve())
            .await
            .clone()
    }

    /// The session and its user, if somebody asked before and there is one. Looks nothing up: for logs.
    pub fn known(&self) -> Option<&Authenticated> {
        self.inner.resolved.get()?.as_ref().ok()
    }

    /// The same as [`authenticated`](Self::authenticated), or `None` where the request shows no credential at all. One that is shown and not valid is an error: a
    /// page must not silently treat it as a stranger's.
    ///
    /// # Errors
    /// [`AuthRejection`].
    pub async fn maybe_authenticated(&self) -> Result<Option<Authenticated>, AuthRejection> {
        match self.authenticated().await {
            Ok(authenticated) => Ok(Some(authenticated)),
            Err(rejection) if rejection.reason == AuthRejectionReason::Missing => Ok(None),
            Err(rejection) => Err(rejection),
        }
    }

    /// The user and session that an access token names, checked without a query: a session that was revoked meanwhile
    /// passes until the token ends. A cookie is held against the store as ever.
    ///
    /// # Errors
    /// [`AuthRejection`].
    pub async fn access_subject(&self) -> Result<AccessTokenSubject, AuthRejection> {
        if let Presented::Bearer(token) = &self.inner.presented {
            let verified = self.inner.http.zalt().access_tokens().verify(token).await;
            return verified.map_err(|_: JwtError| self.reject(&Error::Unauthenticated));
        }
        let authenticated = self.authenticated().await?;
        let session = authenticated.session();
        Ok(AccessTokenSubject {
            user_id: session.user_id,
            session_id: session.id,
            expires_at: session.expires_at.min(session.idle_expires_at),
        })
    }

    /// The session and its user, if they proved who they are as well and as recently as `requirement` says.
    ///
    /// # Errors
    /// [`AuthRejection`], with [`AuthRejectionReason::ReauthenticationRequired`] if they did not: its problem document says
    /// in `assurance` and `max_age` what is asked for.
    pub async fn require(
        &self,
        requirement: impl Into<Requirement> + Send,
    ) -> Result<Authenticated, AuthRejection> {
        let authenticated = self.authenticated().await?;
        let sessions = self.inner.http.zalt().sessions();
        match sessions.require(&authenticated, requirement) {
            Ok(()) => Ok(authenticated),
            Err(error) => Err(self.reject(&error)),
        }
    }

    /// Ends the session whose cookie a new one is about to replace: nobody could ever sign it out again (ASVS 7.2.4).
    ///
    /// Call it once the new session is made. That it fails is logged and no reason to refuse the new session.
    pub async fn end_replaced_session(&self) {
        if !self.has_cookie() {
            return;
        }
        let Ok(old) = self.authenticated_even_limited().await else {
            return;
        };
        let session = old.session();
        let sessions = self.inner.http.zalt().sessions();
        if let Err(error) = sessions.sign_out(&self.inner.context, session).await {
            tracing::warn!(%error, session = %session.id, "a session that was replaced could not be ended");
        }
    }

    /// Where the request came from, as core wants to know it.
    pub fn context(&self) -> &RequestContext {
        &self.inner.context
    }

    /// The application.
    pub fn http(&self) -> &ZaltHttp {
        &self.inner.http
    }

    /// The id of the request.
    pub fn request_id(&self) -> Option<&Arc<str>> {
        self.inner.request_id.as_ref()
    }

    /// Whether another site may have sent this unsafe request.
    pub fn is_cross_origin(&self) -> bool {
        self.inner.cross_origin
    }

    /// Whether the request shows a session cookie, and no `Authorization`.
    pub fn has_cookie(&self) -> bool {
        matches!(self.inner.presented, Presented::Cookie(_))
    }

    pub(crate) fn belongs_to(&self, http: &ZaltHttp) -> bool {
        self.inner.http.is(http)
    }

    async fn resolve(&self) -> Result<Authenticated, AuthRejection> {
        let Inner {
            http,
            context,
            presented,
            cross_origin,
            ..
        } = &*self.inner;
        let sessions = http.zalt().sessions();
        let result = match presented {
            Presented::Nothing => return Err(self.missing()),
            Presented::Garbled => Err(Error::Unauthenticated),
            Presented::Cookie(_) if *cross_origin => return Err(self.cross_origin()),
            Presented::Cookie(token) => sessions.authenticate_even_limited(context, token).await,
            Presented::Bearer(token) => {
                let limited = sessions.authenticate_access_token_even_limited(context, token);
                limited.await
            }
        };
        result.map_err(|error| self.reject(&error))
    }

    fn missing(&self) -> AuthRejection {
        let mut rejection = self.reject(&Error::Unauthenticated);
        rejection.reason = AuthRejectionReason::Missing;
        // RFC 6750, section 3.1: without credentials the challenge carries no error.
        rejection.challenge = None;
        rejection
    }

    fn cross_origin(&self) -> AuthRejection {
        AuthRejection {
            reason: AuthRejectionReason::CrossOrigin,
            problem: Box::new(crate::service::cross_origin().with_request_id(self.request_id())),
            challenge: None,
        }
    }

    fn reject(&self, error: &Error) -> AuthRejection {
        let reason = match error {
            Error::Unauthenticated => AuthRejectionReason::Invalid,
            Error::SessionOver => AuthRejectionReason::SessionOver,
            Error::ReauthenticationRequired { .. } => AuthRejectionReason::ReauthenticationRequired,
            Error::MfaEnrollmentRequired => AuthRejectionReason::MfaEnrollmentRequired,
            _ => AuthRejectionReason::Failed,
        };
        let problem = Problem::of(error).with_request_id(self.request_id());
        if reason == AuthRejectionReason::Failed {
            tracing::error!(
                error = error as &dyn std::error::Error,
                request_id = self.request_id().map(|id| &**id),
                "who sent a request could not be found out"
            );
        }
        let invalid_bearer = problem.status() == http::StatusCode::UNAUTHORIZED
            && !matches!(self.inner.presented, Presented::Cookie(_));
        AuthRejection {
            reason,
            problem: Box::new(problem),
            challenge: invalid_bearer
                .then(|| HeaderValue::from_static("Bearer error=\"invalid_token\"")),
        }
    }
}

impl fmt::Debug for RequestAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestAuth")
            .field("request_id", &self.inner.request_id)
            .finish_non_exhaustive()
    }
}

impl Presented {
    fn by(http: &ZaltHttp, headers: &HeaderMap) -> Self {
        if headers.contains_key(AUTHORIZATION) {
            return bearer(headers).map_or(Self::Garbled, |token| {
                Self::Bearer(Zeroizing::new(token.to_owned()))
            });
        }
        match http.cookies().read(CookieKind::Session, headers) {
            Ok(Some(token)) => Self::Cookie(Zeroizing::new(token.to_owned())),
            Ok(None) => Self::Nothing,
            Err(_) => Self::Garbled,
        }
    }
}

/// The token of the one `Authorization: Bearer` (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let alone = values.next().is_none();
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    (alone && plain && scheme.eq_ignore_ascii_case("bearer")).then_some(token)
}

impl AuthRejection {
    /// Why.
    pub const fn reason(&self) -> AuthRejectionReason {
        self.reason
    }

    /// The problem document.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The reply, for frameworks that don't have axum's body.
    pub fn to_response(&self) -> http::Response<Bytes> {
        let mut response = self.problem.to_response();
        if let Some(challenge) = &self.challenge {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, challenge.clone());
        }
        response.headers_mut().insert(
            http::header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        );
        response
    }
}

impl fmt::Display for AuthRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            AuthRejectionReason::Missing => "nobody is signed in",
            AuthRejectionReason::Invalid => "the credential is not valid",
            AuthRejectionReason::SessionOver => "the session is over",
            AuthRejectionReason::ReauthenticationRequired => {
                "the user has to prove again, or better, who they are"
            }
            AuthRejectionReason::MfaEnrollmentRequired => "the user has to set up a second factor",
            AuthRejectionReason::CrossOrigin => "the request came from another site",
            AuthRejectionReason::Failed => "who sent the request could not be found out",
        })
    }
}

impl std::error::Error for AuthRejection {}

impl IntoResponse for AuthRejection {
    fn into_response(self) -> Response {
        self.to_response().map(Body::from)
    }
}

impl From<AuthRejection> for ApiError {
    fn from(rejection: AuthRejection) -> Self {
        Self {
            problem: rejection.problem,
            cause: None,
            challenge: rejection.challenge,
        }
    }
}
