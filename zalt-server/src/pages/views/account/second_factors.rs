//! The second factors of an account.

use askama::Template;

use super::{Page, Section};
use crate::pages::paths;
use crate::pages::views::Moment;

/// `GET /account/second-factors`. Field of the form that adds one: `name`.
#[derive(Debug, Template)]
#[template(path = "account/second_factors.html")]
pub(crate) struct SecondFactorsView {
    pub(crate) page: Page,
    /// Whether apps may be added. One that was set up before is shown all the same, so that it can be removed.
    pub(crate) apps_allowed: bool,
    pub(crate) apps: Vec<SecondFactorItem>,
    /// How many recovery codes are left; `None` if there never were any.
    pub(crate) recovery_codes_left: Option<usize>,
}

impl SecondFactorsView {
    const SECTION: Section = Section::SecondFactors;

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
