//! Signing in: the identifier first, then how to prove it.

use askama::Template;

use super::{Connections, Page};
use crate::pages::paths;

/// The first factors that the server offers. The same for every identifier, so that the page tells nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is offered or not, whatever the others are"
)]
pub(crate) struct Strategies {
    pub(crate) password: bool,
    pub(crate) email_code: bool,
    pub(crate) email_link: bool,
    pub(crate) sms_code: bool,
    pub(crate) passkey: bool,
}

impl Strategies {
    /// Whether something is mailed.
    pub(crate) fn by_email(self) -> bool {
        self.email_code || self.email_link
    }

    /// Whether something is sent.
    pub(crate) fn by_message(self) -> bool {
        self.by_email() || self.sms_code
    }

    /// Whether there is anything besides a password.
    pub(crate) fn has_others(self) -> bool {
        self.passkey || self.by_message()
    }
}

/// `GET /sign-in`. Field: `identifier`; of the form for passkeys `response`, which the script fills in.
#[derive(Debug, Template)]
#[template(path = "auth/sign_in.html")]
pub(crate) struct SignInView {
    pub(crate) page: Page,
    pub(crate) identifier: String,
    /// Whether a passkey may be used without an identifier.
    pub(crate) passkey: bool,
    pub(crate) connections: Connections,
}

impl SignInView {
    fn label(&self) -> &'static str {
        if self.page.site.phone_numbers {
            "E-mail address, phone number or username"
        } else {
            "E-mail address or username"
        }
    }

    /// With the second word browsers offer passkeys where the identifier is typed.
    fn autocomplete(&self) -> &'static str {
        if self.passkey {
            "username webauthn"
        } else {
            "username"
        }
    }
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
