//! The second factor: passing it, and setting it up.

use askama::Template;

use super::Page;
use crate::pages::paths;

/// Where the second factor is typed. Field: `code`, with `strategy` hidden.
#[derive(Debug, Template)]
#[template(path = "auth/second_factor.html")]
pub(crate) struct SecondFactorView {
    pub(crate) page: Page,
    /// The form's address.
    pub(crate) action: &'static str,
    /// Whether a recovery code is asked for in place of an app's code.
    pub(crate) by_recovery_code: bool,
    /// The same page for the other of the two.
    pub(crate) other: String,
}

/// Begins to set up an app where everybody needs one. No field: the next page shows a secret, so it takes a POST.
#[derive(Debug, Template)]
#[template(path = "auth/set_up.html")]
pub(crate) struct SetUpView {
    pub(crate) page: Page,
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
