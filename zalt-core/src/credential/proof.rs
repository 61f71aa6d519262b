use super::{Credential, CredentialState, TotpSecret};
use crate::Zalt;
use crate::attempt::SecondFactorProof;
use crate::error::Error;
use crate::event::EventKind;
use crate::id::UserId;
use crate::message::Notice;
use crate::request::RequestContext;
use crate::session::AuthenticationMethod;
use crate::store::{Batch, Change};
use crate::user::Account;

/// A credential that proved who somebody is, with the write that makes it count once.
pub(crate) struct UsedCredential {
    pub(crate) method: AuthenticationMethod,
    /// Names the version that was read: of two uses of one code, one is committed.
    pub(crate) change: Change,
    /// How many recovery codes are left, if it was one.
    pub(crate) recovery_codes_left: Option<u32>,
}

impl Zalt {
    /// Checks a proof against the account's confirmed credentials. `None` if it fits none. Whoever calls this has taken a
    /// try from the budget, and commits the change with whatever the proof allows.
    pub(crate) fn use_credential(
        &self,
        account: &Account,
        proof: &SecondFactorProof,
    ) -> Result<Option<UsedCredential>, Error> {
        match proof {
            SecondFactorProof::Totp(code) => self.use_totp(account, code),
            SecondFactorProof::RecoveryCode(code) => Ok(self.use_recovery_code(account, code)),
        }
    }

    /// Takes a try at an account's second factor, if the application allows that kind. A recovery code costs none: nobody guesses 80 bits, and it is what still
    /// works when the tries are spent.
    pub(crate) async fn take_second_factor(
        &self,
        request: &RequestContext,
        user_id: UserId,
        proof: &SecondFactorProof,
    ) -> Result<(), Error> {
        let Some(factor) = proof.factor() else {
            return Ok(());
        };
        self.config().second_factors.methods.require(factor)?;
        let budget = self.second_factor_budget(user_id);
        let limit = &self.config().budgets.code;
        match self.take_account_budget(budget, limit).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let (user_id, method) = (Some(user_id), proof.method());
                Err(self
                    .note_lock(request, user_id, method, budget, error)
                    .await)
            }
        }
    }

    fn use_totp(&self, account: &Account, code: &str) -> Result<Option<UsedCredential>, Error> {
        let now = self.now();
        let window = self.config().second_factors.totp_window;
        let code = digits(code);
        for (credential, totp) in account.totp() {
            let secret = self.totp_secret(credential)?;
            let Some(step) = secret.step_of_code(&code, now, window, totp.last_step) else {
                continue;
            };
            let mut totp = totp.clone();
            totp.last_step = Some(step);
            return Ok(Some(UsedCredential {
                method: AuthenticationMethod::Totp,
                change: Change::UpdateCredential(Credential {
                    state: CredentialState::Totp(totp),
                    last_used_at: Some(now),
                    ..credential.clone()
                }),
                recovery_codes_left: None,
            }));
        }
        Ok(None)
    }

    fn use_recovery_code(&self, account: &Account, code: &str) -> Option<UsedCredential> {
        let now = self.now();
        let (credential, codes) = account
            .recovery_codes()
            .filter(|_| self.has_second_factor(account))?;
        let codes = codes.redeemed(credential.id, self.encryption_keys(), code, now)?;
        let left = u32::try_from(codes.left()).unwrap_or(u32::MAX);
        Some(UsedCredential {
            method: AuthenticationMethod::RecoveryCode,
            change: Change::UpdateCredential(Credential {
                state: CredentialState::RecoveryCodes(codes),
                last_used_at: Some(now),
                ..credential.clone()
            }),
            recovery_codes_left: Some(left),
        })
    }

    /// Completes `batch` with what goes with the use of a recovery code, if it was one: whoever finds the paper must not go
    /// unnoticed.
    pub(crate) fn noting_recovery_code(
        &self,
        request: &RequestContext,
        account: &Account,
        left: Option<u32>,
        mut batch: Batch,
    ) -> Result<Batch, Error> {
        let Some(left) = left else {
            return Ok(batch);
        };
        let kind = EventKind::RecoveryCodeUsed { left };
        let event = self.users().own_event(request, account.user.id, kind)?;
        batch
            .changes
            .extend(self.mail_all(account, &Notice::RecoveryCodeUsed { left })?);
        Ok(batch.event(event))
    }

    /// Opens the secret of an authenticator app.
    pub(super) fn totp_secret(&self, credential: &Credential) -> Result<TotpSecret, Error> {
        let CredentialState::Totp(totp) = &credential.state else {
            return Err(Error::Internal("a credential is no authenticator app"));
        };
        let row = credential.id.to_string();
        let bytes = self.encryption_keys().open(row.as_bytes(), &totp.secret)?;
        TotpSecret::from_bytes(&bytes).ok_or(Error::Internal("a stored secret has another length"))
    }
}

/// A code as typed: spaces and hyphens between the digits are dropped.
pub(super) fn digits(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .take(16)
        .collect()
}
