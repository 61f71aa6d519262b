//! Identifiers: the e-mail addresses, phone numbers and usernames by which a user is known.

mod email;
mod phone;
mod region;
mod username;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use email::{EmailAddress, EmailAddressError};
pub use phone::{PhoneNumber, PhoneNumberError};
pub use region::{Region, RegionError};
pub use username::{Username, UsernameError};

use crate::environment::Timestamp;
use crate::id::{IdentifierId, UserId};

/// One identifier of one user.
///
/// Any number of users may have added an address that none of them has verified; at most one owns it verified. Only
/// a verified identifier leads to its user at sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// Names the identifier.
    pub id: IdentifierId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is, as written and as compared.
    pub value: IdentifierValue,
    /// When its owner last proved to hold it; `None` until then. Usernames are verified from the start.
    pub verified_at: Option<Timestamp>,
    /// Whether it is the one that messages go to. At most one of a kind is, which `zalt-core` sees to.
    pub primary: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// Counts the writes of this row; an update names the version that it read.
    pub version: u64,
}

/// A parsed identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum IdentifierValue {
    /// An e-mail address.
    EmailAddress(EmailAddress),
    /// A phone number in E.164.
    PhoneNumber(PhoneNumber),
    /// A username.
    Username(Username),
}

/// The kinds of identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// An e-mail address.
    EmailAddress,
    /// A phone number in E.164.
    PhoneNumber,
    /// A username.
    Username,
}

impl IdentifierKind {
    /// The stable name that stores and the API use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmailAddress => "email_address",
            Self::PhoneNumber => "phone_number",
            Self::Username => "username",
        }
    }
}

/// What identifiers are compared and looked up by: two that a person would take for the same have one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdentifierKey {
    /// Which kind of identifier.
    pub kind: IdentifierKind,
    /// The canonical form within its kind.
    pub key: String,
}

/// Text that is neither an e-mail address, a phone number nor a username.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address, a phone number in international form, or a username")]
pub struct IdentifierError;

impl IdentifierValue {
    /// Reads what a person typed into the one sign-in field: with an `@` it is an address, with a leading `+` a phone
    /// number, else a username.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let text = text.trim();
        if text.contains('@') {
            EmailAddress::parse(text)
                .map(Self::EmailAddress)
                .map_err(|_| IdentifierError)
        } else if text.starts_with('+') {
            // The owner of a number that was accepted once signs in by it, whatever became of its country's plan.
            PhoneNumber::parse(text)
                .or_else(|_| PhoneNumber::from_e164(text))
                .map(Self::PhoneNumber)
                .map_err(|_| IdentifierError)
        } else {
            Username::parse(text)
                .map(Self::Username)
                .map_err(|_| IdentifierError)
        }
    }

    /// Which kind it is.
    pub const fn kind(&self) -> IdentifierKind {
        match self {
            Self::EmailAddress(_) => IdentifierKind::EmailAddress,
            Self::PhoneNumber(_) => IdentifierKind::PhoneNumber,
            Self::Username(_) => IdentifierKind::Username,
        }
    }

    /// The key that it is looked up and compared by.
    pub fn key(&self) -> IdentifierKey {
        let key = match self {
            Self::EmailAddress(address) => address.canonical(),
            Self::PhoneNumber(number) => number.as_str().to_owned(),
            Self::Username(username) => username.canonical(),
        };
        IdentifierKey {
            kind: self.kind(),
            key,
        }
    }

    /// The identifier as its owner wrote it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::EmailAddress(address) => address.as_str(),
            Self::PhoneNumber(number) => number.as_str(),
            Self::Username(username) => username.as_str(),
        }
    }
}

impl fmt::Display for IdentifierValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Deserializes a parsed text type through its parser, so that a stored or received value is as valid as any other.
macro_rules! text_type {
    ($name:ident, $error:ident) => {
        text_type!($name, $error, parse);
    };
    // With the function that reads what was kept, where that asks for less.
    ($name:ident, $error:ident, $read:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::$read(&text).map_err(serde::de::Error::custom)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }
    };
}
pub(crate) use text_type;
