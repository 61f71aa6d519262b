use serde::{Deserialize, Serialize};

/// The way a message takes to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Channel {
    /// E-mail.
    Mail,
    /// A text message.
    Sms,
}
