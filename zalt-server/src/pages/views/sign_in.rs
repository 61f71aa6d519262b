//! Signing in: the identifier first, then how to prove it.

use askama::Template;

use super::Page;
use crate::pages::paths;

/// The first factors that the server offers. The same for every identifier, so that the page tells nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strategies {
    pub(crate) password: bool,
    pub(crate) email_code: bool,
    pub(crate) email_link: bool,
}

impl Strategies {
    /// Whether there is anything besides a password.
    pub(crate) fn by_email(self) -> bool {
        self.email_code || self.email_link
    }
}

/// `GET /sign-in`. Field: `identifier`.
#[derive(Debug, Template)]
#[template(path = "auth/sign_in.html")]
pub(crate) struct SignInView {
    pub(crate) page: Page,
    pub(crate) identifier: String,
}

/// `GET /sign-in/password`, the second step. Fields: `identifier` (for password managers; the attempt decides) and
/// `password`. The other choices post `strategy` to `/sign-in/strategy`.
#[derive(Debug, Template)]
#[template(path = "auth/sign_in_password.html")]
pub(crate) struct SignInPasswordView {
    pub(crate) page: Page,
    pub(crate) identifier: String,
    pub(crate) strategies: Strategies,
}
