//! What all pages share.

use std::sync::Arc;

use zalt_core::Config;

use crate::pages::{assets::Assets, theme::Theme};

/// What is the same on every page of one server; made once at its start.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is offered or not, whatever the others are"
)]
pub(crate) struct Site {
    pub(crate) product_name: String,
    pub(crate) logo_url: Option<String>,
    pub(crate) styles_url: String,
    pub(crate) theme_url: String,
    pub(crate) script_url: String,
    pub(crate) icon_url: String,
    /// Shows the development banner and the way to the dev inbox.
    pub(crate) development: bool,
    /// Whether strangers may sign up; if not, no page offers it.
    pub(crate) sign_up_open: bool,
    /// Whether people sign in with passwords; if not, no page speaks of them.
    pub(crate) passwords: bool,
    /// Whether there are passkeys here.
    pub(crate) passkeys: bool,
    /// Whether there are phone numbers here.
    pub(crate) phone_numbers: bool,
    /// Whether people may sign in with providers.
    pub(crate) connections: bool,
}

impl Site {
    /// The pages of an application with the defaults.
    pub(crate) fn new(theme: &Theme, assets: &Assets, development: bool) -> Self {
        Self {
            product_name: theme.product_name.clone(),
            logo_url: theme.logo.as_ref().map(|logo| logo.as_str().to_owned()),
            styles_url: assets.styles().to_owned(),
            theme_url: assets.theme().to_owned(),
            script_url: assets.script().to_owned(),
            icon_url: assets.icon().to_owned(),
            development,
            sign_up_open: true,
            passwords: true,
            passkeys: true,
            phone_numbers: false,
            connections: true,
        }
    }

    /// The same with what this application offers.
    pub(crate) fn offering(mut self, config: &Config) -> Self {
        self.sign_up_open = config.sign_up.open;
        self.passwords = config.first_factors.password;
        self.phone_numbers = !config.phone_numbers.countries.is_empty();
        self.passkeys = config.first_factors.passkey || config.second_factors.methods.passkey;
        self
    }
}

/// What every view carries.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) site: Arc<Site>,
    /// Goes into every form as `csrf_token`.
    pub(crate) csrf_token: String,
    /// Goes into the forms of a sign-in or sign-up as `return_to`; checked by the handler before it gets here.
    pub(crate) return_to: Option<String>,
    /// The outcome of the last action, or why this form was not taken.
    pub(crate) alert: Option<Alert>,
    /// What is wrong with single fields.
    pub(crate) errors: FieldErrors,
    /// Who is signed in.
    pub(crate) viewer: Option<Viewer>,
}

impl Page {
    pub(crate) fn new(site: Arc<Site>, csrf_token: impl Into<String>) -> Self {
        Self {
            site,
            csrf_token: csrf_token.into(),
            return_to: None,
            alert: None,
            errors: FieldErrors::default(),
            viewer: None,
        }
    }

    /// In front of the title, so that a screen reader says first that the form came back.
    pub(crate) fn title_prefix(&self) -> &'static str {
        if self.errors.is_empty() {
            ""
        } else {
            "Error: "
        }
    }
}

/// A message at the top of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alert {
    pub(crate) kind: AlertKind,
    pub(crate) text: String,
}

/// How an alert is shown and announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AlertKind {
    /// Something went wrong; announced at once.
    Error,
    /// Something was done.
    Success,
    /// Something to know.
    Info,
}

impl AlertKind {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Success => "success",
            Self::Info => "info",
        }
    }

    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Error => "alert",
            Self::Success | Self::Info => "status",
        }
    }
}

/// Messages beside form fields, by the field's name and in the order of the form. Several are also listed at the top.
/// What belongs to no field of the form goes into [`Page::alert`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldErrors(Vec<(String, String)>);

impl FieldErrors {
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push((field.into(), message.into()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first message of a field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        let (_, message) = self.0.iter().find(|(name, _)| name == field)?;
        Some(message)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this field's message is the only one, so that the field gets the focus.
    pub(crate) fn is_only(&self, field: &str) -> bool {
        matches!(self.0.as_slice(), [(name, _)] if name == field)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter()
    }
}

/// A time as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// RFC 3339 in UTC, for the `datetime` attribute.
    pub(crate) rfc3339: String,
    /// For people: `3 minutes ago`, `12 May 2026, 14:03 UTC`.
    pub(crate) text: String,
}

/// The signed-in person, for the bar at the top of account pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Viewer {
    /// First and last name; without them the address alone is shown.
    pub(crate) name: Option<String>,
    pub(crate) email: String,
}

impl Viewer {
    pub(crate) fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.email)
    }

    /// One or two letters for the avatar.
    pub(crate) fn initials(&self) -> String {
        self.display_name()
            .split_whitespace()
            .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()))
            .take(2)
            .flat_map(char::to_uppercase)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Viewer;

    #[test]
    fn initials_come_from_the_name_or_else_the_address() {
        let viewer = |name: Option<&str>| Viewer {
            name: name.map(str::to_owned),
            email: "ada@example.com".to_owned(),
        };
        assert_eq!(viewer(Some("Ada King Lovelace")).initials(), "AK");
        assert_eq!(viewer(Some("élodie")).initials(), "É");
        assert_eq!(viewer(None).initials(), "A");
    }
}
