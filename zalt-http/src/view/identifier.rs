//! The addresses and numbers of a user.

use serde::Serialize;
use utoipa::ToSchema;
use zalt_core::Timestamp;
use zalt_core::identifier::{Identifier, IdentifierValue};
use zalt_core::user::Account;

/// An e-mail address of a user. It leads to its user only once it is verified.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmailAddressView {
    #[schema(example = "idn_01h455vb4pex5vsknk084sn02q")]
    id: String,
    #[schema(example = "ada@example.com")]
    email_address: String,
    /// Whether its owner proved to hold it.
    verified: bool,
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T08:00:00Z")]
    verified_at: Option<Timestamp>,
    /// Whether messages go to it.
    primary: bool,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    created_at: Timestamp,
}

/// A phone number of a user. It leads to its user only once it is verified.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PhoneNumberView {
    #[schema(example = "idn_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// In E.164.
    #[schema(example = "+436601234567")]
    phone_number: String,
    /// Whether its owner proved to hold it.
    verified: bool,
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T08:00:00Z")]
    verified_at: Option<Timestamp>,
    /// Whether text messages go to it.
    primary: bool,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    created_at: Timestamp,
}

impl EmailAddressView {
    pub(crate) fn all_of(account: &Account) -> Vec<Self> {
        account.identifiers.iter().filter_map(Self::of).collect()
    }

    /// `None` for any other kind of identifier.
    pub(crate) fn of(identifier: &Identifier) -> Option<Self> {
        let IdentifierValue::EmailAddress(address) = &identifier.value else {
            return None;
        };
        Some(Self {
            id: identifier.id.to_string(),
            email_address: address.as_str().to_owned(),
            verified: identifier.verified_at.is_some(),
            verified_at: identifier.verified_at,
            primary: identifier.primary,
            created_at: identifier.created_at,
        })
    }
}

impl PhoneNumberView {
    pub(crate) fn all_of(account: &Account) -> Vec<Self> {
        account.identifiers.iter().filter_map(Self::of).collect()
    }

    /// `None` for any other kind of identifier.
    pub(crate) fn of(identifier: &Identifier) -> Option<Self> {
        let IdentifierValue::PhoneNumber(number) = &identifier.value else {
            return None;
        };
        Some(Self {
            id: identifier.id.to_string(),
            phone_number: number.as_str().to_owned(),
            verified: identifier.verified_at.is_some(),
            verified_at: identifier.verified_at,
            primary: identifier.primary,
            created_at: identifier.created_at,
        })
    }
}
