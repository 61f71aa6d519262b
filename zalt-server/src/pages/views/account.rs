//! The account pages of a signed-in person.

mod activity;
mod connections;
mod identifiers;
mod passkeys;
mod second_factors;
mod security;
mod sessions;

pub(crate) use activity::{ActivityItem, ActivityKind, ActivityView};
pub(crate) use connections::{ConnectionsView, ExternalAccountItem};
pub(crate) use identifiers::{EmailAddressesView, IdentifierItem, PhoneNumbersView};
pub(crate) use passkeys::{KeptOn, PasskeyItem, PasskeyNameView, PasskeysView};
pub(crate) use second_factors::{MessagesItem, SecondFactorItem, SecondFactorsView};
pub(crate) use security::{DeleteAccountView, PasswordView, ReauthenticateView};
pub(crate) use sessions::{DeviceItem, DeviceKind, SessionItem, SessionsView};

use askama::Template;

use super::Page;
use crate::pages::paths;

/// `GET /account`. Fields: `first_name`, `last_name`, `username`, `image_url`.
#[derive(Debug, Template)]
#[template(path = "account/profile.html")]
pub(crate) struct ProfileView {
    pub(crate) page: Page,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) username: String,
    pub(crate) image_url: String,
    /// When the account was made.
    pub(crate) member_since: Option<super::Moment>,
}

impl ProfileView {
    const SECTION: Section = Section::Profile;
}

/// The entries of the side navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Profile,
    Emails,
    Phones,
    Password,
    Passkeys,
    SecondFactors,
    Connections,
    Sessions,
    Activity,
    Delete,
}

impl Section {
    fn label(self) -> &'static str {
        match self {
            Self::Profile => "Profile",
            Self::Emails => "E-mail addresses",
            Self::Phones => "Phone numbers",
            Self::Password => "Password",
            Self::Passkeys => "Passkeys",
            Self::SecondFactors => "Two-step sign-in",
            Self::Connections => "Connected accounts",
            Self::Sessions => "Sessions",
            Self::Activity => "Activity",
            Self::Delete => "Delete account",
        }
    }
}
