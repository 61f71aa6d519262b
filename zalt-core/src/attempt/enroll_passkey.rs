//! Registering a passkey on the way in, where everybody needs a second factor.

use super::model::SignInStatus;
use super::sign_in::{SignIns, completion_error, require_status, sign_in, with_state};
use super::step::{self, RACES};
use crate::config::SecondFactor;
use crate::credential::{CredentialState, NewRecoveryCodes};
use crate::error::Error;
use crate::passkey::{CreationOptions, RegistrationResponse};
use crate::request::RequestContext;
use crate::secret::AttemptToken;
use crate::session::{AuthenticationMethod, SignedIn};
use crate::store::{Batch, Change};
use crate::user::Name;

impl SignIns<'_> {
    /// Asks for a new passkey, where a second factor is required and the user has none.
    ///
    /// # Errors
    /// [`Error::AttemptStep`], [`Error::AttemptNotFound`], [`Error::FactorNotAllowed`], [`Error::TooManyCredentials`],
    /// [`Error::RateLimited`].
    pub async fn begin_passkey(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
    ) -> Result<CreationOptions, Error> {
        let zalt = self.zalt;
        let methods = zalt.config().second_factors.methods;
        methods.require(SecondFactor::Passkey)?;
        zalt.take_network_budget(request, b"passkeys").await?;
        for _ in 0..RACES {
            let attempt = step::find(zalt, token).await?;
            require_status(sign_in(&attempt)?, SignInStatus::NeedsMfaEnrollment)?;
            step::require_codes_left(zalt, &attempt)?;
            let (account, _) = self.account_to_enroll(&attempt).await?;
            zalt.credentials().require_room_for_passkey(&account)?;
            let open = zalt.open_passkey_request(attempt.id)?;
            let options = zalt.creation_options(&account, &open)?;
            let updated = with_state(&attempt, |state| state.passkey = Some(open))?;
            let batch = Batch::new().change(Change::UpdateAttempt(updated));
            if step::commit(zalt, batch).await? {
                return Ok(options);
            }
        }
        Err(Error::Conflict)
    }

    /// Registers the passkey that an authenticator made, which yields the session and the recovery codes.
    ///
    /// # Errors
    /// [`Error::PasskeyRefused`], [`Error::AttemptExhausted`], [`Error::AccountSuspended`], [`Error::AttemptStep`],
    /// [`Error::FactorNotAllowed`], [`Error::RateLimited`], [`Error::Conflict`].
    pub async fn confirm_passkey(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        response: &RegistrationResponse,
        name: Option<Name>,
    ) -> Result<(SignedIn, Option<NewRecoveryCodes>), Error> {
        let zalt = self.zalt;
        let methods = zalt.config().second_factors.methods;
        methods.require(SecondFactor::Passkey)?;
        zalt.take_network_budget(request, b"proofs").await?;
        let attempt = step::find(zalt, token).await?;
        let state = sign_in(&attempt)?;
        require_status(state, SignInStatus::NeedsMfaEnrollment)?;
        step::require_codes_left(zalt, &attempt)?;
        let (mut account, first) = self.account_to_enroll(&attempt).await?;
        account.user.require_usable()?;
        zalt.credentials().require_room_for_passkey(&account)?;
        let user_id = account.user.id;
        let made = zalt.new_passkey(&account, state.passkey.as_ref(), response, name)?;
        let credential = match made {
            Ok(credential) => credential,
            Err(reason) => {
                self.count_refusal(request, &attempt, Some(user_id), reason.into())
                    .await?;
                return Err(Error::PasskeyRefused(reason));
            }
        };
        let user_verified = matches!(
            &credential.state,
            CredentialState::Passkey(passkey) if passkey.user_verified
        );
        let done = with_state(&attempt, |state| {
            state.passkey = None;
            state.status = SignInStatus::Complete;
        })?;
        let batch = Batch::new()
            .change(Change::UpdateAttempt(done))
            .change(zalt.users().touched(&account))
            .change(Change::GiveBackBudget(zalt.factors_budget(user_id)));
        let (batch, codes) =
            zalt.credentials()
                .with_passkey(request, &account, &credential, None, batch)?;
        // The sessions from before end in this batch. This one begins after.
        account.user.session_epoch = account.user.session_epoch.saturating_add(1);
        let method = AuthenticationMethod::of_passkey(user_verified);
        let how = (state.transport, vec![first.method, method]);
        let links = state.pending_account();
        let (batch, new) = self
            .with_session(request, batch, &account, how, links)
            .await?;
        zalt.commit(batch).await.map_err(completion_error)?;
        Ok((new.signed_in(zalt, account.user)?, codes))
    }
}
