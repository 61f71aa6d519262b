//! A forgotten password.

use askama::Template;

use super::Page;
use crate::pages::paths;

/// `GET /password/forgotten`. Field: `identifier`.
#[derive(Debug, Template)]
#[template(path = "auth/password_forgotten.html")]
pub(crate) struct ForgottenPasswordView {
    pub(crate) page: Page,
    pub(crate) identifier: String,
}

/// `GET /password/new`. Fields: `new_password`, `sign_out_others` (`true` when checked).
#[derive(Debug, Template)]
#[template(path = "auth/password_new.html")]
pub(crate) struct NewPasswordView {
    pub(crate) page: Page,
    /// For password managers.
    pub(crate) identifier: String,
    pub(crate) min_password_length: usize,
    /// True unless the form comes back with the box unchecked.
    pub(crate) sign_out_others: bool,
}

/// `GET /password/done`: nobody is signed in by a reset.
#[derive(Debug, Template)]
#[template(path = "auth/password_done.html")]
pub(crate) struct PasswordDoneView {
    pub(crate) page: Page,
    /// Where to sign in: on the attempt that was recovered, if it is still there.
    pub(crate) sign_in: &'static str,
    /// Whether the other sessions were ended.
    pub(crate) signed_out_others: bool,
}
