//! What a browser is asked, in the form that `PublicKeyCredential.parseCreationOptionsFromJSON()` and
//! `parseRequestOptionsFromJSON()` read (Web Authentication Level 3, sections 5.1.8 and 5.1.9).

use serde::Serialize;

use super::bytes::Base64Url;
use super::model::{Passkey, PasskeyRequest};
use crate::Zalt;
use crate::error::Error;
use crate::id::UserId;
use crate::identifier::{IdentifierKey, IdentifierKind};
use crate::secret::Purpose;
use crate::user::Account;

/// The options of a request to register a passkey (`PublicKeyCredentialCreationOptionsJSON`).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreationOptions {
    rp: RelyingParty,
    user: User,
    challenge: Base64Url,
    pub_key_cred_params: Vec<Parameters>,
    timeout: u64,
    exclude_credentials: Vec<Descriptor>,
    authenticator_selection: Selection,
    attestation: &'static str,
    extensions: Extensions,
}

/// The options of a request to sign in with a passkey (`PublicKeyCredentialRequestOptionsJSON`).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestOptions {
    challenge: Base64Url,
    timeout: u64,
    rp_id: String,
    allow_credentials: Vec<Descriptor>,
    user_verification: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct RelyingParty {
    id: String,
    name: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: Base64Url,
    name: String,
    display_name: String,
}

#[derive(Debug, Clone, Serialize)]
struct Parameters {
    #[serde(rename = "type")]
    kind: &'static str,
    alg: i64,
}

#[derive(Debug, Clone, Serialize)]
struct Descriptor {
    #[serde(rename = "type")]
    kind: &'static str,
    id: Base64Url,
    transports: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    resident_key: &'static str,
    /// What browsers of Level 1 read in place of `resident_key`.
    require_resident_key: bool,
    user_verification: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    cred_props: bool,
}

const PUBLIC_KEY: &str = "public-key";

impl Descriptor {
    fn of(passkey: &Passkey) -> Self {
        Self {
            kind: PUBLIC_KEY,
            id: passkey.credential_id.clone(),
            transports: passkey.transports.clone(),
        }
    }
}

/// What authenticators keep as the owner of a passkey: the user's id and nothing else, since it can be read from a lost
/// key.
pub(super) fn user_handle(user_id: UserId) -> Base64Url {
    Base64Url::new(user_id.as_bytes().to_vec())
}

const fn verification(required: bool) -> &'static str {
    if required { "required" } else { "preferred" }
}

impl Zalt {
    /// Asks for a new passkey of this account.
    pub(crate) fn creation_options(
        &self,
        account: &Account,
        request: &PasskeyRequest,
    ) -> Result<CreationOptions, Error> {
        let passkeys = self.passkeys()?;
        let names = &account.user.profile;
        let label = account
            .primary(IdentifierKind::EmailAddress)
            .or_else(|| account.identifiers.first())
            .map_or("account", |identifier| identifier.value.as_str());
        let full_name: Vec<_> = [&names.first_name, &names.last_name]
            .into_iter()
            .flatten()
            .map(crate::user::Name::as_str)
            .collect();
        let display_name = if full_name.is_empty() {
            label.to_owned()
        } else {
            full_name.join(" ")
        };
        Ok(CreationOptions {
            rp: RelyingParty {
                id: passkeys.rp_id.to_owned(),
                name: self.config().application_name.clone(),
            },
            user: User {
                id: user_handle(account.user.id),
                name: label.to_owned(),
                display_name,
            },
            challenge: request.challenge.clone(),
            pub_key_cred_params: passkeys
                .verifier
                .algorithms()
                .iter()
                .map(|&alg| Parameters {
                    kind: PUBLIC_KEY,
                    alg,
                })
                .collect(),
            timeout: self.passkey_timeout(),
            exclude_credentials: account
                .passkeys()
                .map(|(_, passkey)| Descriptor::of(passkey))
                .collect(),
            authenticator_selection: Selection {
                resident_key: "preferred",
                require_resident_key: false,
                user_verification: verification(self.always_verifies()),
            },
            attestation: "none",
            extensions: Extensions { cred_props: true },
        })
    }

    /// Asks for an answer of one of these passkeys, or of any that the authenticator has for us if there are none.
    pub(crate) fn request_options<'p>(
        &self,
        passkeys: impl IntoIterator<Item = &'p Passkey>,
        request: &PasskeyRequest,
        user_verification: bool,
    ) -> Result<RequestOptions, Error> {
        Ok(RequestOptions {
            challenge: request.challenge.clone(),
            timeout: self.passkey_timeout(),
            rp_id: self.passkeys()?.rp_id.to_owned(),
            allow_credentials: passkeys.into_iter().map(Descriptor::of).collect(),
            user_verification: verification(user_verification),
        })
    }

    /// The same for what somebody typed, before they proved anything. Where no passkey belongs to it one is named that does not
    /// exist, the same each time, so that the answer does not tell who has an account (ASVS 6.3.8).
    pub(crate) fn listed_options<'p>(
        &self,
        typed: &IdentifierKey,
        passkeys: impl IntoIterator<Item = &'p Passkey>,
        request: &PasskeyRequest,
        user_verification: bool,
    ) -> Result<RequestOptions, Error> {
        let mut options = self.request_options(passkeys, request, user_verification)?;
        if options.allow_credentials.is_empty() {
            let (kind, key) = (typed.kind.as_str().as_bytes(), typed.key.as_bytes());
            let id = self.encryption_keys().mac(Purpose::Decoy, &[kind, key]);
            options.allow_credentials.push(Descriptor {
                kind: PUBLIC_KEY,
                id: Base64Url::new(id.to_vec()),
                transports: vec!["hybrid".to_owned(), "internal".to_owned()],
            });
        }
        Ok(options)
    }

    fn passkey_timeout(&self) -> u64 {
        let millis = self.config().passkeys.timeout.as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX)
    }
}
