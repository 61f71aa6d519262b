//! The sessions of an account.

use askama::Template;

use super::{Page, Section};
use crate::pages::{paths, views::Moment};

/// `GET /account/sessions`. The button beside a session posts its `id`.
#[derive(Debug, Template)]
#[template(path = "account/sessions.html")]
pub(crate) struct SessionsView {
    pub(crate) page: Page,
    /// The current one first.
    pub(crate) sessions: Vec<SessionItem>,
    /// The devices that the account is known from; `None` where none is trusted.
    pub(crate) devices: Option<Vec<DeviceItem>>,
}

/// A device that may stand in for the second factor. The button beside it posts its `id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceItem {
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) kind: DeviceKind,
    pub(crate) address: Option<String>,
    pub(crate) since: Moment,
    /// Until when; `None` if it does not, or no longer.
    pub(crate) trusted_until: Option<Moment>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionItem {
    pub(crate) id: String,
    /// `Firefox on Linux`, or `Unknown device`.
    pub(crate) device: String,
    pub(crate) kind: DeviceKind,
    /// The client's address, if it is known.
    pub(crate) address: Option<String>,
    pub(crate) signed_in: Moment,
    pub(crate) last_seen: Moment,
    pub(crate) current: bool,
}

/// Which picture stands beside a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceKind {
    Desktop,
    Phone,
    /// Not a browser, or none that we know.
    Other,
}

impl SessionsView {
    const SECTION: Section = Section::Sessions;

    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.current)
    }
}
