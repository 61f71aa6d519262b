//! What counts as a second factor: the one place that knows.

use super::{Credential, CredentialState};
use crate::Zalt;
use crate::config::SecondFactor;
use crate::connection::ProviderMark;
use crate::identifier::IdentifierKind;
use crate::passkey::UserVerification;
use crate::session::{Assurance, AuthenticationMethod, Session};
use crate::user::Account;

impl Credential {
    /// The kind of second factor that it is, allowed or not; `None` if it is none, or not confirmed yet. Recovery codes
    /// alone are none.
    pub const fn second_factor(&self) -> Option<SecondFactor> {
        match &self.state {
            CredentialState::Totp(totp) if totp.confirmed_at.is_some() => Some(SecondFactor::Totp),
            CredentialState::Passkey(_) => Some(SecondFactor::Passkey),
            CredentialState::Messages(messages) => SecondFactor::to(messages.identifier_kind),
            CredentialState::Totp(_)
            | CredentialState::RecoveryCodes(_)
            | CredentialState::Device(_)
            | CredentialState::ExternalAccount(_) => None,
        }
    }
}

impl SecondFactor {
    /// Whether it is of another kind than this first factor: two proofs of holding one mailbox are one. And whoever has somebody's
    /// account at a provider most often has the mailbox.
    pub const fn goes_with(self, first: AuthenticationMethod) -> bool {
        !matches!(
            (self, first),
            (
                Self::EmailCode,
                AuthenticationMethod::Email | AuthenticationMethod::Connection
            ) | (Self::SmsCode, AuthenticationMethod::Sms)
        )
    }
}

impl Zalt {
    /// The second factors of an account that can be shown: set up, and of a kind that the application allows.
    pub fn second_factors<'a>(
        &self,
        account: &'a Account,
    ) -> impl Iterator<Item = (SecondFactor, &'a Credential)> + use<'a> {
        let allowed = self.config().second_factors.methods;
        account
            .credentials
            .iter()
            .filter_map(|credential| Some((credential.second_factor()?, credential)))
            .filter(move |(kind, _)| allowed.allows(*kind))
    }

    /// Whether an account has a second factor, which a sign-in then asks for.
    ///
    /// One of a kind that is not allowed any more, or that there are no means for, can't be shown but goes on protecting the
    /// account: a setting that changes must not let somebody in by the password alone. A recovery code stands in for it, or
    /// the application takes it away. A passkey counts unless the application has it be a first factor only.
    pub fn has_second_factor(&self, account: &Account) -> bool {
        account
            .credentials
            .iter()
            .any(|credential| self.protects(credential))
    }

    /// Whether an account is asked for a second factor because of this credential.
    pub(crate) fn protects(&self, credential: &Credential) -> bool {
        match credential.second_factor() {
            Some(SecondFactor::Passkey) => self.config().second_factors.passkeys_protect,
            Some(_) => true,
            None => false,
        }
    }

    /// The kinds of second factor that an account has, the strongest first, each once.
    pub fn second_factor_kinds(&self, account: &Account) -> Vec<SecondFactor> {
        let has = |kind: &SecondFactor| self.second_factors(account).any(|(of, _)| of == *kind);
        SecondFactor::ALL.iter().copied().filter(has).collect()
    }

    /// The same of those that this session can step up by: no code of the kind that it began with.
    pub fn step_up_kinds(&self, session: &Session, account: &Account) -> Vec<SecondFactor> {
        let mut kinds = self.second_factor_kinds(account);
        kinds.retain(|kind| kind.message().is_none() || session.goes_with(*kind));
        kinds
    }

    /// Whether nobody could sign in to the account without this credential: a passkey or an account at a provider, where nothing
    /// else is set up that a sign-in may begin with. `usable` are the providers through which people can come.
    pub(crate) fn is_last_way_in(
        &self,
        account: &Account,
        credential: &Credential,
        usable: &[ProviderMark],
    ) -> bool {
        let allowed = &self.config().first_factors;
        // Where a first factor has to verify who is there, a key that never did leads nowhere.
        let any_key = self.config().passkeys.user_verification == UserVerification::Preferred;
        let is_way_in = |other: &Credential| match &other.state {
            CredentialState::Passkey(passkey) => {
                allowed.passkey && (any_key || passkey.user_verified)
            }
            CredentialState::ExternalAccount(external) => usable.contains(&external.provider),
            _ => false,
        };
        let others = account.credentials.iter();
        let by_password = allowed.password && account.password.is_some();
        let by_mail = (allowed.email_code || allowed.email_link)
            && account.primary(IdentifierKind::EmailAddress).is_some();
        let mut others = others.filter(|other| other.id != credential.id);
        is_way_in(credential) && !others.any(is_way_in) && !by_password && !by_mail
    }

    /// The proof that a change of an account by its owner asks for: as many factors as the account has.
    pub fn strongest_proof(&self, account: &Account) -> Assurance {
        if self.has_second_factor(account) {
            Assurance::TwoFactors
        } else {
            Assurance::OneFactor
        }
    }
}
