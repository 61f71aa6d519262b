use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::bytes::Base64Url;
use crate::credential::CredentialHandle;
use crate::environment::{Rng, Timestamp};
use crate::error::Error;
use crate::id::{AttemptId, SessionId, UserId};

/// A passkey, as it is kept (a "credential record", Web Authentication Level 3, section 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// What its authenticator calls it.
    pub credential_id: Base64Url,
    /// Its public key, a COSE key in CBOR.
    pub public_key: Base64Url,
    /// How often it was used when it was last seen; 0 where its authenticator doesn't count.
    pub counter: u32,
    /// Whether its authenticator has ever checked who was there.
    pub user_verified: bool,
    /// Whether it may be backed up, to other devices too.
    pub backup_eligible: bool,
    /// Whether it was when it was last seen.
    pub backed_up: bool,
    /// The model of its authenticator, as that said itself: 16 bytes, all zero for none.
    pub aaguid: Base64Url,
    /// How its authenticator may be reached, as the browser said.
    pub transports: Vec<String>,
    /// The format of the attestation statement that was checked when it was registered: `none` for none.
    pub attestation_format: String,
}

impl Passkey {
    /// The name of the model of its authenticator, if it is a well-known one. An authenticator may say what it likes.
    pub fn authenticator(&self) -> Option<&'static str> {
        super::aaguid::name(self.aaguid.as_bytes())
    }
}

impl CredentialHandle {
    /// The handle of a passkey: its authenticator's name for it may have up to 1023 bytes.
    pub fn of_passkey(credential_id: &Base64Url) -> Self {
        // Its authenticator chooses the name: without a label it could be that of another kind of credential.
        let mut digest = Sha256::new();
        digest.update(b"passkey");
        digest.update(credential_id.as_bytes());
        Self::from_bytes(digest.finalize().into())
    }
}

/// An open request to an authenticator. It is answered once: whoever takes up the answer writes that it is over in the
/// commit that the answer leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyRequest {
    /// What the authenticator signs: the id of the attempt that the request belongs to, and 32 random bytes.
    pub challenge: Base64Url,
    /// From when on it is void.
    pub expires_at: Timestamp,
}

impl PasskeyRequest {
    /// Opens a request that belongs to `attempt`.
    pub(crate) fn mint(
        attempt: AttemptId,
        expires_at: Timestamp,
        rng: &dyn Rng,
    ) -> Result<Self, Error> {
        let mut challenge = attempt.as_bytes().to_vec();
        let mut random = [0; 32];
        rng.fill(&mut random)?;
        challenge.extend(random);
        Ok(Self {
            challenge: Base64Url::new(challenge),
            expires_at,
        })
    }
}

/// A request to an authenticator that a signed-in user makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPasskeyRequest {
    /// Who asked.
    pub user_id: UserId,
    /// The session that asked, without which the answer is worth nothing.
    pub session_id: SessionId,
    /// What for.
    pub purpose: PasskeyPurpose,
    /// The request; gone once it was answered.
    pub request: Option<PasskeyRequest>,
}

/// What a signed-in user asks an authenticator for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasskeyPurpose {
    /// A new passkey.
    Register,
    /// Who is there, for a session that needs to know.
    StepUp,
}
