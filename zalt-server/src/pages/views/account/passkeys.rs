//! The passkeys of an account.

use askama::Template;

use super::{Page, Section};
use crate::pages::paths;
use crate::pages::views::Moment;

/// `GET /account/passkeys`. Fields of the form that adds one: `name`, and `response`, which the script fills in.
#[derive(Debug, Template)]
#[template(path = "account/passkeys.html")]
pub(crate) struct PasskeysView {
    pub(crate) page: Page,
    /// Whether passkeys may be added.
    pub(crate) allowed: bool,
    pub(crate) passkeys: Vec<PasskeyItem>,
    /// The relying party, for the list of passkeys that the browser keeps.
    pub(crate) rp_id: String,
    /// What authenticators know the user by.
    pub(crate) user_handle: String,
    /// What they call the passkeys, with spaces between.
    pub(crate) credential_ids: String,
}

impl PasskeysView {
    const SECTION: Section = Section::Passkeys;
}

/// One passkey.
#[derive(Debug, Clone)]
pub(crate) struct PasskeyItem {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The model of its authenticator, if that is known and not its name.
    pub(crate) authenticator: Option<&'static str>,
    pub(crate) added: Moment,
    pub(crate) last_used: Option<Moment>,
    pub(crate) kept_on: KeptOn,
}

/// Where a passkey is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeptOn {
    /// It is synced.
    SeveralDevices,
    /// It may be, and is not yet.
    OneDeviceSoFar,
    /// It can't be.
    OneDevice,
}

impl KeptOn {
    fn label(self) -> &'static str {
        match self {
            Self::SeveralDevices => "Synced",
            Self::OneDeviceSoFar => "Not synced yet",
            Self::OneDevice => "This device or key only",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::SeveralDevices => " badge-success",
            Self::OneDeviceSoFar | Self::OneDevice => "",
        }
    }
}

/// `GET /account/passkeys/rename`. Fields: `id`, `name`.
#[derive(Debug, Template)]
#[template(path = "account/passkey_name.html")]
pub(crate) struct PasskeyNameView {
    pub(crate) page: Page,
    pub(crate) id: String,
    /// What it is called so far.
    pub(crate) called: String,
}
