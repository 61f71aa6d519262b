//! The dev inbox: every message that the server sent while no real mailer is set.

use askama::Template;

use super::{Moment, Page};
use crate::pages::paths;

/// `GET /dev/inbox`.
#[derive(Debug, Template)]
#[template(path = "dev/inbox.html")]
pub(crate) struct InboxView {
    pub(crate) page: Page,
    /// Newest first.
    pub(crate) messages: Vec<InboxItem>,
}

/// One line of the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InboxItem {
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    /// The code in the message, if it holds one.
    pub(crate) code: Option<String>,
    /// Whether it is a text message.
    pub(crate) by_text: bool,
    pub(crate) at: Moment,
}

/// `GET /dev/inbox/{id}`. Needs [`crate::pages::policy::mail_page`]; the frame loads `/dev/inbox/{id}/html`, to be
/// served with [`crate::pages::policy::MAIL_BODY`].
#[derive(Debug, Template)]
#[template(path = "dev/message.html")]
pub(crate) struct MessageView {
    pub(crate) page: Page,
    pub(crate) id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) at: Moment,
    pub(crate) code: Option<String>,
    /// The link in the message, if it holds one: only ever one of our own making.
    pub(crate) link: Option<String>,
    /// Where to say that it wasn't them.
    pub(crate) safety_link: Option<String>,
    pub(crate) text: String,
    pub(crate) has_html: bool,
}

impl MessageView {
    /// The subject as a heading, which on a phone must not break inside this one word.
    fn heading(&self) -> String {
        self.subject.replace("e-mail", "e\u{2011}mail")
    }
}
