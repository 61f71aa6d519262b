use std::fmt;

use url::Url;
use zalt_core::message::{Mail, Notice};

use super::RenderError;
use super::rendered::one_line;
use super::wording;

/// The words of a mail, before any layout. Text and HTML are both made from it, so they can't differ in content.
///
/// `Debug` shows the subject only, since the rest may hold a code and a link.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// The name of the application that writes.
    pub application_name: String,
    /// The subject line.
    pub subject: String,
    /// What a mail program shows beside the subject in its list. Never the code: the list is seen on locked screens.
    pub preheader: String,
    /// The heading.
    pub heading: String,
    /// What there is to say, in order.
    pub paragraphs: Vec<String>,
    /// A code to type in, shown large.
    pub code: Option<String>,
    /// A link, shown as a button.
    pub action: Option<Action>,
    /// What to do if this was not asked for, in small print.
    pub closing: Vec<String>,
}

impl Letter {
    /// The default words for `mail`.
    ///
    /// # Errors
    /// [`RenderError::UnknownNotice`] and [`RenderError::Link`].
    pub fn compose(mail: &Mail) -> Result<Self, RenderError> {
        let application_name = one_line(&mail.application_name, MAX_NAME);
        let letter = wording::letter(application_name, &mail.notice)?;
        match &mail.safety_link {
            Some(url) if matches!(mail.notice, Notice::RecoveryByAnother { .. }) => {
                wording::with_objection(letter, url)
            }
            Some(url) if letter.action.is_none() => wording::with_safety_link(letter, url),
            _ => Ok(letter),
        }
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// A link with its label; the URL exists only if it is absolute and `http` or `https`.
///
/// `Debug` hides the URL, since it may sign somebody in.
#[derive(Clone, PartialEq, Eq)]
pub struct Action {
    pub(super) label: String,
    pub(super) url: String,
}

impl Action {
    /// A link to `url`.
    ///
    /// # Errors
    /// [`RenderError::Link`] if `url` is relative or of another scheme, such as `javascript`.
    pub fn new(label: impl Into<String>, url: &str) -> Result<Self, RenderError> {
        let url = Url::parse(url).map_err(|_| RenderError::Link)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(RenderError::Link);
        }
        Ok(Self {
            label: label.into(),
            url: url.into(),
        })
    }

    /// What the button says.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Where it leads.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

/// Counted in characters; enough for any name and short enough for a subject.
pub(super) const MAX_NAME: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_absolute_and_http() {
        for url in [
            "javascript:alert(1)",
            "/reset?token=1",
            "//evil.example/",
            "data:text/html,x",
            "",
        ] {
            assert!(
                matches!(Action::new("Go", url), Err(RenderError::Link)),
                "{url}"
            );
        }
        let action = Action::new("Go", "https://acme.example/a?b=1\r\n2").unwrap();
        assert_eq!(action.url(), "https://acme.example/a?b=12");
        assert!(!format!("{action:?}").contains("acme.example"));
    }
}
