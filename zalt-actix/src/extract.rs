use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use zalt_core::session::Authenticated;
use zalt_http::{AuthRejection, RequestAuth, Requires};

use crate::ZaltActix;
use crate::bridge;

/// The session that a request belongs to, with its user. Without one the request is refused with 401.
///
/// Looked up once per request, however many handlers and guards ask. `Option<SignedIn>` never refuses.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Authenticated);

impl Deref for SignedIn {
    type Target = Authenticated;

    fn deref(&self) -> &Authenticated {
        &self.0
    }
}

/// A session whose user proved who they are as well and as recently as `R` says: [`Recent`](crate::Recent),
/// [`SecondFactor`](crate::SecondFactor), [`PhishingResistant`](crate::PhishingResistant), or a [`Requires`] of the application's
/// own.
///
/// Else the request is refused with 403 and `reauthentication_required`, a problem document that says in `assurance` and
/// `max_age` what is missing; `POST /v1/client/reauthenticate` makes up for it.
pub struct Proved<R>(pub Authenticated, PhantomData<fn() -> R>);

impl<R> fmt::Debug for Proved<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proved").field(&self.0).finish()
    }
}

impl<R> Deref for Proved<R> {
    type Target = Authenticated;

    fn deref(&self) -> &Authenticated {
        &self.0
    }
}

/// Why a request was refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// Nobody is signed in: 401, or 5xx if it could not be found out.
    Auth(AuthRejection),
    /// The head of the request is none that HTTP allows: 400.
    Malformed,
    /// [`ZaltActix::mount`] was not called: 500, and nobody gets in.
    NotMounted,
}

impl FromRequest for SignedIn {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = auth(request);
        Box::pin(async move { Ok(Self(auth?.authenticated().await.map_err(Rejection::Auth)?)) })
    }
}

impl<R: Requires + 'static> FromRequest for Proved<R> {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = auth(request);
        Box::pin(async move {
            let authenticated = auth?.require(R::REQUIREMENT).await;
            Ok(Self(authenticated.map_err(Rejection::Auth)?, PhantomData))
        })
    }
}

/// The identity of a request, made at the first question and kept with it.
fn auth(request: &HttpRequest) -> Result<RequestAuth, Rejection> {
    if let Some(auth) = request.extensions().get::<RequestAuth>() {
        return Ok(auth.clone());
    }
    let zalt = request
        .app_data::<Data<ZaltActix>>()
        .ok_or(Rejection::NotMounted)?;
    let mut parts = bridge::parts(request).ok_or(Rejection::Malformed)?;
    let auth = zalt.http().prepare(&mut parts);
    request.extensions_mut().insert(auth.clone());
    Ok(auth)
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth(rejection) => rejection.fmt(f),
            Self::Malformed => f.write_str("the head of the request is malformed"),
            Self::NotMounted => f.write_str("ZaltActix::mount was not called for this application"),
        }
    }
}

impl std::error::Error for Rejection {}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        self.error_response().status()
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Auth(rejection) => {
                let (head, body) = rejection.to_response().into_parts();
                bridge::with_head(&head.status, &head.headers).body(body)
            }
            Self::Malformed => HttpResponse::BadRequest().finish(),
            Self::NotMounted => {
                tracing::error!(
                    "a handler asks who is signed in, but ZaltActix::mount was not called"
                );
                HttpResponse::InternalServerError().finish()
            }
        }
    }
}
