//! What the senders over HTTP share: a client without surprises, and what a status means for a message.

mod client;
mod error;

pub use client::{HttpClient, HttpConfig, HttpSetupError, ServiceUrl, ServiceUrlError};
pub(crate) use client::{read_start, send};
pub use error::HttpSendError;
