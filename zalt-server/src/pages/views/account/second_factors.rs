//! The second factors of an account.

use askama::Template;

use super::{Page, Section};
use crate::pages::paths;
use crate::pages::views::Moment;

/// `GET /account/second-factors`. Field of the form that adds an app: `name`.
#[derive(Debug, Template)]
#[template(path = "account/second_factors.html")]
pub(crate) struct SecondFactorsView {
    pub(crate) page: Page,
    /// Whether apps may be added. One that was set up before is shown all the same, so that it can be removed.
    pub(crate) apps_allowed: bool,
    pub(crate) apps: Vec<SecondFactorItem>,
    /// Whether text messages may be added.
    pub(crate) texts_allowed: bool,
    /// Whether any sent codes may be added.
    pub(crate) messages_allowed: bool,
    /// The verified addresses and numbers that serve or could.
    pub(crate) messages: Vec<MessagesItem>,
    /// How many recovery codes are left; `None` if there never were any.
    pub(crate) recovery_codes_left: Option<usize>,
}

impl SecondFactorsView {
    const SECTION: Section = Section::SecondFactors;

    fn has_number(&self) -> bool {
        self.messages.iter().any(|messages| messages.by_text)
    }

    fn codes_left(&self) -> String {
        match self.recovery_codes_left.unwrap_or(0) {
            0 => "No code is left.".to_owned(),
            1 => "One code is left.".to_owned(),
            left => format!("{left} codes are left."),
        }
    }

    /// Whether it is time for new recovery codes.
    fn are_few_left(&self) -> bool {
        self.recovery_codes_left.is_some_and(|left| left <= 3)
    }
}

/// One authenticator app.
#[derive(Debug, Clone)]
pub(crate) struct SecondFactorItem {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) added: Moment,
    pub(crate) last_used: Option<Moment>,
}

/// An address or number, and whether it gets codes of the second step. The button that turns them on posts its `id`, that which
/// turns them off the `id` of what stands for it.
#[derive(Debug, Clone)]
pub(crate) struct MessagesItem {
    pub(crate) identifier_id: String,
    pub(crate) to: String,
    /// A number, and no e-mail address.
    pub(crate) by_text: bool,
    /// Whether codes of its kind are asked for here.
    pub(crate) allowed: bool,
    /// `None` if it gets none.
    pub(crate) credential: Option<SecondFactorItem>,
}
