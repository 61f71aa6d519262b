use std::time::Duration;

use url::Url;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::proto::{
    AttestationFormat, AuthenticationExtensionsClientOutputs, AuthenticatorAssertionResponseRaw,
    AuthenticatorAttestationResponseRaw, COSEKey, Credential, ParsedAttestation,
    PublicKeyCredential, RegisterPublicKeyCredential, RegisteredExtensions,
    RegistrationExtensionsClientOutputs, UserVerificationPolicy,
};
use zalt_core::passkey::{
    AssertionResponse, Base64Url, Expected, Passkey, PasskeyRefusal, PasskeyVerifier,
    RegistrationResponse, VerifiedAssertion, VerifiedRegistration,
};

use crate::attested::{AttestationObject, NONE};
use crate::refusal::refusal;
use crate::state::{self, ALGORITHMS};

/// Checks passkeys by webauthn-rs. It keeps nothing: the relying party and the origin come with each check.
#[derive(Debug, Clone)]
pub struct WebauthnVerifier {
    algorithms: [i64; 3],
}

impl WebauthnVerifier {
    /// The one there is.
    pub fn new() -> Self {
        Self {
            algorithms: ALGORITHMS.map(|algorithm| algorithm as i64),
        }
    }
}

impl Default for WebauthnVerifier {
    fn default() -> Self {
        Self::new()
    }
}

/// How credentials of public keys are called.
const PUBLIC_KEY: &str = "public-key";

impl PasskeyVerifier for WebauthnVerifier {
    fn algorithms(&self) -> &[i64] {
        &self.algorithms
    }

    fn registration(
        &self,
        response: &RegistrationResponse,
        expected: &Expected<'_>,
    ) -> Result<VerifiedRegistration, PasskeyRefusal> {
        let object = AttestationObject::parse(response.attestation_object.as_bytes())?;
        let shown = RegisterPublicKeyCredential {
            id: response.credential_id.to_string(),
            raw_id: response.credential_id.as_bytes().to_vec(),
            response: AuthenticatorAttestationResponseRaw {
                // Nobody is asked for a statement. One that comes all the same is a stranger's certificates and TPM structures,
                // which no parser has to see.
                attestation_object: object.without_statement()?,
                client_data_json: response.client_data.as_bytes().to_vec(),
                transports: None,
            },
            type_: PUBLIC_KEY.to_owned(),
            extensions: RegistrationExtensionsClientOutputs::default(),
        };
        let state = state::registration(expected)?;
        let credential = relying_party(expected)?
            .register_credential(&shown, &state, None)
            .map_err(|error| refusal(&error))?;
        let attested = object.attested()?;
        // The library does not hold the one against the other.
        if attested.credential_id != response.credential_id.as_bytes() {
            return Err(PasskeyRefusal::Malformed);
        }
        Ok(VerifiedRegistration {
            credential_id: response.credential_id.clone(),
            public_key: Base64Url::new(attested.public_key.to_vec()),
            counter: credential.counter,
            user_verified: credential.user_verified,
            backup_eligible: credential.backup_eligible,
            backed_up: credential.backup_state,
            aaguid: attested.aaguid,
            attestation_format: NONE.to_owned(),
        })
    }

    fn assertion(
        &self,
        response: &AssertionResponse,
        passkey: &Passkey,
        expected: &Expected<'_>,
    ) -> Result<VerifiedAssertion, PasskeyRefusal> {
        let shown = PublicKeyCredential {
            id: response.credential_id.to_string(),
            raw_id: response.credential_id.as_bytes().to_vec(),
            response: AuthenticatorAssertionResponseRaw {
                authenticator_data: response.authenticator_data.as_bytes().to_vec(),
                client_data_json: response.client_data.as_bytes().to_vec(),
                signature: response.signature.as_bytes().to_vec(),
                user_handle: None,
            },
            extensions: AuthenticationExtensionsClientOutputs::default(),
            type_: PUBLIC_KEY.to_owned(),
        };
        let state = state::authentication(expected)?;
        let result = relying_party(expected)?
            .authenticate_single_credential(&shown, &state, &credential(passkey)?)
            .map_err(|error| refusal(&error))?;
        Ok(VerifiedAssertion {
            counter: result.counter(),
            user_verified: result.user_verified(),
            backed_up: result.backup_state(),
        })
    }
}

/// The library as the relying party that is expected. It names itself to nobody here: core makes the requests.
fn relying_party(expected: &Expected<'_>) -> Result<WebauthnCore, PasskeyRefusal> {
    let origin = Url::parse(expected.origin).map_err(|_| PasskeyRefusal::Origin)?;
    Ok(WebauthnCore::new_unsafe_experts_only(
        expected.rp_id,
        expected.rp_id,
        vec![origin],
        Duration::ZERO,
        Some(false),
        Some(false),
    ))
}

/// The passkey as the library knows it.
fn credential(passkey: &Passkey) -> Result<Credential, PasskeyRefusal> {
    let key: serde_cbor_2::Value = serde_cbor_2::from_slice(passkey.public_key.as_bytes())
        .map_err(|_| PasskeyRefusal::Malformed)?;
    Ok(Credential {
        cred_id: passkey.credential_id.as_bytes().to_vec(),
        cred: COSEKey::try_from(&key).map_err(|error| refusal(&error))?,
        // Core judges the counter, which it knows better than to refuse it before the signature was checked.
        counter: 0,
        transports: None,
        user_verified: false,
        backup_eligible: passkey.backup_eligible,
        backup_state: passkey.backed_up,
        // Whether somebody has to be verified is core's choice each time, and not what was chosen at registration.
        registration_policy: UserVerificationPolicy::Discouraged_DO_NOT_USE,
        extensions: RegisteredExtensions::none(),
        attestation: ParsedAttestation::default(),
        attestation_format: AttestationFormat::None,
    })
}
