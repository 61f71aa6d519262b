//! Passwords. (The hashing pool and its formats take the place of this file.)

use std::fmt;

use serde::{Deserialize, Serialize};

/// A stored password hash with its parameters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordPhc(String);

impl PasswordPhc {
    /// Reads a stored hash.
    pub fn parse(text: &str) -> Result<Self, fmt::Error> {
        Ok(Self(text.to_owned()))
    }

    /// The text to keep.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordPhc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordPhc(..)")
    }
}
