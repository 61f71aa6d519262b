use axum::extract::FromRequestParts;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::request::Parts;
use zalt_core::secret::SessionToken;
use zalt_core::session::Authenticated;
use zalt_core::{Error, RequestContext, Zalt};

use crate::auth::{AuthRejection, RequestAuth};
use crate::cookie::CookieKind;
use crate::http_zalt::ZaltHttp;
use crate::problem::ApiError;

/// What every endpoint needs of its request.
pub(crate) struct Call {
    pub(crate) http: ZaltHttp,
    pub(crate) auth: RequestAuth,
}

impl Call {
    pub(crate) fn zalt(&self) -> &Zalt {
        self.http.zalt()
    }

    pub(crate) fn context(&self) -> &RequestContext {
        self.auth.context()
    }

    /// The session and its user.
    pub(crate) async fn authenticated(&self) -> Result<Authenticated, AuthRejection> {
        self.auth.authenticated().await
    }

    /// The same for a session that the policy limits, too: for what raises a session, or ends it, and for nothing else.
    pub(crate) async fn authenticated_even_limited(&self) -> Result<Authenticated, AuthRejection> {
        self.auth.authenticated_even_limited().await
    }

    /// Adds the token of a session that was raised to a reply, where a cookie holds it.
    pub(crate) fn hand_over(
        &self,
        authenticated: &Authenticated,
        token: Option<&SessionToken>,
        response: &mut Response,
    ) -> Result<(), ApiError> {
        let Some(token) = token else {
            return Ok(());
        };
        let expires_at = authenticated.session().expires_at;
        let kind = CookieKind::Session;
        let cookie = self.http.cookie_until(kind, &token.expose(), expires_at)?;
        response.headers_mut().append(SET_COOKIE, cookie);
        Ok(())
    }

    /// The `Set-Cookie` that removes a cookie.
    pub(crate) fn clear(&self, kind: CookieKind) -> http::HeaderValue {
        self.http.cookies().clear(kind)
    }
}

impl FromRequestParts<ZaltHttp> for Call {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, http: &ZaltHttp) -> Result<Self, ApiError> {
        let auth = parts
            .extensions
            .get::<RequestAuth>()
            .cloned()
            .ok_or(Error::Internal("a request reached an endpoint unprepared"))?;
        Ok(Self {
            http: http.clone(),
            auth,
        })
    }
}
