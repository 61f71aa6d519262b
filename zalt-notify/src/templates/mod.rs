//! Templates: a [`Notice`](zalt_core::message::Notice) in words.
//!
//! [`DefaultTemplates`] speaks plain English. To say one thing differently, implement [`Templates`], answer the
//! notices that you care about and hand the rest on:
//!
//! ```
//! use zalt_core::message::{Mail, Notice, Sms};
//! use zalt_notify::templates::{DefaultTemplates, Letter, RenderError, RenderedMail, Templates};
//!
//! #[derive(Debug)]
//! struct OurTemplates(DefaultTemplates);
//!
//! impl Templates for OurTemplates {
//!     fn mail(&self, mail: &Mail) -> Result<RenderedMail, RenderError> {
//!         match &mail.notice {
//!             // The layout stays; the words are ours.
//!             Notice::AccountDeleted => {
//!                 let mut letter = Letter::compose(mail)?;
//!                 letter.paragraphs.push("You were good company.".to_owned());
//!                 self.0.lay_out(&letter)
//!             }
//!             _ => self.0.mail(mail),
//!         }
//!     }
//!
//!     fn sms(&self, sms: &Sms) -> Result<String, RenderError> {
//!         self.0.sms(sms)
//!     }
//! }
//! ```

mod layout;
mod letter;
mod rendered;
mod second_factor;
mod text_message;
mod wording;

pub use layout::{Color, ColorError, DefaultTemplates};
pub use letter::{Action, Letter};
pub use rendered::RenderedMail;
pub(crate) use rendered::{is_format_trick, one_line};

use std::fmt;

use zalt_core::message::{Mail, SendError, Sms};

/// Puts notices into words. Replace it to change wording, language or looks.
///
/// The results hold codes and links that sign people in: never log them.
pub trait Templates: Send + Sync + fmt::Debug {
    /// The subject, text and HTML of a mail.
    ///
    /// # Errors
    /// [`RenderError`]; the message is given up then, since no later try would do better.
    fn mail(&self, mail: &Mail) -> Result<RenderedMail, RenderError>;

    /// The text of a text message.
    ///
    /// # Errors
    /// [`RenderError`]; the message is given up then, since no later try would do better.
    fn sms(&self, sms: &Sms) -> Result<String, RenderError>;
}

/// Why a notice could not be put into words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The notice is of a kind that these templates don't know.
    #[error(
        "the templates have no words for this kind of notice; bring zalt-notify to the version of zalt-core"
    )]
    UnknownNotice,
    /// A link is not an absolute `http` or `https` URL.
    #[error("a link is not an absolute http or https URL; check the configured public URL")]
    Link,
    /// The layout failed.
    #[error("the layout of the mail failed")]
    Layout(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<RenderError> for SendError {
    fn from(error: RenderError) -> Self {
        Self::Permanent(Box::new(error))
    }
}
