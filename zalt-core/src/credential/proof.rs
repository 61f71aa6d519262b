use super::{Credential, CredentialState, TotpSecret};
use crate::Zalt;
use crate::attempt::{SecondFactorProof, SentCode};
use crate::config::SecondFactor;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::{CredentialId, UserId};
use crate::message::Notice;
use crate::passkey::{Answered, PasskeyRefusal, PasskeyRequest, Refused};
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
    /// That there may be a copy of it, if it was a passkey.
    pub(crate) suspicion: Option<EventKind>,
    /// That the code of a text message came back, if it was one.
    pub(crate) answered: Option<Change>,
}

impl From<Answered> for UsedCredential {
    fn from(answered: Answered) -> Self {
        Self {
            method: AuthenticationMethod::of_passkey(answered.user_verified),
            change: Change::UpdateCredential(answered.credential),
            recovery_codes_left: None,
            suspicion: answered.suspicion,
            answered: None,
        }
    }
}

/// A proof that is wrong.
pub(crate) enum WrongProof {
    Code(AuthenticationMethod),
    Passkey(Refused),
}

impl WrongProof {
    /// What whoever showed it is told.
    pub(crate) const fn error(&self) -> Error {
        match self {
            Self::Code(_) => Error::CodeIncorrect,
            Self::Passkey(refused) => Error::PasskeyRefused(refused.reason),
        }
    }
}

/// What a proof has to fit beside the account.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The request to an authenticator that is open.
    pub(crate) request: Option<&'a PasskeyRequest>,
    /// The passkey that was the first factor, which can't be the second too.
    pub(crate) first: Option<CredentialId>,
    /// The code that is out.
    pub(crate) code: Option<SentCode<'a>>,
}

impl Zalt {
    /// Checks a proof against the account's confirmed credentials. Whoever calls this has taken a try from the budget, and
    /// commits the change with whatever the proof allows.
    pub(crate) fn use_credential(
        &self,
        account: &Account,
        proof: &SecondFactorProof,
        asked: Asked<'_>,
    ) -> Result<Result<UsedCredential, WrongProof>, Error> {
        let used = match proof {
            SecondFactorProof::Totp(code) => self.use_totp(account, code)?,
            SecondFactorProof::RecoveryCode(code) => self.use_recovery_code(account, code),
            SecondFactorProof::SmsCode(_) | SecondFactorProof::EmailCode(_) => asked
                .code
                .and_then(|sent| self.use_message(account, proof, sent)),
            SecondFactorProof::Passkey(response) => {
                // Two keys that are only touched are what somebody has, twice.
                let verification = asked.first.is_some();
                let answered = self.answer(account, asked.request, response, verification);
                return Ok(answered
                    .and_then(|answered| {
                        if Some(answered.credential.id) == asked.first {
                            return Err(PasskeyRefusal::Unknown.into());
                        }
                        Ok(answered.into())
                    })
                    .map_err(WrongProof::Passkey));
            }
        };
        Ok(used.ok_or(WrongProof::Code(proof.method())))
    }

    /// Completes `batch` with what goes with a wrong proof.
    pub(crate) fn noting_wrong_proof(
        &self,
        request: &RequestContext,
        user_id: Option<UserId>,
        wrong: WrongProof,
        batch: Batch,
    ) -> Result<Batch, Error> {
        match wrong {
            WrongProof::Passkey(refused) => self.noting_refusal(request, user_id, refused, batch),
            WrongProof::Code(method) => {
                let kind = EventKind::SignInFailed { method };
                let event = self.event(request, Actor::Anonymous, user_id, kind)?;
                Ok(batch.event(event))
            }
        }
    }

    /// Takes a try at an account's second factor, if the application allows that kind. A recovery code costs none: nobody
    /// guesses 80 bits, and it is what still works when the tries are spent. Nor does a passkey, which signs.
    pub(crate) async fn take_second_factor(
        &self,
        request: &RequestContext,
        user_id: UserId,
        proof: &SecondFactorProof,
    ) -> Result<(), Error> {
        let Some(factor) = proof.factor() else {
            return Ok(());
        };
        if factor == SecondFactor::Passkey {
            return Ok(());
        }
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
                suspicion: None,
                answered: None,
            }));
        }
        Ok(None)
    }

    fn use_message(
        &self,
        account: &Account,
        proof: &SecondFactorProof,
        sent: SentCode<'_>,
    ) -> Option<UsedCredential> {
        let identifier = sent.proved(self, account, proof)?;
        let credential = account.messages_to(identifier.id)?;
        Some(UsedCredential {
            method: proof.method(),
            change: Change::UpdateCredential(Credential {
                last_used_at: Some(self.now()),
                ..credential.clone()
            }),
            recovery_codes_left: None,
            suspicion: None,
            answered: self.answered(&identifier.value),
        })
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
            suspicion: None,
            answered: None,
        })
    }

    /// Completes `batch` with what goes with the use of a credential. Whoever finds the paper with the recovery codes must not
    /// go unnoticed.
    pub(crate) fn using(
        &self,
        request: &RequestContext,
        account: &Account,
        used: UsedCredential,
        batch: Batch,
    ) -> Result<Batch, Error> {
        let mut batch = batch.change(used.change).maybe(used.answered);
        let left = used.recovery_codes_left;
        let code = left.map(|left| EventKind::RecoveryCodeUsed { left });
        for kind in used.suspicion.into_iter().chain(code) {
            batch = batch.event(self.users().own_event(request, account.user.id, kind)?);
        }
        if let Some(left) = left {
            let notice = Notice::RecoveryCodeUsed { left };
            batch.changes.extend(self.mail_all(account, &notice)?);
        }
        Ok(batch)
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
