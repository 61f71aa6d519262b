//! The e-mail addresses and the phone numbers of an account.

use askama::Template;

use super::{Page, Section};
use crate::pages::paths;

/// `GET /account/emails`. The form to add one has the field `email`; the buttons beside an address post its `id`.
#[derive(Debug, Template)]
#[template(path = "account/emails.html")]
pub(crate) struct EmailAddressesView {
    pub(crate) page: Page,
    pub(crate) addresses: Vec<IdentifierItem>,
    /// What was typed into the form to add one, if it comes back.
    pub(crate) new_email: String,
}

/// `GET /account/phone-numbers`, in the same manner. Field of the form to add one: `phone_number`.
#[derive(Debug, Template)]
#[template(path = "account/phone_numbers.html")]
pub(crate) struct PhoneNumbersView {
    pub(crate) page: Page,
    pub(crate) numbers: Vec<IdentifierItem>,
    pub(crate) new_number: String,
}

/// One address or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdentifierItem {
    pub(crate) id: String,
    /// The address or number itself.
    pub(crate) value: String,
    pub(crate) verified: bool,
    pub(crate) primary: bool,
    /// False for the last address by which an account can be recovered.
    pub(crate) removable: bool,
}

impl EmailAddressesView {
    const SECTION: Section = Section::Emails;
}

impl PhoneNumbersView {
    const SECTION: Section = Section::Phones;

    /// Whether numbers may be added. Those that were added before are shown all the same, so that they can be removed.
    fn may_add(&self) -> bool {
        self.page.site.phone_numbers
    }
}
