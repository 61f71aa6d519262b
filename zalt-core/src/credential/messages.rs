//! Codes by mail and by text message as a second factor.

use serde::{Deserialize, Serialize};

use super::enrollment::{Credentials, NewRecoveryCodes};
use super::{Credential, CredentialState};
use crate::attempt::ChallengeStrategy;
use crate::config::SecondFactor;
use crate::error::Error;
use crate::id::{CredentialId, IdentifierId};
use crate::identifier::{Identifier, IdentifierKind, IdentifierValue};
use crate::request::RequestContext;
use crate::session::Authenticated;
use crate::store::Change;
use crate::user::Account;

/// That codes may be sent to a verified identifier as a second factor. It goes with the identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// The identifier.
    pub identifier_id: IdentifierId,
    /// What it is.
    pub identifier_kind: IdentifierKind,
}

impl SecondFactor {
    /// How the code of this kind is sent; `None` for kinds without a message.
    pub const fn message(self) -> Option<ChallengeStrategy> {
        match self {
            Self::SmsCode => Some(ChallengeStrategy::SmsCode),
            Self::EmailCode => Some(ChallengeStrategy::EmailCode),
            Self::Totp | Self::Passkey => None,
        }
    }

    /// The kind whose codes are sent to identifiers of this kind.
    pub const fn to(kind: IdentifierKind) -> Option<Self> {
        match kind {
            IdentifierKind::EmailAddress => Some(Self::EmailCode),
            IdentifierKind::PhoneNumber => Some(Self::SmsCode),
            IdentifierKind::Username => None,
        }
    }
}

impl Credentials<'_> {
    /// Has codes sent to a verified address or number asked for as a second factor. With the first second factor come recovery
    /// codes. An identifier that serves already goes on as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::IdentifierNotVerified`], [`Error::FactorNotAllowed`],
    /// [`Error::PhoneNumberNotAllowed`], [`Error::TooManyCredentials`], [`Error::ReauthenticationRequired`].
    pub async fn add_messages(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        identifier_id: IdentifierId,
    ) -> Result<(Credential, Option<NewRecoveryCodes>), Error> {
        let zalt = self.zalt;
        let account = zalt.users().strong_account(authenticated).await?;
        let identifier = account
            .identifiers
            .iter()
            .find(|identifier| identifier.id == identifier_id)
            .ok_or(Error::NotFound)?;
        let identifier_kind = identifier.value.kind();
        let factor = SecondFactor::to(identifier_kind).ok_or(Error::NotFound)?;
        zalt.config().second_factors.methods.require(factor)?;
        if identifier.verified_at.is_none() {
            return Err(Error::IdentifierNotVerified);
        }
        if let IdentifierValue::PhoneNumber(number) = &identifier.value {
            zalt.text_message_region(number)?;
        }
        if let Some(credential) = account.messages_to(identifier_id) {
            return Ok((credential.clone(), None));
        }
        account.require_room(0)?;
        let now = zalt.now();
        let credential = Credential {
            id: CredentialId::mint(now, zalt.rng())?,
            user_id: account.user.id,
            handle: None,
            name: None,
            state: CredentialState::Messages(Messages {
                identifier_id,
                identifier_kind,
            }),
            created_at: now,
            last_used_at: None,
            version: 0,
        };
        let batch = zalt
            .users()
            .owners_batch(request, authenticated, &account)
            .change(Change::InsertCredential(credential.clone()));
        let keep = Some(authenticated.session().id);
        let (batch, codes) = self.with_factor(request, &account, &credential, keep, batch)?;
        zalt.commit(batch).await?;
        Ok((credential, codes))
    }
}

impl Account {
    /// What lets codes to this identifier count as a second factor, if anything does.
    pub fn messages_to(&self, id: IdentifierId) -> Option<&Credential> {
        self.credentials.iter().find(|credential| {
            matches!(credential.state, CredentialState::Messages(Messages { identifier_id, .. })
                if identifier_id == id)
        })
    }

    /// Where the code of a second factor goes: the primary one of the identifiers that serve, or else the oldest.
    pub fn message_recipient(&self, factor: SecondFactor) -> Option<&Identifier> {
        let serves = |identifier: &&Identifier| {
            identifier.verified_at.is_some()
                && SecondFactor::to(identifier.value.kind()) == Some(factor)
                && self.messages_to(identifier.id).is_some()
        };
        let serving = || self.identifiers.iter().filter(serves);
        serving()
            .find(|identifier| identifier.primary)
            .or_else(|| serving().next())
    }
}
