//! The states that the library keeps between a request and its answer. It makes its own challenges, so the states are made
//! here, of ours: a state can be read from JSON, and from nothing else.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use webauthn_rs_core::proto::{
    AuthenticationState, COSEAlgorithm, RegistrationState, UserVerificationPolicy,
};
use zalt_core::passkey::{Base64Url, Expected, PasskeyRefusal};

/// Algorithms of keys, the preferred one first. RS256 is what older Windows machines have.
pub(crate) const ALGORITHMS: [COSEAlgorithm; 3] = [
    COSEAlgorithm::ES256,
    COSEAlgorithm::RS256,
    COSEAlgorithm::ES384,
];

pub(crate) fn registration(expected: &Expected<'_>) -> Result<RegistrationState, PasskeyRefusal> {
    read(json!({
        "policy": policy(expected),
        "exclude_credentials": [],
        "challenge": challenge(expected),
        "credential_algorithms": ALGORITHMS,
        "require_resident_key": false,
        "authenticator_attachment": null,
        "extensions": {},
        "allow_synchronised_authenticators": true,
    }))
}

pub(crate) fn authentication(
    expected: &Expected<'_>,
) -> Result<AuthenticationState, PasskeyRefusal> {
    read(json!({
        "credentials": [],
        "policy": policy(expected),
        "challenge": challenge(expected),
        "appid": null,
        "allow_backup_eligible_upgrade": false,
    }))
}

fn policy(expected: &Expected<'_>) -> UserVerificationPolicy {
    if expected.user_verification {
        UserVerificationPolicy::Required
    } else {
        UserVerificationPolicy::Preferred
    }
}

fn challenge(expected: &Expected<'_>) -> Base64Url {
    Base64Url::new(expected.challenge.to_vec())
}

fn read<S: DeserializeOwned>(state: Value) -> Result<S, PasskeyRefusal> {
    serde_json::from_value(state).map_err(|_| PasskeyRefusal::Malformed)
}
