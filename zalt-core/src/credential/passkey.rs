//! Registering passkeys, and what their owner calls them.

use super::enrollment::{Credentials, Enrolled};
use super::{Credential, CredentialState, NewRecoveryCodes};
use crate::error::Error;
use crate::event::EventKind;
use crate::id::CredentialId;
use crate::passkey::{CreationOptions, OpenRequest, PasskeyPurpose, RegistrationResponse};
use crate::request::RequestContext;
use crate::session::{Authenticated, AuthenticationMethod};
use crate::store::{Batch, Change};
use crate::user::{Account, Name};

impl Credentials<'_> {
    /// Asks for a new passkey of the person who is signed in.
    ///
    /// # Errors
    /// [`Error::FactorNotAllowed`], [`Error::TooManyCredentials`], [`Error::ReauthenticationRequired`].
    pub async fn begin_passkey(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
    ) -> Result<CreationOptions, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"passkeys").await?;
        let account = zalt.users().strong_account(authenticated).await?;
        self.require_room_for_passkey(&account)?;
        let session = authenticated.session();
        let (open, insert) = zalt.begin_own_passkey_request(session, PasskeyPurpose::Register)?;
        let options = zalt.creation_options(&account, &open)?;
        let still_live = zalt.sessions().still_live(request, session);
        let batch = Batch::new().change(still_live).change(insert);
        zalt.commit(batch).await?;
        Ok(options)
    }

    /// Registers the passkey that an authenticator made. With the first second factor come recovery codes, and a session that was
    /// limited for the want of it is raised.
    ///
    /// # Errors
    /// [`Error::PasskeyRefused`], [`Error::TooManyCredentials`], [`Error::ReauthenticationRequired`], [`Error::Conflict`].
    pub async fn confirm_passkey(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        response: &RegistrationResponse,
        name: Option<Name>,
    ) -> Result<(Credential, Enrolled), Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"proofs").await?;
        let account = zalt.users().strong_account(authenticated).await?;
        self.require_room_for_passkey(&account)?;
        let session = authenticated.session();
        let (purpose, data) = (PasskeyPurpose::Register, &response.client_data);
        let open = zalt.own_passkey_request(session, purpose, data).await?;
        let made = zalt.new_passkey(&account, open.request(), response, name)?;
        let over = OpenRequest::over(open);
        let credential = match made {
            Ok(credential) => credential,
            Err(reason) => {
                tracing::info!(%reason, user = %account.user.id, "a new passkey was refused");
                zalt.commit(Batch::new().change(over)).await?;
                return Err(Error::PasskeyRefused(reason));
            }
        };
        let batch = zalt
            .users()
            .owners_batch(request, authenticated, &account)
            .change(over);
        let keep = Some(session.id);
        let (batch, codes) = self.with_passkey(request, &account, &credential, keep, batch)?;
        let method = match &credential.state {
            CredentialState::Passkey(passkey) => {
                AuthenticationMethod::of_passkey(passkey.user_verified)
            }
            _ => return Err(Error::Internal("a passkey is of another kind")),
        };
        let (batch, token) = zalt.raising_limited(request, authenticated, method, batch)?;
        zalt.commit(batch).await?;
        let enrolled = Enrolled {
            recovery_codes: codes,
            token,
        };
        Ok((credential, enrolled))
    }

    /// Gives a credential another name, or none.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ReauthenticationRequired`], [`Error::Conflict`].
    pub async fn rename(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: CredentialId,
        name: Option<Name>,
    ) -> Result<Credential, Error> {
        let account = self.zalt.users().strong_account(authenticated).await?;
        let credential = account
            .credentials
            .iter()
            .find(|credential| credential.id == id && credential.second_factor().is_some())
            .ok_or(Error::NotFound)?;
        let renamed = Credential {
            name,
            ..credential.clone()
        };
        let kind = EventKind::CredentialRenamed { credential_id: id };
        let users = self.zalt.users();
        let batch = users
            .owners_batch(request, authenticated, &account)
            .change(Change::UpdateCredential(renamed.clone()))
            .event(users.own_event(request, account.user.id, kind)?);
        self.zalt.commit(batch).await?;
        Ok(Credential {
            version: renamed.version + 1,
            ..renamed
        })
    }

    /// Completes `batch` with a new passkey and all that goes with a new factor.
    pub(crate) fn with_passkey(
        &self,
        request: &RequestContext,
        account: &Account,
        credential: &Credential,
        keep: Option<crate::id::SessionId>,
        batch: Batch,
    ) -> Result<(Batch, Option<NewRecoveryCodes>), Error> {
        let batch = batch.change(Change::InsertCredential(credential.clone()));
        self.with_factor(request, account, credential, keep, batch)
    }

    /// Refuses a passkey where there are none, and one too many.
    pub(crate) fn require_room_for_passkey(&self, account: &Account) -> Result<(), Error> {
        let config = self.zalt.config();
        if !config.first_factors.passkey && !config.second_factors.methods.passkey {
            return Err(Error::FactorNotAllowed);
        }
        account.require_room(0)
    }
}
