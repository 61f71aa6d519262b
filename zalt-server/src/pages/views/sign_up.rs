//! Signing up.

use askama::Template;

use super::{Connections, Page, Strategies};
use crate::pages::paths;

/// `GET /sign-up`. Fields: `email`, `password`, `first_name`, `last_name`, `strategy` (`password`, `email_code` or
/// `email_link`: the button that was pressed).
#[derive(Debug, Template)]
#[template(path = "auth/sign_up.html")]
pub(crate) struct SignUpView {
    pub(crate) page: Page,
    /// What was typed before, if the form comes back; a password never comes back.
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) names: NameFields,
    pub(crate) strategies: Strategies,
    /// Said beside the password field.
    pub(crate) min_password_length: usize,
    pub(crate) connections: Connections,
}

/// Whether the form asks for first and last name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameFields {
    Hidden,
    Optional,
}
