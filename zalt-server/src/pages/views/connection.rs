//! Signing in with a provider.

use askama::Template;

use super::Page;
use crate::pages::marks::Mark;
use crate::pages::paths;

/// A connection that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnectionItem {
    pub(crate) key: String,
    /// What people call the provider.
    pub(crate) name: String,
    pub(crate) mark: Mark,
}

/// The buttons of sign-in and sign-up. They post `connection` to `/sign-in/connection`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Connections(pub(crate) Vec<ConnectionItem>);

impl Connections {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Many of them stand in two columns, with less on each.
    pub(super) fn are_many(&self) -> bool {
        self.0.len() > 4
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, ConnectionItem> {
        self.0.iter()
    }
}

/// The way to the provider. A form that leads to another origin is stopped by the policy of our pages, so a page stands between
/// that leads on by itself.
#[derive(Debug, Template)]
#[template(path = "auth/connection_leave.html")]
pub(crate) struct LeaveView {
    pub(crate) page: Page,
    pub(crate) name: String,
    pub(crate) mark: Mark,
    pub(crate) url: String,
}

/// What a person reads when they come back from a provider and are not signed in. Nothing on it is the provider's.
#[derive(Debug, Template)]
#[template(path = "auth/connection_failed.html")]
pub(crate) struct ConnectionFailedView {
    pub(crate) page: Page,
    pub(crate) failure: FailureKind,
    /// The stable name of the error.
    pub(crate) code: &'static str,
    pub(crate) request_id: String,
    /// Where to try again.
    pub(crate) back: String,
    pub(crate) back_label: &'static str,
}

/// `GET /sign-up/address`: the provider told none. Field: `email`.
#[derive(Debug, Template)]
#[template(path = "auth/connection_address.html")]
pub(crate) struct AddressView {
    pub(crate) page: Page,
    /// What people call the provider.
    pub(crate) name: String,
    /// What was typed before.
    pub(crate) email: String,
}

/// What went wrong, as far as it matters to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// They said no.
    Refused,
    /// The provider can't be reached, is slow, or is not set up right.
    Unavailable,
    /// What it answered can't be trusted.
    Invalid,
    /// The answer belongs to another browser, or was used already.
    Mismatch,
    /// It was switched off.
    Gone,
    /// Another user has this account.
    Taken,
    /// New accounts are not accepted.
    SignUpClosed,
    /// The account may not sign in.
    NotAllowed,
    /// The address where the person wanted to go is not on the list.
    ReturnAddress,
    /// Too many tries.
    TooMany,
    /// Something of ours.
    Ours,
}

impl FailureKind {
    fn title(self) -> &'static str {
        match self {
            Self::Refused => "You were not signed in",
            Self::Unavailable => "The provider can’t be reached",
            Self::Invalid => "The provider’s answer can’t be trusted",
            Self::Mismatch => "This sign-in is not from here",
            Self::Gone => "This way to sign in is closed",
            Self::Taken => "Somebody else has this account",
            Self::SignUpClosed => "New accounts are not accepted",
            Self::NotAllowed => "You can’t sign in with this account",
            Self::ReturnAddress => "We don’t lead there",
            Self::TooMany => "Too many tries",
            Self::Ours => "Something went wrong",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Refused => {
                "You ended it at the provider, or it did not let you through. Nothing was changed."
            }
            Self::Unavailable => {
                "It did not answer, or not in time. Try again in a moment, or take another way to sign in."
            }
            Self::Invalid => {
                "What came back does not prove who you are, so nobody was signed in. Start again; if it happens again, tell the \
                 people who run this service."
            }
            Self::Mismatch => {
                "It was begun in another browser, is too old, or was finished already. For your safety nobody was signed in. \
                 Start again."
            }
            Self::Gone => "It is not offered here any more. Take another way to sign in.",
            Self::Taken => {
                "The account at the provider belongs to another user here. Each belongs to one: unlink it there first."
            }
            Self::SignUpClosed => {
                "Nobody here has this account yet, and new ones are not accepted. If you have one, sign in the way that you \
                 always do."
            }
            Self::NotAllowed => {
                "The account here is suspended or frozen, or this way is not open to it. Take another way, or ask the people \
                 who run this service."
            }
            Self::ReturnAddress => {
                "The address that you were to be led to is not one of this service’s. Nobody was signed in."
            }
            Self::TooMany => {
                "To keep accounts safe we have to slow down here. Try again in a while."
            }
            Self::Ours => "It is our fault, and nobody was signed in. Try again in a moment.",
        }
    }

    /// The status of the page.
    pub(crate) fn status(self) -> http::StatusCode {
        use http::StatusCode as S;
        match self {
            Self::Refused | Self::NotAllowed | Self::SignUpClosed => S::FORBIDDEN,
            Self::Unavailable => S::BAD_GATEWAY,
            Self::Invalid | Self::Mismatch | Self::ReturnAddress => S::BAD_REQUEST,
            Self::Gone => S::NOT_FOUND,
            Self::Taken => S::CONFLICT,
            Self::TooMany => S::TOO_MANY_REQUESTS,
            Self::Ours => S::INTERNAL_SERVER_ERROR,
        }
    }
}
