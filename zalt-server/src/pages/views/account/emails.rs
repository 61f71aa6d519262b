//! The e-mail addresses of an account.

use askama::Template;

use super::{Page, Section};
use crate::pages::paths;

/// `GET /account/emails`. The form to add one has the field `email`; the buttons beside an address post its `id`.
#[derive(Debug, Template)]
#[template(path = "account/emails.html")]
pub(crate) struct EmailAddressesView {
    pub(crate) page: Page,
    pub(crate) addresses: Vec<EmailAddressItem>,
    /// What was typed into the form to add one, if it comes back.
    pub(crate) new_email: String,
}

/// One address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EmailAddressItem {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) verified: bool,
    pub(crate) primary: bool,
    /// False for the last way to sign in.
    pub(crate) removable: bool,
}

impl EmailAddressesView {
    const SECTION: Section = Section::Emails;
}
