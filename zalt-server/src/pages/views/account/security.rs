//! Changing the password, proving it again, deleting the account.

use askama::Template;

use super::{Page, Section};
use crate::pages::paths;

/// `GET /account/password`. Fields: `current_password` (absent when none is set), `new_password`, `sign_out_others`
/// (`true` when checked).
#[derive(Debug, Template)]
#[template(path = "account/password.html")]
pub(crate) struct PasswordView {
    pub(crate) page: Page,
    /// For password managers.
    pub(crate) identifier: String,
    /// Whether there is a password to ask for.
    pub(crate) has_password: bool,
    pub(crate) min_password_length: usize,
    /// True unless the form comes back with the box unchecked.
    pub(crate) sign_out_others: bool,
}

impl PasswordView {
    const SECTION: Section = Section::Password;
}

/// `GET /account/reauthenticate`: an operation asked for a recent authentication. Fields: `password`, `return_to`. Who has
/// no password asks for a code instead, which makes a new session.
#[derive(Debug, Template)]
#[template(path = "account/reauthenticate.html")]
pub(crate) struct ReauthenticateView {
    pub(crate) page: Page,
    pub(crate) identifier: String,
    pub(crate) has_password: bool,
    /// Whether a link is mailed in place of a code.
    pub(crate) by_link: bool,
}

/// `GET /account/delete`. Field: `confirmation`, which has to equal the address.
#[derive(Debug, Template)]
#[template(path = "account/delete.html")]
pub(crate) struct DeleteAccountView {
    pub(crate) page: Page,
    /// What has to be typed: the primary address.
    pub(crate) confirmation: String,
    /// For how many days the account can be brought back.
    pub(crate) kept_days: u64,
}

impl DeleteAccountView {
    const SECTION: Section = Section::Delete;
}
