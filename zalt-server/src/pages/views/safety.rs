//! "This wasn't me", and the way back into a frozen account.

use askama::Template;

use super::{Moment, Page};
use crate::pages::paths;

/// Where the links of safety mails lead. Field of the form: `token`. Its address holds a secret, so no referrer is sent.
#[derive(Debug, Template)]
#[template(path = "auth/safety.html")]
pub(crate) struct SafetyView {
    pub(crate) page: Page,
    pub(crate) step: SafetyStep,
}

/// What a link of a safety mail leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SafetyStep {
    /// Pressing the button freezes the account.
    Freeze { token: String },
    /// It is frozen.
    Frozen,
    /// Pressing the button begins to recover it.
    Recover { token: String },
    /// It begins to recover the account after a while, if nobody objects.
    Held { wait: String },
    /// Used, too old or garbled: one answer for all of them.
    Invalid,
}

/// What was added lately. Fields: `keep-{id}` (`true` when checked) of what is to stay. Nothing is checked at first: what its
/// owner does not know goes, and what they overlook too.
#[derive(Debug, Template)]
#[template(path = "auth/review.html")]
pub(crate) struct ReviewView {
    pub(crate) page: Page,
    pub(crate) added: Vec<AddedItem>,
}

/// Something that was added.
#[derive(Debug, Clone)]
pub(crate) struct AddedItem {
    /// The name of its box.
    pub(crate) field: String,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) added: Moment,
    /// Whether it is to stay.
    pub(crate) keep: bool,
}
