//! The second factor: passing it, and setting it up.

use askama::Template;

use super::Page;
use crate::pages::paths;

/// A way to pass the second step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecondStep {
    Passkey,
    Totp,
    RecoveryCode,
}

impl SecondStep {
    const ALL: [Self; 3] = [Self::Passkey, Self::Totp, Self::RecoveryCode];

    /// The name that the API has for it, which stands in forms and addresses.
    pub(crate) const fn strategy(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
        }
    }

    /// The way with this name.
    pub(crate) fn parse(strategy: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|step| step.strategy() == strategy)
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Passkey => "Use your passkey",
            Self::Totp => "Enter the code from your app",
            Self::RecoveryCode => "Enter a recovery code",
        }
    }

    const fn lead(self) -> &'static str {
        match self {
            Self::Passkey => "Confirm that it’s you with your device or security key.",
            Self::Totp => "Open your authenticator app and type the six digits that it shows.",
            Self::RecoveryCode => "Type one of the codes that you kept. Each works once.",
        }
    }

    /// The words of the link to it.
    const fn offer(self) -> &'static str {
        match self {
            Self::Passkey => "Use a passkey",
            Self::Totp => "Use the authenticator app",
            Self::RecoveryCode => "Use a recovery code",
        }
    }
}

/// Where the second factor is shown. Fields: `strategy`, and `code` or `response`.
#[derive(Debug, Template)]
#[template(path = "auth/second_factor.html")]
pub(crate) struct SecondFactorView {
    pub(crate) page: Page,
    /// The form's address.
    pub(crate) action: &'static str,
    /// Where the script asks for what a passkey is to sign.
    pub(crate) options: &'static str,
    /// What is asked for.
    pub(crate) step: SecondStep,
    /// The other ways, each with where it is.
    pub(crate) others: Vec<(SecondStep, String)>,
}

/// Begins to set up a second factor where everybody needs one. The form for an app has no field: the next page shows a secret,
/// so it takes a POST. That for a passkey has `response`, which the script fills in.
#[derive(Debug, Template)]
#[template(path = "auth/set_up.html")]
pub(crate) struct SetUpView {
    pub(crate) page: Page,
    /// Whether it may be a passkey.
    pub(crate) passkey: bool,
    /// Whether it may be an authenticator app.
    pub(crate) totp: bool,
}

/// What to scan, and the field for the app's first code. Fields: `id`, `code`.
#[derive(Template)]
#[template(path = "auth/totp.html")]
pub(crate) struct TotpView {
    pub(crate) page: Page,
    /// The form's address.
    pub(crate) action: &'static str,
    pub(crate) credential_id: String,
    /// `None` where the form comes back: the secret was shown once, and the app has it by now.
    pub(crate) scan: Option<Scan>,
    /// Where to go to leave it.
    pub(crate) back: &'static str,
}

/// The secret of an app that is being set up.
pub(crate) struct Scan {
    /// An SVG of ours.
    pub(crate) qr_code: String,
    /// For typing it in, in groups of four.
    pub(crate) secret: String,
}

/// Recovery codes, which are shown once.
#[derive(Template)]
#[template(path = "auth/recovery_codes.html")]
pub(crate) struct RecoveryCodesView {
    pub(crate) page: Page,
    pub(crate) codes: Vec<String>,
    /// Where to go on to.
    pub(crate) next: String,
}
