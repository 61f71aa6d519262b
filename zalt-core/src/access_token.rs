//! Access tokens: short JWTs that name a user and a session, and the keys that sign them.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use url::Url;

use crate::config::{AccessTokenConfig, AccessTokenSigning};
use crate::environment::{Clock, Rng, RngError, Timestamp};
use crate::event::{Actor, Event, EventKind};
use crate::id::{EventId, SessionId, UserId};
use crate::jwt::{
    AccessClaims, Audience, CustomClaims, Expected, JwkSet, JwtError, KeyError, KeyRing,
    SigningAlgorithm, SigningKey, TokenType, verify,
};
use crate::secret::{EncryptionKeys, SealError};
use crate::session::Session;
use crate::signing_key::SigningKeyRecord;
use crate::store::{Batch, Change, CommitError, GuardReason, Store, StoreError};

/// Issues and checks access tokens.
pub struct AccessTokens {
    issuer: String,
    audience: String,
    /// That of sessions which the policy limits.
    limited_audience: String,
    lifetime: Duration,
    /// `None` where a shared secret signs and nothing rotates.
    rotation: Option<Rotation>,
    store: Arc<dyn Store>,
    keys: EncryptionKeys,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    loaded: RwLock<Arc<Loaded>>,
    /// When the keys were last asked for because of an unknown key id, in Unix milliseconds.
    reload_tried_at: AtomicI64,
}

#[derive(Clone, Copy)]
struct Rotation {
    algorithm: SigningAlgorithm,
    period: Duration,
    publish_ahead: Duration,
}

/// The keys as this process knows them; replaced as a whole.
struct Loaded {
    /// Oldest first, each with the instant from which on it signs.
    signing: Vec<(Timestamp, Arc<SigningKey>)>,
    accepted: KeyRing,
    published: JwkSet,
    at: Timestamp,
}

/// Readers' clocks may be off by as much, so a key that no longer signs is accepted for this much longer.
const LEEWAY: Duration = Duration::from_mins(1);
/// Replicas that are replaced one by one may disagree on the algorithm for at least this long.
const SETTLING: Duration = Duration::from_mins(10);
/// An unknown key id makes this process read the keys again, but not more often than this.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// Why signing keys could not be read, made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key does not open: an encryption key is missing, or the row was changed.
    #[error("signing key {kid} can't be opened")]
    Seal {
        /// Which key.
        kid: String,
        /// Why.
        source: SealError,
    },
    /// A key can't be made or used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What was stored names an algorithm that is not known.
    #[error("signing key {kid} has an unknown algorithm")]
    Algorithm {
        /// Which key.
        kid: String,
    },
    /// Two keys have the same id.
    #[error("two signing keys have the same id")]
    DuplicateKid,
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
    /// No key signs now.
    #[error("there is no signing key")]
    NoKey,
    /// The claims can't be signed.
    #[error("the claims can't be signed")]
    Claims,
}

/// What an access token proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTokenSubject {
    /// The user.
    pub user_id: UserId,
    /// The session, which may have been ended since the token was issued.
    pub session_id: SessionId,
    /// When the token ends.
    pub expires_at: Timestamp,
}

impl AccessTokens {
    pub(crate) fn new(
        config: &AccessTokenConfig,
        base_url: &Url,
        store: Arc<dyn Store>,
        keys: EncryptionKeys,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, SigningKeyError> {
        let issuer = base_url.as_str().trim_end_matches('/').to_owned();
        let now = clock.now();
        let (rotation, loaded) = match &config.signing {
            AccessTokenSigning::Rotating(algorithm) => {
                let rotation = Rotation {
                    algorithm: *algorithm,
                    period: config.rotation,
                    publish_ahead: config.publish_ahead,
                };
                (
                    Some(rotation),
                    Loaded::of(Vec::new(), Timestamp::from_unix_millis(0))?,
                )
            }
            AccessTokenSigning::SharedSecret(secret) => {
                let key = SigningKey::from_shared_secret(secret)?;
                let always = Timestamp::from_unix_millis(0);
                (None, Loaded::of(vec![(always, Arc::new(key))], now)?)
            }
        };
        Ok(Self {
            audience: config.audience.clone().unwrap_or_else(|| issuer.clone()),
            limited_audience: format!("{issuer}#limited"),
            issuer,
            lifetime: config.lifetime,
            rotation,
            store,
            keys,
            clock,
            rng,
            loaded: RwLock::new(Arc::new(loaded)),
            reload_tried_at: AtomicI64::new(0),
        })
    }

    /// The `iss` claim of every token: the base URL without a trailing slash.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The `aud` claim of every token.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// How long a token is valid.
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The public keys to publish (RFC 7517). Empty where a shared secret signs.
    pub fn key_set(&self) -> JwkSet {
        self.loaded().published.clone()
    }

    /// Signs a token for `session`; returns it and its end.
    ///
    /// The session must not be one that the policy limits: whoever checks the token by itself could not tell.
    pub fn issue(&self, session: &Session) -> Result<(String, Timestamp), SigningKeyError> {
        self.issue_to(&self.audience, session)
    }

    /// Signs a token for a session that the policy limits. It names another audience, so that no back end that checks tokens by
    /// itself takes it for one of a session that may act.
    pub(crate) fn issue_limited(
        &self,
        session: &Session,
    ) -> Result<(String, Timestamp), SigningKeyError> {
        self.issue_to(&self.limited_audience, session)
    }

    fn issue_to(
        &self,
        audience: &str,
        session: &Session,
    ) -> Result<(String, Timestamp), SigningKeyError> {
        let now = self.clock.now();
        // A token never outlives its session.
        let expires_at = (now + self.lifetime).min(session.expires_at);
        let mut jti = [0; 16];
        self.rng.fill(&mut jti)?;
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            sub: session.user_id.to_string(),
            aud: Audience::One(audience.to_owned()),
            exp: expires_at.into(),
            iat: now.into(),
            nbf: now.into(),
            jti: base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, jti),
            sid: session.id.to_string(),
            amr: session
                .amr
                .iter()
                .map(|proof| proof.method.as_str().to_owned())
                .collect(),
            auth_time: session.authenticated_at.into(),
            custom: CustomClaims::default(),
        };
        let loaded = self.loaded();
        let key = loaded.current(now).ok_or(SigningKeyError::NoKey)?;
        let token = key
            .sign(TokenType::ACCESS, &claims)
            .map_err(|_| SigningKeyError::Claims)?;
        Ok((token, expires_at))
    }

    /// Checks a token without asking the store, unless its key is one that this process has not seen yet.
    pub async fn verify(&self, token: &str) -> Result<AccessTokenSubject, JwtError> {
        self.verify_for(&self.audience, token).await
    }

    /// The same for a token of a session that the policy limits, too.
    pub(crate) async fn verify_even_limited(
        &self,
        token: &str,
    ) -> Result<AccessTokenSubject, JwtError> {
        match self.verify(token).await {
            Err(JwtError::WrongAudience) => self.verify_for(&self.limited_audience, token).await,
            result => result,
        }
    }

    async fn verify_for(
        &self,
        audience: &str,
        token: &str,
    ) -> Result<AccessTokenSubject, JwtError> {
        match self.check(audience, token) {
            Err(JwtError::UnknownKid) if self.claims_reload() => {
                if let Err(error) = self.load().await {
                    tracing::warn!(%error, "signing keys could not be read again");
                }
                self.check(audience, token)
            }
            result => result,
        }
    }

    /// Checks a token with the keys that this process has.
    pub fn verify_with_known_keys(&self, token: &str) -> Result<AccessTokenSubject, JwtError> {
        self.check(&self.audience, token)
    }

    fn check(&self, audience: &str, token: &str) -> Result<AccessTokenSubject, JwtError> {
        #[derive(serde::Deserialize)]
        struct Subject {
            sub: UserId,
            sid: SessionId,
            exp: crate::jwt::NumericDate,
        }
        let now = self.clock.now();
        let expected = Expected::access_token(&self.issuer, audience, now);
        let loaded = self.loaded();
        let subject: Subject = verify(token, &loaded.accepted, &expected)?;
        Ok(AccessTokenSubject {
            user_id: subject.sub,
            session_id: subject.sid,
            expires_at: subject.exp.timestamp(),
        })
    }

    /// Reads the keys and makes the next one if it is time. Several replicas may do so at once: one makes the key.
    pub(crate) async fn rotate_if_due(&self) -> Result<(), SigningKeyError> {
        let Some(rotation) = self.rotation else {
            return Ok(());
        };
        let records = self.store.signing_keys().await?;
        let now = self.clock.now();
        if let Some(signs_from) = rotation.next_signs_from(&records, now) {
            let (key, private_key) = SigningKey::generate(rotation.algorithm, &*self.rng)?;
            let kid = key.kid().to_owned();
            let private_key = self
                .keys
                .seal(&sealed_row(&kid), private_key.as_bytes(), &*self.rng)
                .map_err(|source| SigningKeyError::Seal {
                    kid: kid.clone(),
                    source,
                })?;
            let record = SigningKeyRecord {
                kid: kid.clone(),
                alg: algorithm_name(rotation.algorithm).to_owned(),
                private_key,
                created_at: now,
                signs_from,
                // It signs until its successor does, which is late by as long as no worker runs.
                expires_at: signs_from + rotation.period * 2 + self.lifetime + LEEWAY,
            };
            let event = Event {
                id: EventId::mint(now, &*self.rng)?,
                occurred_at: now,
                user_id: None,
                actor: Actor::Application,
                ip: None,
                user_agent: None,
                request_id: None,
                kind: EventKind::SigningKeyCreated { kid },
            };
            let newest = records.last().map(|record| record.kid.clone());
            let batch = Batch::new()
                .change(Change::InsertSigningKey {
                    key: record,
                    newest,
                })
                .event(event);
            match self.store.commit(batch).await {
                Ok(()) => {}
                Err(CommitError::Guard(failure)) if failure.reason == GuardReason::NotNewestKey => {
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(CommitError::Guard(_)) => return Err(SigningKeyError::DuplicateKid),
            }
        }
        self.load().await
    }

    async fn load(&self) -> Result<(), SigningKeyError> {
        let records = self.store.signing_keys().await?;
        let now = self.clock.now();
        let mut keys = Vec::with_capacity(records.len());
        for (position, record) in records.iter().enumerate() {
            // A key whose successor has signed for as long as a token lives has no valid token left.
            let superseded = records
                .get(position + 1)
                .is_some_and(|next| next.signs_from + self.lifetime + LEEWAY <= now);
            if !superseded && now < record.expires_at {
                keys.push((record.signs_from, Arc::new(self.open(record)?)));
            }
        }
        let loaded = Loaded::of(keys, now)?;
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
        Ok(())
    }

    fn open(&self, record: &SigningKeyRecord) -> Result<SigningKey, SigningKeyError> {
        let kid = || record.kid.clone();
        let algorithm = algorithm_by_name(&record.alg)
            .ok_or_else(|| SigningKeyError::Algorithm { kid: kid() })?;
        let private_key = self
            .keys
            .open(&sealed_row(&record.kid), &record.private_key)
            .map_err(|source| SigningKeyError::Seal { kid: kid(), source })?;
        Ok(SigningKey::from_private_key(algorithm, &private_key)?)
    }

    /// Whether the caller is to read the keys again. However many tokens of unknown keys come at once, and whether or not
    /// the store answers, one in each interval is.
    fn claims_reload(&self) -> bool {
        let now = self.clock.now();
        let due = |tried_at| now.since(Timestamp::from_unix_millis(tried_at)) >= RELOAD_INTERVAL;
        self.rotation.is_some()
            && now.since(self.loaded().at) >= RELOAD_INTERVAL
            && self
                .reload_tried_at
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tried_at| {
                    due(tried_at).then_some(now.unix_millis())
                })
                .is_ok()
    }

    fn loaded(&self) -> Arc<Loaded> {
        self.loaded
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Loaded {
    fn of(
        signing: Vec<(Timestamp, Arc<SigningKey>)>,
        at: Timestamp,
    ) -> Result<Self, SigningKeyError> {
        let mut accepted = KeyRing::new();
        for (_, key) in &signing {
            accepted
                .insert(key.kid(), key.verifying_key())
                .map_err(|_| SigningKeyError::DuplicateKid)?;
        }
        let published = JwkSet::of(signing.iter().map(|(_, key)| &**key))
            .map_err(|_| SigningKeyError::DuplicateKid)?;
        Ok(Self {
            signing,
            accepted,
            published,
            at,
        })
    }

    /// The newest key whose time to sign has come. Where the clock was set back there may be none; then the first one
    /// signs, which is published like the others.
    fn current(&self, now: Timestamp) -> Option<&SigningKey> {
        self.signing
            .iter()
            .rev()
            .find(|(from, _)| *from <= now)
            .or_else(|| self.signing.first())
            .map(|(_, key)| &**key)
    }
}

impl Rotation {
    /// From when on a key that is made now would sign; `None` if none is due.
    fn next_signs_from(&self, records: &[SigningKeyRecord], now: Timestamp) -> Option<Timestamp> {
        let Some(newest) = records.last().filter(|newest| now < newest.expires_at) else {
            return Some(now);
        };
        let is_ours =
            |record: &SigningKeyRecord| algorithm_by_name(&record.alg) == Some(self.algorithm);
        // While replicas of an old and a new configuration run side by side, each finds the newest key to be of the other's
        // algorithm: a key that was made for ours lately is enough.
        let settling = self.publish_ahead.max(SETTLING);
        let made_lately = |record: &SigningKeyRecord| now < record.created_at + settling;
        let other_algorithm = !is_ours(newest)
            && !records
                .iter()
                .any(|record| is_ours(record) && made_lately(record));
        let due = newest.signs_from + self.period <= now + self.publish_ahead;
        (other_algorithm || due).then_some(now + self.publish_ahead)
    }
}

/// The row that a private key is sealed for.
fn sealed_row(kid: &str) -> Vec<u8> {
    format!("signing_key_{kid}").into_bytes()
}

const fn algorithm_name(algorithm: SigningAlgorithm) -> &'static str {
    match algorithm {
        SigningAlgorithm::EdDsa => "EdDSA",
        SigningAlgorithm::Es256 => "ES256",
        SigningAlgorithm::Hs256 => "HS256",
    }
}

fn algorithm_by_name(name: &str) -> Option<SigningAlgorithm> {
    [SigningAlgorithm::EdDsa, SigningAlgorithm::Es256]
        .into_iter()
        .find(|known| algorithm_name(*known) == name)
}
