//! Mail and SMS for Zalt: the messages that core queues, put into words and sent.
//!
//! | to send by | use | |
//! |---|---|---|
//! | a mail server | [`SmtpMailer`](smtp::SmtpMailer) | TLS always, except to this machine |
//! | Twilio | [`TwilioSms`](twilio::TwilioSms) | text messages |
//! | a service of your own | [`HttpHook`](hook::HttpHook) | signed JSON, for mail and text messages |
//! | nothing, while developing | [`ConsoleMailer`], [`MemoryMailer`] | a terminal, or an inbox in memory |
//!
//! What a message says comes from [`templates`], which can be replaced as a whole or notice by notice. Every sender
//! tells core by [`SendError`](zalt_core::message::SendError) whether a later try makes sense, and only a verdict on the
//! message itself counts as permanent: an operator who mistyped a password loses no mail. Codes and links stand in no
//! error, no log and no `Debug` output.
//!
//! ```
//! use std::sync::Arc;
//!
//! use zalt_core::SystemClock;
//! use zalt_core::message::Mailer;
//! use zalt_notify::smtp::{SmtpConfig, SmtpMailer};
//! use zalt_notify::templates::DefaultTemplates;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = SmtpConfig::parse(
//!     "smtps://acme:p%40ssword@mail.example.com",
//!     Some("Acme <no-reply@example.com>"),
//! )?;
//! let mailer: Arc<dyn Mailer> = Arc::new(SmtpMailer::new(
//!     config,
//!     Arc::new(DefaultTemplates::new()),
//!     Arc::new(SystemClock),
//! )?);
//! # Ok(())
//! # }
//! ```
//!
//! The senders over SMTP and HTTP need a Tokio runtime when they send; making them needs none.

pub mod hook;
pub mod http;
pub mod smtp;
pub mod templates;
pub mod twilio;

mod channel;
mod console;
mod memory;
mod notice;
mod secret;

pub use channel::Channel;
pub use console::ConsoleMailer;
pub use memory::{MemoryMailer, SentMessage};
pub use zalt_outbound::tls;
