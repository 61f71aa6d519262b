//! Setting up and taking away second factors.

use zeroize::Zeroizing;

use super::proof::digits;
use super::{Credential, CredentialState, RecoveryCodes, Totp, TotpSecret};
use crate::Zalt;
use crate::attempt::SecondFactorProof;
use crate::config::{SecondFactor, SecondFactorPolicy};
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::{CredentialId, SessionId, UserId};
use crate::identifier::IdentifierKind;
use crate::message::Notice;
use crate::request::RequestContext;
use crate::secret::SessionToken;
use crate::session::{Authenticated, AuthenticationMethod, RevokeReason};
use crate::store::{Batch, Change};
use crate::user::{Account, Name};

/// The credentials of the signed-in user beside the password.
///
/// Adding and removing them needs an authentication that is recent and as strong as the account has
/// ([`Error::ReauthenticationRequired`]), and every verified address is told.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'z> {
    pub(super) zalt: &'z Zalt,
}

/// An authenticator app that is being set up. The secret is shown here and never again.
#[derive(Debug)]
pub struct TotpEnrollment {
    /// The credential, which counts once it is confirmed.
    pub credential: Credential,
    /// The secret.
    pub secret: TotpSecret,
    /// The same with names, for a QR code.
    pub uri: Zeroizing<String>,
}

impl TotpEnrollment {
    /// The URI as a QR code: an SVG of 4 modules of margin that scales to any size, dark on light in any theme, since
    /// cameras expect that.
    ///
    /// # Errors
    /// [`Error::Internal`] if the names are too long for a QR code, which they can't be.
    pub fn qr_code_svg(&self) -> Result<String, Error> {
        super::qr::svg(&self.uri).ok_or(Error::Internal("a URI is too long for a QR code"))
    }
}

/// What somebody who is signed in gets for a second factor that they have set up.
#[derive(Debug)]
pub struct Enrolled {
    /// The recovery codes that come with the first one.
    pub recovery_codes: Option<NewRecoveryCodes>,
    /// The new token of a session that was limited for the want of a second factor, and is no more. The old one is dead. `None` for
    /// a session that goes on as it was, and for one that is held by refresh tokens.
    pub token: Option<SessionToken>,
}

/// Recovery codes, shown here and never again.
pub struct NewRecoveryCodes {
    /// Each code in groups of four.
    pub codes: Vec<Zeroizing<String>>,
}

impl std::fmt::Debug for NewRecoveryCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewRecoveryCodes").finish_non_exhaustive()
    }
}

/// The most credentials of one account beside its devices, which make room for each other.
const MAX_CREDENTIALS: usize = 20;

impl Account {
    /// Refuses one credential too many, where so many make room for it.
    pub(crate) fn require_room(&self, making_room: usize) -> Result<(), Error> {
        let taken = self.kept_credentials().count();
        if taken.saturating_sub(making_room) < MAX_CREDENTIALS {
            Ok(())
        } else {
            Err(Error::TooManyCredentials)
        }
    }
}

impl<'z> Credentials<'z> {
    pub(crate) const fn new(zalt: &'z Zalt) -> Self {
        Self { zalt }
    }

    /// Begins to set up an authenticator app. One that was begun before and never confirmed is dropped.
    ///
    /// # Errors
    /// [`Error::ReauthenticationRequired`], [`Error::TooManyCredentials`], [`Error::FactorNotAllowed`].
    pub async fn begin_totp(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        name: Option<Name>,
    ) -> Result<TotpEnrollment, Error> {
        let account = self.zalt.users().strong_account(authenticated).await?;
        let guard = self
            .zalt
            .users()
            .owners_batch(request, authenticated, &account);
        let (enrollment, batch) = self.new_totp(&account, name, guard)?;
        self.zalt.commit(batch).await?;
        Ok(enrollment)
    }

    /// Confirms an authenticator app by its first code. With the first second factor come recovery codes, and a session that was
    /// limited for the want of it is raised.
    ///
    /// # Errors
    /// [`Error::CodeIncorrect`], [`Error::RateLimited`], [`Error::NotFound`], [`Error::ReauthenticationRequired`].
    pub async fn confirm_totp(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: CredentialId,
        code: &str,
    ) -> Result<Enrolled, Error> {
        let account = self.zalt.users().strong_account(authenticated).await?;
        let user_id = account.user.id;
        let proof = SecondFactorProof::Totp(String::new());
        self.zalt
            .take_second_factor(request, user_id, &proof)
            .await?;
        let guard = self
            .zalt
            .users()
            .owners_batch(request, authenticated, &account);
        let keep = Some(authenticated.session().id);
        let (batch, codes) = match self.confirmed(request, &account, id, code, keep, guard) {
            Err(Error::CodeIncorrect) => {
                let method = AuthenticationMethod::Totp;
                let kind = EventKind::SignInFailed { method };
                let event = self.zalt.users().own_event(request, user_id, kind)?;
                self.zalt.commit(Batch::new().event(event)).await?;
                return Err(Error::CodeIncorrect);
            }
            result => result?,
        };
        let method = AuthenticationMethod::Totp;
        let (batch, token) = self
            .zalt
            .raising_limited(request, authenticated, method, batch)?;
        self.zalt.commit(batch).await?;
        Ok(Enrolled {
            recovery_codes: codes,
            token,
        })
    }

    /// Makes new recovery codes, which void those before.
    ///
    /// # Errors
    /// [`Error::ReauthenticationRequired`]; [`Error::SecondFactorRequired`] if there is no second factor that they could
    /// stand in for.
    pub async fn new_recovery_codes(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
    ) -> Result<NewRecoveryCodes, Error> {
        let account = self.zalt.users().strong_account(authenticated).await?;
        if !self.zalt.has_second_factor(&account) {
            return Err(Error::SecondFactorRequired);
        }
        let guard = self
            .zalt
            .users()
            .owners_batch(request, authenticated, &account);
        let (mut batch, codes) = self.with_recovery_codes(request, &account, guard)?;
        batch.changes.extend(
            self.zalt
                .mail_all(&account, &Notice::RecoveryCodesCreated)?,
        );
        self.zalt.commit(batch).await?;
        Ok(codes)
    }

    /// Removes an authenticator app or a passkey. With the last second factor the recovery codes go.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LastSecondFactor`] where everybody needs one, [`Error::LastWayIn`] if nothing else leads
    /// into the account, [`Error::ReauthenticationRequired`].
    pub async fn remove(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: CredentialId,
    ) -> Result<(), Error> {
        let account = self.zalt.users().strong_account(authenticated).await?;
        let removed = account
            .credentials
            .iter()
            .find(|credential| credential.id == id)
            .filter(|credential| {
                !matches!(
                    credential.state,
                    CredentialState::RecoveryCodes(_)
                        | CredentialState::Device(_)
                        | CredentialState::ExternalAccount(_)
                )
            })
            .ok_or(Error::NotFound)?;
        let mut external = account.external_accounts();
        let usable = match external.next() {
            Some(_) => self.zalt.connections().usable_providers().await?,
            None => Vec::new(),
        };
        if self.zalt.is_last_way_in(&account, removed, &usable) {
            return Err(Error::LastWayIn);
        }
        let batch = self
            .zalt
            .users()
            .owners_batch(request, authenticated, &account);
        let batch = self.with_removed(request, &account, removed, batch)?;
        Ok(self.zalt.commit(batch).await?)
    }

    /// Completes `batch` with the removal of a credential and what goes with it.
    pub(crate) fn with_removed(
        &self,
        request: &RequestContext,
        account: &Account,
        removed: &Credential,
        batch: Batch,
    ) -> Result<Batch, Error> {
        let id = removed.id;
        let mut batch = batch.change(deletion(removed));
        let (of_it, others): (Vec<_>, Vec<_>) = self
            .zalt
            .second_factors(account)
            .partition(|(_, credential)| credential.id == id);
        let is_last = !of_it.is_empty() && others.is_empty();
        if is_last && self.zalt.config().second_factors.policy == SecondFactorPolicy::Required {
            return Err(Error::LastSecondFactor);
        }
        // Codes that nothing is left to stand in for must not come back with the next factor.
        let mut left = account.credentials.iter().filter(|left| left.id != id);
        if !left.any(|left| left.second_factor().is_some()) {
            batch = batch.maybe(account.recovery_codes().map(|(codes, _)| deletion(codes)));
        }
        if removed.second_factor().is_some() {
            let kind = EventKind::CredentialRemoved { credential_id: id };
            batch = batch.event(
                self.zalt
                    .users()
                    .own_event(request, account.user.id, kind)?,
            );
            let factor = removed.second_factor();
            let notice = Notice::SecondFactorRemoved { factor };
            batch.changes.extend(self.zalt.mail_all(account, &notice)?);
        }
        Ok(batch)
    }

    /// Takes all second factors from a user who has lost them, for the application. The reason goes into the audit log,
    /// every verified address is told, and all sessions end.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`].
    pub async fn reset(
        &self,
        request: &RequestContext,
        user_id: UserId,
        reason: &str,
    ) -> Result<(), Error> {
        let account = self.zalt.users().find_account(user_id).await?;
        let now = self.zalt.now();
        let kind = EventKind::SecondFactorsReset {
            reason: reason.chars().take(500).collect(),
        };
        let revoked = RevokeReason::RevokedByAdmin;
        let actor = Actor::Application;
        let mut batch = Batch::new()
            .change(self.zalt.users().touched(&account))
            .change(Change::RevokeUserSessions {
                user_id,
                except: None,
                at: now,
                reason: revoked,
            })
            .event(self.zalt.event(request, actor, Some(user_id), kind)?)
            .event(self.zalt.event(
                request,
                actor,
                Some(user_id),
                EventKind::AllSessionsRevoked {
                    except: None,
                    reason: revoked,
                },
            )?);
        // Accounts at providers are first factors, which nobody has lost.
        let kept = |credential: &&Credential| {
            !matches!(credential.state, CredentialState::ExternalAccount(_))
        };
        let factors = account.credentials.iter().filter(kept);
        batch.changes.extend(factors.map(deletion));
        batch
            .changes
            .extend(self.zalt.mail_all(&account, &Notice::SecondFactorsReset)?);
        Ok(self.zalt.commit(batch).await?)
    }

    /// Completes `batch` with an authenticator app that is not confirmed yet.
    pub(crate) fn new_totp(
        &self,
        account: &Account,
        name: Option<Name>,
        mut batch: Batch,
    ) -> Result<(TotpEnrollment, Batch), Error> {
        let zalt = self.zalt;
        let methods = zalt.config().second_factors.methods;
        methods.require(SecondFactor::Totp)?;
        let unconfirmed: Vec<_> = account
            .credentials
            .iter()
            .filter(|credential| is_unconfirmed(credential))
            .collect();
        account.require_room(unconfirmed.len())?;
        batch.changes.extend(unconfirmed.into_iter().map(deletion));
        let now = zalt.now();
        let id = CredentialId::mint(now, zalt.rng())?;
        let secret = TotpSecret::generate(zalt.rng())?;
        let row = id.to_string();
        let sealed = zalt
            .encryption_keys()
            .seal(row.as_bytes(), secret.as_bytes(), zalt.rng())?;
        let credential = Credential {
            id,
            user_id: account.user.id,
            handle: None,
            name,
            state: CredentialState::Totp(Totp {
                secret: sealed,
                confirmed_at: None,
                last_step: None,
            }),
            created_at: now,
            last_used_at: None,
            version: 0,
        };
        let config = zalt.config();
        let issuer = config.second_factors.issuer.as_ref();
        let issuer = issuer.unwrap_or(&config.application_name);
        let label = account
            .primary(IdentifierKind::EmailAddress)
            .or_else(|| account.identifiers.first())
            .map_or("account", |identifier| identifier.value.as_str());
        let uri = secret.uri(issuer, label);
        let batch = batch.change(Change::InsertCredential(credential.clone()));
        let enrollment = TotpEnrollment {
            credential,
            secret,
            uri,
        };
        Ok((enrollment, batch))
    }

    /// Completes `batch` with the confirmation of an authenticator app and what goes with it. The caller has taken a try from
    /// the budget.
    pub(crate) fn confirmed(
        &self,
        request: &RequestContext,
        account: &Account,
        id: CredentialId,
        code: &str,
        keep: Option<SessionId>,
        batch: Batch,
    ) -> Result<(Batch, Option<NewRecoveryCodes>), Error> {
        let zalt = self.zalt;
        let credential = account
            .credentials
            .iter()
            .find(|credential| credential.id == id && is_unconfirmed(credential))
            .ok_or(Error::NotFound)?;
        let CredentialState::Totp(totp) = &credential.state else {
            return Err(Error::NotFound);
        };
        let (now, window) = (zalt.now(), zalt.config().second_factors.totp_window);
        let step = zalt
            .totp_secret(credential)?
            .step_of_code(&digits(code), now, window, totp.last_step)
            .ok_or(Error::CodeIncorrect)?;
        let confirmed = Credential {
            state: CredentialState::Totp(Totp {
                confirmed_at: Some(now),
                last_step: Some(step),
                ..totp.clone()
            }),
            last_used_at: Some(now),
            ..credential.clone()
        };
        let batch = batch.change(Change::UpdateCredential(confirmed.clone()));
        self.with_factor(request, account, &confirmed, keep, batch)
    }

    /// Completes `batch` with what goes with a credential that counts from now on. If it is the first second factor, recovery
    /// codes come with it, and every session but `keep` ends: whoever is in by one factor, and not the owner, is out.
    pub(super) fn with_factor(
        &self,
        request: &RequestContext,
        account: &Account,
        added: &Credential,
        keep: Option<SessionId>,
        batch: Batch,
    ) -> Result<(Batch, Option<NewRecoveryCodes>), Error> {
        let zalt = self.zalt;
        let user_id = account.user.id;
        let own_event = |kind| zalt.users().own_event(request, user_id, kind);
        let kind = EventKind::CredentialAdded {
            credential_id: added.id,
        };
        let mut batch = batch.event(own_event(kind)?);
        let factor = added.second_factor();
        let notice = Notice::SecondFactorAdded { factor };
        batch.changes.extend(zalt.mail_all(account, &notice)?);
        let methods = zalt.config().second_factors.methods;
        if !added
            .second_factor()
            .is_some_and(|kind| methods.allows(kind))
        {
            return Ok((batch, None));
        }
        if !zalt.has_second_factor(account) {
            let reason = RevokeReason::SecondFactorAdded;
            let kind = EventKind::AllSessionsRevoked {
                except: keep,
                reason,
            };
            batch = batch
                .change(Change::RevokeUserSessions {
                    user_id,
                    except: keep,
                    at: zalt.now(),
                    reason,
                })
                .event(own_event(kind)?);
        }
        if account.recovery_codes().is_some() {
            return Ok((batch, None));
        }
        let (batch, codes) = self.with_recovery_codes(request, account, batch)?;
        Ok((batch, Some(codes)))
    }

    fn with_recovery_codes(
        &self,
        request: &RequestContext,
        account: &Account,
        batch: Batch,
    ) -> Result<(Batch, NewRecoveryCodes), Error> {
        let zalt = self.zalt;
        let now = zalt.now();
        let id = CredentialId::mint(now, zalt.rng())?;
        let (set, codes) = RecoveryCodes::generate(id, zalt.encryption_keys(), zalt.rng())?;
        let credential = Credential {
            id,
            user_id: account.user.id,
            handle: None,
            name: None,
            state: CredentialState::RecoveryCodes(set),
            created_at: now,
            last_used_at: None,
            version: 0,
        };
        let kind = EventKind::RecoveryCodesCreated { credential_id: id };
        let batch = batch
            .maybe(account.recovery_codes().map(|(old, _)| deletion(old)))
            .change(Change::InsertCredential(credential))
            .event(
                self.zalt
                    .users()
                    .own_event(request, account.user.id, kind)?,
            );
        Ok((batch, NewRecoveryCodes { codes }))
    }
}

fn is_unconfirmed(credential: &Credential) -> bool {
    matches!(&credential.state, CredentialState::Totp(totp) if totp.confirmed_at.is_none())
}

pub(crate) fn deletion(credential: &Credential) -> Change {
    Change::DeleteCredential {
        id: credential.id,
        version: credential.version,
    }
}
