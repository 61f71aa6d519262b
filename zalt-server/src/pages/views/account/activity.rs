//! What happened on an account.

use askama::Template;

use super::{Page, Section};
use crate::pages::{paths, views::Moment};

/// `GET /account/activity`.
#[derive(Debug, Template)]
#[template(path = "account/activity.html")]
pub(crate) struct ActivityView {
    pub(crate) page: Page,
    /// Newest first.
    pub(crate) items: Vec<ActivityItem>,
    /// Where older events are, if there are any.
    pub(crate) next_url: Option<String>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActivityItem {
    pub(crate) kind: ActivityKind,
    /// `Password changed`
    pub(crate) title: String,
    /// `Firefox on Linux · 203.0.113.7`
    pub(crate) detail: Option<String>,
    pub(crate) at: Moment,
}

/// Which picture stands beside an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActivityKind {
    SignIn,
    SignOut,
    Password,
    Email,
    /// Passkeys, apps, recovery codes.
    Factor,
    Profile,
    /// Failures and anything to look at twice.
    Warning,
}

impl ActivityView {
    const SECTION: Section = Section::Activity;
}
