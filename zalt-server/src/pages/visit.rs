//! One request for a page, and the replies to it.

use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::form_urlencoded;
use zalt_core::attempt::Attempt;
use zalt_core::id::UserId;
use zalt_core::identifier::IdentifierKind;
use zalt_core::secret::{AttemptToken, SessionToken};
use zalt_core::session::{Authenticated, SessionCredentials, SignedIn};
use zalt_core::user::Account;
use zalt_core::{Error, RequestContext, Timestamp, Zalt};
use zalt_http::RequestAuth;
use zalt_http::cookie::CookieKind;

use super::fault::{Fault, Outcome};
use super::flash::Flash;
use super::paths;
use super::return_to::ReturnTo;
use super::state::Pages;
use super::views::{Page, Viewer};

/// Who a request turned out to be from, for the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownUser(pub(crate) UserId);

/// One request for a page.
pub(crate) struct Visit {
    pub(crate) pages: Pages,
    auth: RequestAuth,
    holder: Holder,
    flash: Option<Flash>,
    return_to: Option<ReturnTo>,
    cookies: HeaderMap,
}

/// The secret of this browser that the tokens in its forms are bound to.
struct Holder {
    value: String,
    /// Whether the browser has yet to be given it.
    fresh: bool,
}

/// Somebody who is signed in, with their account.
pub(crate) struct SignedInVisitor {
    pub(crate) authenticated: Authenticated,
    pub(crate) account: Account,
}

/// How long a page may stay open before its form expires.
const HOLDER_LIFETIME: std::time::Duration = std::time::Duration::from_hours(30 * 24);

impl FromRequestParts<Pages> for Visit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, Fault> {
        let auth = pages.http().prepare(parts);
        let known = pages
            .http()
            .cookies()
            .read(CookieKind::Form, &parts.headers);
        let holder = match known {
            Ok(Some(value)) => Holder {
                value: value.to_owned(),
                fresh: false,
            },
            _ => Holder::mint(pages.zalt())?,
        };
        let mut cookies = HeaderMap::new();
        for value in parts.headers.get_all(COOKIE) {
            cookies.append(COOKIE, value.clone());
        }
        let query = parts.uri.query().unwrap_or_default();
        let return_to = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "return_to")
            .and_then(|(_, value)| ReturnTo::parse(&value));
        Ok(Self {
            flash: Flash::of(&cookies, pages.is_secure()),
            pages: pages.clone(),
            auth,
            holder,
            return_to,
            cookies,
        })
    }
}

impl Holder {
    fn mint(zalt: &Zalt) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        zalt.rng().fill(&mut bytes)?;
        Ok(Self {
            value: URL_SAFE_NO_PAD.encode(bytes),
            fresh: true,
        })
    }
}

/// Who is visiting.
impl Visit {
    pub(crate) fn zalt(&self) -> &Zalt {
        self.pages.zalt()
    }

    pub(crate) fn context(&self) -> &RequestContext {
        self.auth.context()
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.auth.request_id().map(|id| &**id)
    }

    pub(crate) fn auth(&self) -> &RequestAuth {
        &self.auth
    }

    /// Whoever is signed in; anybody else is sent to sign in.
    pub(crate) async fn authenticated(&self) -> Result<Authenticated, Fault> {
        Ok(self.auth.authenticated().await?)
    }

    /// The same with their account.
    pub(crate) async fn visitor(&self) -> Result<SignedInVisitor, Fault> {
        self.with_account(self.authenticated().await?).await
    }

    /// The same for a session that the policy limits, too: for what raises a session, and for nothing else.
    pub(crate) async fn visitor_even_limited(&self) -> Result<SignedInVisitor, Fault> {
        self.with_account(self.auth.authenticated_even_limited().await?)
            .await
    }

    async fn with_account(&self, authenticated: Authenticated) -> Result<SignedInVisitor, Fault> {
        let account = self
            .zalt()
            .users()
            .find_account(authenticated.user().id)
            .await?;
        Ok(SignedInVisitor {
            authenticated,
            account,
        })
    }

    /// Whether somebody is signed in, for pages that are for those who are not.
    pub(crate) async fn is_signed_in(&self) -> bool {
        self.auth.authenticated().await.is_ok()
    }

    /// The token of the sign-in or sign-up under way in this browser.
    pub(crate) fn attempt_token(&self, kind: CookieKind) -> Result<AttemptToken, Error> {
        let value = self.pages.http().cookies().read(kind, &self.cookies);
        value
            .ok()
            .flatten()
            .and_then(|text| AttemptToken::parse(text).ok())
            .ok_or(Error::AttemptNotFound)
    }

    /// Whether `token`, which came with a form, belongs to this browser.
    pub(crate) fn is_form_token(&self, token: &str) -> bool {
        let keys = self.zalt().encryption_keys();
        !self.holder.fresh && keys.is_form_token(&self.holder.value, token)
    }

    pub(crate) fn set_return_to(&mut self, return_to: Option<ReturnTo>) {
        self.return_to = return_to;
    }
}

/// Replies.
impl Visit {
    /// What every page carries.
    pub(crate) fn page(&self) -> Page {
        let token = self.zalt().encryption_keys().form_token(&self.holder.value);
        let mut page = Page::new(Arc::clone(self.pages.site()), token);
        page.return_to = self.return_to.as_ref().map(ToString::to_string);
        page.alert = self.flash.map(Flash::alert);
        page
    }

    /// The message that this request brings along.
    pub(crate) const fn flash(&self) -> Option<Flash> {
        self.flash
    }

    /// Shows a page.
    pub(crate) fn show(&self, view: &impl Template) -> Outcome {
        self.show_as(StatusCode::OK, view)
    }

    /// Shows a page with a status: one whose form was not taken.
    pub(crate) fn show_as(&self, status: StatusCode, view: &impl Template) -> Outcome {
        let mut response = (status, Html(view.render()?)).into_response();
        let cookies = self.pages.http().cookies();
        if self.holder.fresh {
            let value = &self.holder.value;
            if let Ok(cookie) = cookies.set(CookieKind::Form, value, HOLDER_LIFETIME) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
        }
        if self.flash.is_some() {
            let cookie = Flash::clear(self.pages.is_secure());
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// Leads on to a page of ours, with something to say there.
    pub(crate) fn go_with(&self, path: &str, flash: Flash) -> Response {
        let mut response = go(path);
        let cookie = flash.set(self.pages.is_secure());
        response.headers_mut().append(SET_COOKIE, cookie);
        response
    }

    /// A page of a flow, taking along where the person wants to go afterwards.
    pub(crate) fn path(&self, path: &str) -> String {
        match &self.return_to {
            Some(return_to) => path_with_return(path, return_to),
            None => path.to_owned(),
        }
    }

    /// Where the person wanted to go, or else their account.
    pub(crate) fn destination(&self) -> String {
        self.return_to
            .as_ref()
            .map_or_else(|| paths::ACCOUNT.to_owned(), ToString::to_string)
    }

    /// Leads on in an attempt that was just begun, whose token this browser keeps for as long as that may take.
    pub(crate) fn go_on_with(
        &self,
        path: &str,
        kind: CookieKind,
        token: &AttemptToken,
        attempt: &Attempt,
    ) -> Outcome {
        let mut response = go(path);
        self.keep(&mut response, kind, &token.expose(), attempt.expires_at)?;
        Ok(response)
    }

    /// Gives this browser a token until `expires_at`.
    pub(crate) fn keep(
        &self,
        response: &mut Response,
        kind: CookieKind,
        value: &str,
        expires_at: Timestamp,
    ) -> Result<(), Fault> {
        let cookie = self.pages.http().cookie_until(kind, value, expires_at)?;
        response.headers_mut().append(SET_COOKIE, cookie);
        Ok(())
    }

    /// Gives this browser the new token of a session that was raised, if there is one.
    pub(crate) fn keep_session(
        &self,
        response: &mut Response,
        authenticated: &Authenticated,
        token: Option<&SessionToken>,
    ) -> Result<(), Fault> {
        let Some(token) = token else {
            return Ok(());
        };
        let expires_at = authenticated.session().expires_at;
        self.keep(response, CookieKind::Session, &token.expose(), expires_at)
    }

    pub(crate) fn clear(&self, response: &mut Response, kind: CookieKind) {
        let cookie = self.pages.http().cookies().clear(kind);
        response.headers_mut().append(SET_COOKIE, cookie);
    }

    /// Takes the session and all that goes with it back from this browser.
    pub(crate) fn forget_session(&self, response: &mut Response) {
        for kind in [CookieKind::Session, CookieKind::SignIn, CookieKind::SignUp] {
            self.clear(response, kind);
        }
        // Not the cookies: the message for the next page is one, and ours are cleared one by one.
        response.headers_mut().insert(
            HeaderName::from_static("clear-site-data"),
            HeaderValue::from_static("\"storage\""),
        );
    }

    /// Hands a new session to this browser and leads to where the person wanted to go.
    pub(crate) async fn sign_in(
        &self,
        signed_in: SignedIn,
        attempt: CookieKind,
        flash: Option<Flash>,
    ) -> Outcome {
        let SessionCredentials::Cookie(token) = &signed_in.credentials else {
            // An attempt that was begun over the API to be held by tokens ends there.
            return Err(Error::AttemptNotFound.into());
        };
        self.auth.end_replaced_session().await;
        let path = self.destination();
        let mut response = match flash {
            Some(flash) => self.go_with(&path, flash),
            None => go(&path),
        };
        self.keep(
            &mut response,
            CookieKind::Session,
            &token.expose(),
            signed_in.session.expires_at,
        )?;
        if let Some(device) = &signed_in.device {
            let cookie = self.pages.http().device_cookie(device)?;
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        self.clear(&mut response, attempt);
        let user = KnownUser(signed_in.user.id);
        response.extensions_mut().insert(user);
        Ok(response)
    }
}

/// Leads on to a page of ours. 303, so that the browser asks for it and a reload sends no form again.
pub(crate) fn go(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let location =
        HeaderValue::try_from(path).unwrap_or_else(|_| HeaderValue::from_static(paths::HOME));
    response.headers_mut().insert(LOCATION, location);
    response
}

/// A page of a flow that leads to `return_to` afterwards.
pub(crate) fn path_with_return(path: &str, return_to: &ReturnTo) -> String {
    let query: String = form_urlencoded::byte_serialize(return_to.as_str().as_bytes()).collect();
    format!("{path}?return_to={query}")
}

impl SignedInVisitor {
    /// The address that messages go to.
    pub(crate) fn email(&self) -> &str {
        self.account
            .primary(IdentifierKind::EmailAddress)
            .map_or("", |identifier| identifier.value.as_str())
    }

    /// For the bar at the top.
    pub(crate) fn viewer(&self) -> Viewer {
        let profile = &self.account.user.profile;
        let names = [&profile.first_name, &profile.last_name];
        let names: Vec<&str> = names
            .into_iter()
            .flatten()
            .map(zalt_core::user::Name::as_str)
            .collect();
        Viewer {
            name: (!names.is_empty()).then(|| names.join(" ")),
            email: self.email().to_owned(),
        }
    }

    /// A page of the account.
    pub(crate) fn page(&self, visit: &Visit) -> Page {
        let mut page = visit.page();
        page.viewer = Some(self.viewer());
        page
    }
}
