//! Somebody came back from a provider that says who they are.

use super::callback::ConnectionProgress;
use crate::attempt::model::{Attempt, AttemptState};
use crate::attempt::step::{self, RACES};
use crate::connection::{
    ConnectionFailure, ConnectionKey, Connections, ExternalAccount, PendingAccount,
    ProviderIdentity, ProviderTokens, Usable, ViaConnection,
};
use crate::credential::{Credential, CredentialState};
use crate::error::Error;
use crate::id::{AttemptId, CredentialId};
use crate::request::RequestContext;
use crate::secret::AttemptToken;
use crate::session::Transport;
use crate::store::{Batch, Change, CommitError, GuardReason};
use crate::user::{ImageUrl, Name, Profile};

/// Who came, and through what.
pub(super) struct Arrived {
    pub(super) account: ExternalAccount,
    pub(super) tokens: Option<ProviderTokens>,
    pub(super) profile: Profile,
    /// What people call the provider.
    pub(super) provider: String,
    pub(super) via: ViaConnection,
}

/// What the way through a provider began with.
pub(super) enum Origin {
    /// An attempt, which goes on.
    Attempt(Box<Attempt>),
    /// Nothing but an ID token, which this change uses up.
    IdToken(Box<Change>),
}

/// An attempt that goes on as something else, before that is written.
pub(super) struct Moved {
    pub(super) attempt: Attempt,
    token: Option<AttemptToken>,
    /// What is used up in its place, if there was no attempt before.
    used: Option<Change>,
}

impl Moved {
    /// The changes that write it.
    pub(super) fn batch(&self) -> Batch {
        let attempt = self.attempt.clone();
        match self.used.clone() {
            None => Batch::new().change(Change::UpdateAttempt(attempt)),
            Some(used) => Batch::new()
                .change(used)
                .change(Change::InsertAttempt(attempt)),
        }
    }

    /// The attempt once it is written, with its token if that is new.
    pub(super) fn written(self) -> (Attempt, Option<AttemptToken>) {
        match self.used {
            None => (step::written(self.attempt), self.token),
            Some(_) => (self.attempt, self.token),
        }
    }
}

/// Longer ones would be no ids of anything.
const MAX_PART: usize = 255;
/// What the issuer of a provider without one begins with. The connection's key follows, and then, after a colon, whatever
/// tells providers apart that the connection has had.
const OWN_ISSUER: &str = "connection:";

impl Arrived {
    /// What a provider said. `None` if that names nobody.
    pub(super) fn new(
        usable: &Usable,
        mut identity: ProviderIdentity,
        tokens: Option<ProviderTokens>,
        via: ViaConnection,
    ) -> Option<Self> {
        if let Some(own) = identity.issuer.strip_prefix(OWN_ISSUER) {
            let key = own.split_once(':').map_or(own, |(key, _)| key);
            if key != via.key.as_str() {
                return None;
            }
            // Whoever had a number at the provider of a connection that is gone is not who has it at the next one of its key.
            if let Some(id) = usable.id {
                identity.issuer = format!("{}#{id}", identity.issuer);
            }
        }
        let fits = |part: &str| (1..=MAX_PART).contains(&part.len());
        if !fits(&identity.issuer) || !fits(&identity.subject) {
            return None;
        }
        let name = |text: &Option<String>| text.as_deref().and_then(|text| Name::parse(text).ok());
        let picture = identity.picture.as_ref();
        let profile = Profile {
            first_name: name(&identity.given_name),
            last_name: name(&identity.family_name),
            image_url: picture.and_then(|url| ImageUrl::parse(url.as_str()).ok()),
        };
        Some(Self {
            account: ExternalAccount::new(via.key.clone(), usable.mark(), identity),
            tokens,
            profile,
            provider: usable.traits.display_name.clone(),
            via,
        })
    }

    /// The account there, to become somebody's.
    pub(super) fn pending(&self, connections: &Connections<'_>) -> Result<PendingAccount, Error> {
        let zalt = connections.zalt;
        let id = CredentialId::mint(zalt.now(), zalt.rng())?;
        let mut account = self.account.clone();
        if let Some(tokens) = &self.tokens {
            account.put_tokens(zalt, id, tokens.clone())?;
        }
        Ok(PendingAccount { id, account })
    }

    /// The account there, which is somebody's, as the provider knows it now.
    pub(super) fn refreshed(
        &self,
        connections: &Connections<'_>,
        credential: &Credential,
        known: &ExternalAccount,
    ) -> Result<Credential, Error> {
        let zalt = connections.zalt;
        let mut account = ExternalAccount {
            tokens: known.tokens.clone(),
            tokens_expire_at: known.tokens_expire_at,
            refreshing_until: known.refreshing_until,
            ..self.account.clone()
        };
        if let Some(tokens) = &self.tokens {
            if known.connection != account.connection || known.provider != account.provider {
                // A refresh token is worth something to the client that it was given to, and to nobody else.
                account.tokens = None;
            }
            account.put_tokens(zalt, credential.id, tokens.clone())?;
        } else {
            // The tokens are from the connection that they came through.
            account.connection = known.connection.clone();
            account.provider = known.provider.clone();
        }
        Ok(Credential {
            state: CredentialState::ExternalAccount(account),
            last_used_at: Some(zalt.now()),
            ..credential.clone()
        })
    }
}

impl Connections<'_> {
    /// Leads somebody on who came back: by the account there and by nothing else, if it is known.
    pub(super) async fn arrive(
        &self,
        request: &RequestContext,
        arrived: &Arrived,
        origin: &Origin,
        transport: Transport,
    ) -> Result<ConnectionProgress, Error> {
        let handle = arrived.account.handle();
        for _ in 0..RACES {
            let known = self.zalt.store().account_by_credential(handle).await?;
            let progress = match known {
                Some(account) => {
                    self.known(request, arrived, origin, (account, transport))
                        .await?
                }
                None => self.unknown(request, arrived, origin, transport).await?,
            };
            // Otherwise something of it was written meanwhile.
            if let Some(progress) = progress {
                return Ok(progress);
            }
        }
        Err(Error::Conflict)
    }

    /// The attempt as it goes on as something else.
    pub(super) fn moved(&self, origin: &Origin, state: AttemptState) -> Result<Moved, Error> {
        let zalt = self.zalt;
        match origin {
            Origin::Attempt(attempt) => {
                let moved = Attempt {
                    state,
                    expires_at: zalt.now() + zalt.config().attempts.lifetime,
                    ..(**attempt).clone()
                };
                Ok(Moved {
                    attempt: moved,
                    token: None,
                    used: None,
                })
            }
            Origin::IdToken(used) => {
                let id = AttemptId::mint(zalt.now(), zalt.rng())?;
                let (attempt, token) = step::begin(zalt, id, state)?;
                Ok(Moved {
                    attempt,
                    token: Some(token),
                    used: Some((**used).clone()),
                })
            }
        }
    }

    /// Commits what `origin` is used up by. `false` if something else of it was written meanwhile.
    pub(super) async fn settle(
        &self,
        request: &RequestContext,
        key: &ConnectionKey,
        batch: Batch,
    ) -> Result<bool, Error> {
        let Err(error) = self.zalt.commit(batch).await else {
            return Ok(true);
        };
        match error {
            CommitError::Guard(failure) if failure.change == 0 => {
                let reason = ConnectionFailure::Replayed;
                Err(self.failed(request, None, key, reason).await)
            }
            CommitError::Guard(failure)
                if matches!(
                    failure.reason,
                    GuardReason::VersionMismatch
                        | GuardReason::NotFound
                        | GuardReason::CredentialTaken
                        | GuardReason::IdentifierTaken
                ) =>
            {
                Ok(false)
            }
            error => Err(error.into()),
        }
    }
}
