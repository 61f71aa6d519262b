//! The accounts of a user at providers.

use askama::Template;

use super::{Page, Section};
use crate::pages::marks::Mark;
use crate::pages::paths;
use crate::pages::views::{ConnectionItem, Moment};

/// `GET /account/connections`. Linking posts `connection`, unlinking posts `id`.
#[derive(Debug, Template)]
#[template(path = "account/connections.html")]
pub(crate) struct ConnectionsView {
    pub(crate) page: Page,
    pub(crate) accounts: Vec<ExternalAccountItem>,
    /// What may be linked.
    pub(crate) connections: Vec<ConnectionItem>,
}

impl ConnectionsView {
    const SECTION: Section = Section::Connections;
}

/// One account.
#[derive(Debug, Clone)]
pub(crate) struct ExternalAccountItem {
    pub(crate) id: String,
    /// The provider.
    pub(crate) provider: String,
    pub(crate) mark: Mark,
    /// What its owner is called there, or the address.
    pub(crate) called: String,
    pub(crate) linked: Moment,
    pub(crate) last_used: Option<Moment>,
    /// Whether one can sign in with it now.
    pub(crate) enabled: bool,
}
