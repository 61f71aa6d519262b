//! The rules that an answer of an authenticator has to keep, whatever it is for.

use super::bytes::Base64Url;
use super::client_data::{Asked, ClientData};
use super::config::{ClonePolicy, UserVerification};
use super::model::{Passkey, PasskeyRequest};
use super::options::user_handle;
use super::refusal::PasskeyRefusal;
use super::response::{AssertionResponse, RegistrationResponse};
use super::verifier::{Expected, PasskeyVerifier};
use crate::Zalt;
use crate::credential::{Credential, CredentialHandle, CredentialState};
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::{AttemptId, CredentialId, UserId};
use crate::request::RequestContext;
use crate::session::AuthenticationMethod;
use crate::store::Batch;
use crate::user::{Account, Name};

/// What an application needs for passkeys.
#[derive(Clone, Copy)]
pub(crate) struct Means<'z> {
    pub(crate) verifier: &'z dyn PasskeyVerifier,
    pub(crate) rp_id: &'z str,
}

/// A passkey that was accepted.
pub(crate) struct Answered {
    /// The credential as it is to be written.
    pub(crate) credential: Credential,
    /// Whether its authenticator checked who was there.
    pub(crate) user_verified: bool,
    /// That there may be a copy, where that is only reported.
    pub(crate) suspicion: Option<EventKind>,
}

/// A passkey that was not accepted.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: PasskeyRefusal,
    /// That there may be a copy.
    pub(crate) suspicion: Option<EventKind>,
}

impl From<PasskeyRefusal> for Refused {
    fn from(reason: PasskeyRefusal) -> Self {
        Self {
            reason,
            suspicion: None,
        }
    }
}

impl Zalt {
    /// What passkeys need, if the application has it.
    pub(crate) fn passkeys(&self) -> Result<Means<'_>, Error> {
        let verifier = self.inner.passkeys.as_deref();
        let rp_id = self.config().passkeys.rp_id.as_deref();
        let (verifier, rp_id) = verifier.zip(rp_id).ok_or(Error::FactorNotAllowed)?;
        Ok(Means { verifier, rp_id })
    }

    /// Opens a request to an authenticator, which belongs to `attempt`.
    pub(crate) fn open_passkey_request(&self, attempt: AttemptId) -> Result<PasskeyRequest, Error> {
        let expires_at = self.now() + self.config().passkeys.timeout;
        PasskeyRequest::mint(attempt, expires_at, self.rng())
    }

    /// The passkey that an authenticator made for this account.
    pub(crate) fn new_passkey(
        &self,
        account: &Account,
        request: Option<&PasskeyRequest>,
        response: &RegistrationResponse,
        name: Option<Name>,
    ) -> Result<Result<Credential, PasskeyRefusal>, Error> {
        let means = self.passkeys()?;
        let verified = match self.registered(means, request, response) {
            Ok(verified) => verified,
            Err(reason) => return Ok(Err(reason)),
        };
        let now = self.now();
        let handle = CredentialHandle::of_passkey(&verified.credential_id);
        let known = |credential: &Credential| credential.handle == Some(handle);
        if account.credentials.iter().any(known) {
            return Ok(Err(PasskeyRefusal::AlreadyRegistered));
        }
        let passkey = Passkey {
            credential_id: verified.credential_id,
            public_key: verified.public_key,
            counter: verified.counter,
            user_verified: verified.user_verified,
            backup_eligible: verified.backup_eligible,
            backed_up: verified.backed_up,
            aaguid: Base64Url::new(verified.aaguid.to_vec()),
            transports: response.transports.clone(),
            attestation_format: verified.attestation_format,
        };
        Ok(Ok(Credential {
            id: CredentialId::mint(now, self.rng())?,
            user_id: account.user.id,
            handle: Some(handle),
            name,
            state: CredentialState::Passkey(passkey),
            created_at: now,
            last_used_at: None,
            version: 0,
        }))
    }

    fn registered(
        &self,
        means: Means<'_>,
        request: Option<&PasskeyRequest>,
        response: &RegistrationResponse,
    ) -> Result<super::VerifiedRegistration, PasskeyRefusal> {
        let required = self.always_verifies();
        let client_data = ClientData::parse(&response.client_data)?;
        let request = self.open(request)?;
        let challenge = request.challenge.as_bytes();
        client_data.check(Asked::Registration, challenge, &self.config().passkeys)?;
        let expected = Expected {
            challenge,
            rp_id: means.rp_id,
            origin: client_data.origin(),
            user_verification: required,
        };
        let verified = means.verifier.registration(response, &expected)?;
        if required && !verified.user_verified {
            return Err(PasskeyRefusal::UserNotVerified);
        }
        if verified.credential_id != response.credential_id {
            return Err(PasskeyRefusal::Malformed);
        }
        Ok(verified)
    }

    /// Checks that a passkey of this account answered. Whoever calls this commits what the answer leads to together with
    /// the end of the request.
    pub(crate) fn answer(
        &self,
        account: &Account,
        request: Option<&PasskeyRequest>,
        response: &AssertionResponse,
        user_verification: bool,
    ) -> Result<Answered, Refused> {
        let means = self.passkeys().map_err(|_| PasskeyRefusal::Unknown)?;
        let client_data = ClientData::parse(&response.client_data)?;
        let request = self.open(request)?;
        let challenge = request.challenge.as_bytes();
        client_data.check(Asked::Assertion, challenge, &self.config().passkeys)?;
        let owner = user_handle(account.user.id);
        if response
            .user_handle
            .as_ref()
            .is_some_and(|held| *held != owner)
        {
            return Err(PasskeyRefusal::Foreign.into());
        }
        let (credential, passkey) = account
            .passkeys()
            .find(|(_, passkey)| passkey.credential_id == response.credential_id)
            .ok_or(PasskeyRefusal::Unknown)?;
        let required = user_verification || self.always_verifies();
        let expected = Expected {
            challenge,
            rp_id: means.rp_id,
            origin: client_data.origin(),
            user_verification: required,
        };
        let verified = means.verifier.assertion(response, passkey, &expected)?;
        if required && !verified.user_verified {
            return Err(PasskeyRefusal::UserNotVerified.into());
        }
        let suspicion = suspicion(credential, passkey, verified.counter);
        if suspicion.is_some() && self.config().passkeys.clones == ClonePolicy::Refuse {
            return Err(Refused {
                reason: PasskeyRefusal::Counter,
                suspicion,
            });
        }
        let used = Passkey {
            // A copy that is behind must not turn the counter back for the other.
            counter: verified.counter.max(passkey.counter),
            user_verified: passkey.user_verified || verified.user_verified,
            backed_up: verified.backed_up,
            ..passkey.clone()
        };
        Ok(Answered {
            credential: Credential {
                state: CredentialState::Passkey(used),
                last_used_at: Some(self.now()),
                ..credential.clone()
            },
            user_verified: verified.user_verified,
            suspicion,
        })
    }

    /// Completes `batch` with what goes with a refused passkey.
    pub(crate) fn noting_refusal(
        &self,
        request: &RequestContext,
        user_id: Option<UserId>,
        refused: Refused,
        batch: Batch,
    ) -> Result<Batch, Error> {
        tracing::info!(reason = %refused.reason, user = ?user_id, "a passkey was refused");
        let method = AuthenticationMethod::Passkey;
        let failed = EventKind::SignInFailed { method };
        let kinds = refused.suspicion.into_iter().chain([failed]);
        kinds.into_iter().try_fold(batch, |batch, kind| {
            let event = self.event(request, Actor::Anonymous, user_id, kind)?;
            Ok(batch.event(event))
        })
    }

    /// Whether authenticators always have to check who is there.
    pub(crate) fn always_verifies(&self) -> bool {
        self.config().passkeys.user_verification == UserVerification::Required
    }

    /// The request, if it still can be answered.
    fn open<'r>(
        &self,
        request: Option<&'r PasskeyRequest>,
    ) -> Result<&'r PasskeyRequest, PasskeyRefusal> {
        request
            .filter(|request| self.now() < request.expires_at)
            .ok_or(PasskeyRefusal::NoRequest)
    }
}

/// That there may be a copy of a passkey: its authenticator counts, and did not move on (section 7.2, on `signCount`).
fn suspicion(credential: &Credential, passkey: &Passkey, counter: u32) -> Option<EventKind> {
    let counts = counter > 0 || passkey.counter > 0;
    (counts && counter <= passkey.counter).then_some(EventKind::CredentialCloneSuspected {
        credential_id: credential.id,
        last: passkey.counter,
        shown: counter,
    })
}
