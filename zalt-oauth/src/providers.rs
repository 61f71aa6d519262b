use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use url::Url;
use zalt_core::connection::{
    AuthorizationRequest, ConnectionSettings, IdTokenProblem, ProviderError, ProviderProtocol,
    ProviderTokens, ProviderTraits, Redeemed, Redemption, SettingsProblem, VerifiedIdToken,
};
use zalt_core::secret::SecretText;
use zalt_core::{Clock, Timestamp};
use zalt_outbound::{GuardedClient, OutboundConfig, SetupError};

use crate::apple;
use crate::cache::{Cache, Fetched};
use crate::call::{Caller, max_age};
use crate::endpoint::Endpoint;
use crate::id_token::{Check, IdToken, Nonce, TENANT};
use crate::identity::{self, Asked};
use crate::keys::{KeySource, Keys};
use crate::metadata::{Metadata, address_of};
use crate::place::Kind;
use crate::preset::Quirk;
use crate::provider::Provider;
use crate::token_answer::TokenAnswer;
use crate::transport::Transport;

/// Speaks OAuth 2 and OpenID Connect with every provider that settings name.
///
/// It keeps what providers publish (metadata and keys) in memory: for as long as they say, within five minutes and twelve
/// hours, and for up to a day while they can't be reached. Of N callers that need the same, one fetches it. A key that is not
/// known makes it ask again, at most once a minute.
pub struct OAuthProviders {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    metadata: Cache<Metadata>,
    keys: Cache<Keys>,
    this_machine: bool,
}

impl OAuthProviders {
    /// Reaches providers by a [`GuardedClient`] of this configuration. The clock says how old is what is kept.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(clock: Arc<dyn Clock>, config: &OutboundConfig) -> Result<Self, SetupError> {
        Ok(Self::with_transport(
            clock,
            Arc::new(GuardedClient::new(config)?),
        ))
    }

    /// Reaches providers by a client of the host's own, which then has to guard the host's networks.
    pub fn with_transport(clock: Arc<dyn Clock>, transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            metadata: Cache::new(Arc::clone(&clock)),
            keys: Cache::new(Arc::clone(&clock)),
            clock,
            this_machine: false,
        }
    }

    /// Lets connections have providers on this machine, over `http` too: for development and tests. Without it such settings
    /// are refused. Only a connection whose own settings name this machine gets here.
    #[must_use]
    pub const fn allowing_this_machine(mut self) -> Self {
        self.this_machine = true;
        self
    }

    fn provider<'a>(
        &self,
        settings: &'a ConnectionSettings,
    ) -> Result<Provider<'a>, SettingsProblem> {
        Provider::of(settings, self.this_machine)
    }

    fn caller(&self, provider: &Provider<'_>) -> Caller<'_> {
        Caller {
            transport: &*self.transport,
            reach: provider.reach,
        }
    }

    async fn metadata(&self, provider: &Provider<'_>) -> Result<Arc<Metadata>, ProviderError> {
        let (issuer, named) = match &provider.kind {
            Kind::Known(metadata) => return Ok(Arc::new((**metadata).clone())),
            Kind::Discovered { issuer, named } => (issuer, named),
        };
        let url = address_of(issuer)?;
        let caller = self.caller(provider);
        let fetch = async {
            let answer = caller.document(&url).await?;
            Ok(Fetched {
                value: Metadata::parse(answer.body(), named, caller.reach)?,
                max_age: max_age(answer.headers()),
            })
        };
        self.metadata.get(url.as_str(), fetch).await
    }

    fn endpoint<'a>(
        &'a self,
        provider: &'a Provider<'a>,
        metadata: &'a Metadata,
        now: Timestamp,
    ) -> Result<Endpoint<'a>, ProviderError> {
        Ok(Endpoint {
            provider,
            metadata,
            caller: self.caller(provider),
            client_secret: client_secret(provider, now)?,
        })
    }

    async fn check_id_token(
        &self,
        provider: &Provider<'_>,
        metadata: &Metadata,
        token: &str,
        check: Claimed<'_>,
    ) -> Result<IdToken, ProviderError> {
        let check = Check {
            issuer: &metadata.issuer,
            clients: check.clients,
            algorithms: &provider.algorithms(metadata),
            nonce: check.nonce,
            access_token: check.access_token,
            organizations_only: provider.takes_organizations_only(),
            max_age: check.max_age,
            now: check.now,
        };
        let source = KeySource {
            cache: &self.keys,
            caller: self.caller(provider),
            metadata,
        };
        check.verify(token, source).await
    }

    async fn identify(
        &self,
        provider: &Provider<'_>,
        metadata: &Metadata,
        answer: &TokenAnswer,
        redemption: &Redemption<'_>,
    ) -> Result<Redeemed, ProviderError> {
        let caller = self.caller(provider);
        let id_token = match &provider.kind {
            Kind::Known(_) => None,
            Kind::Discovered { .. } => {
                let token = answer.id_token().ok_or(ProviderError::BadAnswer {
                    what: "no ID token beside the access token",
                })?;
                let nonce = if provider.sends_nonce() {
                    Nonce::Exactly(Some(redemption.nonce))
                } else {
                    Nonce::NotSent
                };
                let claimed = Claimed {
                    clients: &[provider.settings.client_id.as_str()],
                    nonce,
                    access_token: Some(answer.bearer()),
                    max_age: None,
                    now: redemption.now,
                };
                Some(
                    self.check_id_token(provider, metadata, token, claimed)
                        .await?,
                )
            }
        };
        let asked = Asked {
            provider,
            metadata,
            caller,
            answer,
            nonce: redemption.nonce,
        };
        let mut identity = asked.identity(id_token.as_ref()).await?;
        if let Some(user) = redemption.user_json
            && provider.preset.has(Quirk::NameInForm)
        {
            apple::take_name(&mut identity, user);
        }
        Ok(Redeemed {
            identity,
            tokens: answer.tokens(redemption.now, None),
        })
    }
}

/// How long ago an ID token may have been issued that an app hands in.
const MAX_NATIVE_AGE: Duration = Duration::from_mins(10);

/// What an ID token is held against, apart from what the provider publishes.
struct Claimed<'a> {
    clients: &'a [&'a str],
    nonce: Nonce<'a>,
    access_token: Option<&'a str>,
    max_age: Option<Duration>,
    now: Timestamp,
}

#[async_trait]
impl ProviderProtocol for OAuthProviders {
    fn check(&self, settings: &ConnectionSettings) -> Result<ProviderTraits, SettingsProblem> {
        Ok(self.provider(settings)?.traits())
    }

    async fn authorization_url(
        &self,
        settings: &ConnectionSettings,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, ProviderError> {
        let provider = self.provider(settings)?;
        let metadata = self.metadata(&provider).await?;
        let endpoint = self.endpoint(&provider, &metadata, self.clock.now())?;
        Ok(endpoint.authorization_url(request))
    }

    async fn redeem(
        &self,
        settings: &ConnectionSettings,
        redemption: &Redemption<'_>,
    ) -> Result<Redeemed, ProviderError> {
        let provider = self.provider(settings)?;
        let metadata = self.metadata(&provider).await?;
        // Before the code goes anywhere: a code of another provider must not be handed to this one.
        check_sender(&provider, &metadata, redemption.iss)?;
        let endpoint = self.endpoint(&provider, &metadata, redemption.now)?;
        let answer = endpoint.redeem(redemption).await?;
        self.identify(&provider, &metadata, &answer, redemption)
            .await
    }

    async fn verify_id_token(
        &self,
        settings: &ConnectionSettings,
        id_token: &str,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<VerifiedIdToken, ProviderError> {
        let provider = self.provider(settings)?;
        if !provider.takes_native_id_tokens() {
            return Err(ProviderError::IdTokenInvalid(IdTokenProblem::Issuer));
        }
        let metadata = self.metadata(&provider).await?;
        let claimed = Claimed {
            clients: &provider.native_client_ids(),
            nonce: Nonce::Exactly(nonce),
            access_token: None,
            max_age: Some(MAX_NATIVE_AGE),
            now,
        };
        let token = self
            .check_id_token(&provider, &metadata, id_token, claimed)
            .await?;
        Ok(VerifiedIdToken {
            identity: identity::of_id_token(&provider, &token)?,
            expires_at: token.expires_at,
        })
    }

    async fn refresh(
        &self,
        settings: &ConnectionSettings,
        refresh_token: &SecretText,
        now: Timestamp,
    ) -> Result<ProviderTokens, ProviderError> {
        let provider = self.provider(settings)?;
        let metadata = self.metadata(&provider).await?;
        let endpoint = self.endpoint(&provider, &metadata, now)?;
        let answer = endpoint.refresh(refresh_token).await?;
        Ok(answer.tokens(now, Some(refresh_token)))
    }

    async fn revoke(
        &self,
        settings: &ConnectionSettings,
        tokens: &ProviderTokens,
    ) -> Result<bool, ProviderError> {
        let provider = self.provider(settings)?;
        let metadata = self.metadata(&provider).await?;
        let endpoint = self.endpoint(&provider, &metadata, self.clock.now())?;
        endpoint.revoke(tokens).await
    }
}

/// What proves who is speaking.
fn client_secret(
    provider: &Provider<'_>,
    now: Timestamp,
) -> Result<Option<SecretText>, ProviderError> {
    if provider.preset.has(Quirk::SignedClientSecret) {
        return apple::client_secret(provider.settings, now).map(Some);
    }
    Ok(provider.settings.client_secret.clone())
}

/// RFC 9207: the answer is from the provider that was asked. Each connection has a redirect URI of its own beside that, which
/// is what tells providers apart that send no `iss`.
fn check_sender(
    provider: &Provider<'_>,
    metadata: &Metadata,
    iss: Option<&str>,
) -> Result<(), ProviderError> {
    let expected = match &provider.kind {
        // Of an issuer for each tenant it is not known yet which one answers.
        Kind::Discovered { .. } if metadata.issuer.contains(TENANT) => None,
        Kind::Discovered { .. } => Some(metadata.issuer.as_str()),
        Kind::Known(_) => provider.settings.issuer.as_ref().map(Url::as_str),
    };
    match (iss, expected) {
        (Some(iss), Some(expected)) if iss != expected => Err(ProviderError::IssuerMismatch),
        (None, _) if metadata.sends_iss => Err(ProviderError::IssuerMismatch),
        _ => Ok(()),
    }
}

impl fmt::Debug for OAuthProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthProviders")
            .field("transport", &self.transport)
            .field("this_machine", &self.this_machine)
            .finish_non_exhaustive()
    }
}
