use std::fmt;

use super::bytes::Base64Url;
use super::model::Passkey;
use super::refusal::PasskeyRefusal;
use super::response::{AssertionResponse, RegistrationResponse};

/// Checks what authenticators sign. `zalt-webauthn` has the implementation.
///
/// Core has checked by itself what the browser says: the type, the challenge, the origin. The implementation checks what
/// the authenticator says (Web Authentication Level 3, sections 7.1 and 7.2): the relying party, the flags, the
/// attestation, the key and the signature. It reads no clock and keeps nothing.
pub trait PasskeyVerifier: Send + Sync + fmt::Debug {
    /// The algorithms of keys that are accepted, as COSE numbers them, the preferred one first.
    fn algorithms(&self) -> &[i64];

    /// Checks a passkey that is to be registered.
    ///
    /// # Errors
    /// [`PasskeyRefusal`] says what is wrong with it.
    fn registration(
        &self,
        response: &RegistrationResponse,
        expected: &Expected<'_>,
    ) -> Result<VerifiedRegistration, PasskeyRefusal>;

    /// Checks that a passkey answered. Its counter is core's to judge.
    ///
    /// # Errors
    /// [`PasskeyRefusal`] says what is wrong.
    fn assertion(
        &self,
        response: &AssertionResponse,
        passkey: &Passkey,
        expected: &Expected<'_>,
    ) -> Result<VerifiedAssertion, PasskeyRefusal>;
}

/// What a response has to be about.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// What the authenticator was asked to sign.
    pub challenge: &'a [u8],
    /// The relying party.
    pub rp_id: &'a str,
    /// The origin that asked, which core has accepted.
    pub origin: &'a str,
    /// Whether the authenticator has to have checked who is there.
    pub user_verification: bool,
}

/// A passkey that may be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRegistration {
    /// What the authenticator calls it.
    pub credential_id: Base64Url,
    /// Its public key, a COSE key in CBOR as the authenticator wrote it.
    pub public_key: Base64Url,
    /// How often it was used; always 0 where the authenticator doesn't count.
    pub counter: u32,
    /// Whether the authenticator checked who was there.
    pub user_verified: bool,
    /// Whether it may be backed up, to other devices too.
    pub backup_eligible: bool,
    /// Whether it is.
    pub backed_up: bool,
    /// The model of the authenticator, as it says itself.
    pub aaguid: [u8; 16],
    /// The format of the attestation statement that was checked: `none` for none.
    pub attestation_format: String,
}

/// That a passkey answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// How often it was used; always 0 where the authenticator doesn't count.
    pub counter: u32,
    /// Whether the authenticator checked who was there.
    pub user_verified: bool,
    /// Whether it is backed up now.
    pub backed_up: bool,
}
