use std::marker::PhantomData;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use zalt_core::session::Authenticated;
use zalt_core::user::User;
use zalt_http::{AuthRejection, RequestAuth, Requires};

/// The session that a request belongs to, with its user.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Authenticated);

/// The user who sent a request.
#[derive(Debug, Clone)]
pub struct CurrentUser(pub User);

/// A session whose user proved who they are as well and as recently as `R` says: [`Recent`](crate::Recent),
/// [`SecondFactor`](crate::SecondFactor), [`PhishingResistant`](crate::PhishingResistant), or a [`Requires`] of the application's
/// own.
///
/// Else the request is refused with 403 and `reauthentication_required`, a problem document that says in `assurance` and
/// `max_age` what is missing; `POST /v1/client/reauthenticate` makes up for it.
pub struct Proved<R>(pub Authenticated, PhantomData<fn() -> R>);

impl<R> std::fmt::Debug for Proved<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Proved").field(&self.0).finish()
    }
}

/// Why an extractor refused a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// Nobody is signed in, or not well enough: 401, 403, or 5xx if it could not be found out.
    Auth(AuthRejection),
    /// The route stands outside [`ZaltLayer`](crate::ZaltLayer): 500, and nobody gets in.
    MissingLayer,
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::Auth(rejection) => rejection.into_response(),
            Self::MissingLayer => {
                tracing::error!(
                    "a route asks who is signed in but has no ZaltLayer: add .layer(zalt.layer())"
                );
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

impl From<AuthRejection> for Rejection {
    fn from(rejection: AuthRejection) -> Self {
        Self::Auth(rejection)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Ok(Self(auth(parts)?.authenticated().await?))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        Ok(auth(parts)?.maybe_authenticated().await?.map(Self))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Ok(Self(auth(parts)?.authenticated().await?.user().clone()))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for CurrentUser {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        let found = auth(parts)?.maybe_authenticated().await?;
        Ok(found.map(|authenticated| Self(authenticated.user().clone())))
    }
}

impl<S: Send + Sync, R: Requires> FromRequestParts<S> for Proved<R> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let authenticated = auth(parts)?.require(R::REQUIREMENT).await?;
        Ok(Self(authenticated, PhantomData))
    }
}

fn auth(parts: &Parts) -> Result<RequestAuth, Rejection> {
    parts
        .extensions
        .get::<RequestAuth>()
        .cloned()
        .ok_or(Rejection::MissingLayer)
}
