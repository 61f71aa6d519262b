//! Requests to authenticators that a signed-in user makes. Each is an attempt of its own, bound to the session.

use super::bytes::Base64Url;
use super::client_data::ClientData;
use super::model::{OwnPasskeyRequest, PasskeyPurpose, PasskeyRequest};
use super::refusal::PasskeyRefusal;
use crate::Zalt;
use crate::attempt::{Attempt, AttemptState};
use crate::error::Error;
use crate::id::AttemptId;
use crate::secret::AttemptToken;
use crate::session::Session;
use crate::store::Change;

/// A request that an answer names, with its attempt.
pub(crate) struct OpenRequest {
    attempt: Attempt,
    state: OwnPasskeyRequest,
}

impl OpenRequest {
    /// The request, unless it was answered before.
    pub(crate) const fn request(&self) -> Option<&PasskeyRequest> {
        self.state.request.as_ref()
    }

    /// Writes that it is over. Of two answers, one writes that.
    pub(crate) fn over(self) -> Change {
        let state = OwnPasskeyRequest {
            request: None,
            ..self.state
        };
        Change::UpdateAttempt(Attempt {
            state: AttemptState::Passkey(state),
            ..self.attempt
        })
    }
}

impl Zalt {
    /// Opens a request for the user of a session, with the write that keeps it.
    pub(crate) fn begin_own_passkey_request(
        &self,
        session: &Session,
        purpose: PasskeyPurpose,
    ) -> Result<(PasskeyRequest, Change), Error> {
        let now = self.now();
        let id = AttemptId::mint(now, self.rng())?;
        let request = self.open_passkey_request(id)?;
        let attempt = Attempt {
            id,
            // The session and the challenge name it; nobody is given this.
            token: AttemptToken::mint(id, self.rng())?.digest(),
            expires_at: request.expires_at,
            state: AttemptState::Passkey(OwnPasskeyRequest {
                user_id: session.user_id,
                session_id: session.id,
                purpose,
                request: Some(request.clone()),
            }),
            failed_codes: 0,
            sent_messages: 0,
            created_at: now,
            version: 0,
        };
        Ok((request, Change::InsertAttempt(attempt)))
    }

    /// The request that an answer claims to be for, if this session made it for this purpose.
    pub(crate) async fn own_passkey_request(
        &self,
        session: &Session,
        purpose: PasskeyPurpose,
        client_data: &Base64Url,
    ) -> Result<OpenRequest, Error> {
        let data = ClientData::parse(client_data).map_err(Error::PasskeyRefused)?;
        let attempt = match data.attempt() {
            Some(id) => self.store().attempt(id).await?,
            None => None,
        };
        let refused = Error::PasskeyRefused(PasskeyRefusal::NoRequest);
        let attempt = attempt.ok_or(refused)?;
        match &attempt.state {
            AttemptState::Passkey(state)
                if state.session_id == session.id && state.purpose == purpose =>
            {
                let state = state.clone();
                Ok(OpenRequest { attempt, state })
            }
            _ => Err(Error::PasskeyRefused(PasskeyRefusal::Challenge)),
        }
    }
}
