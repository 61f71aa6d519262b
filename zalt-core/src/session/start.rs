use super::model::{Authentication, AuthenticationMethod, RefreshState, Session, Transport};
use crate::Zalt;
use crate::environment::Timestamp;
use crate::error::Error;
use crate::id::SessionId;
use crate::request::RequestContext;
use crate::secret::{DeviceToken, RefreshToken, SessionToken};
use crate::user::User;
use zeroize::Zeroizing;

/// Somebody is signed in: the session, its user, and what their device keeps.
#[derive(Debug)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// Who is signed in.
    pub user: User,
    /// What the device keeps; nobody else ever sees it.
    pub credentials: SessionCredentials,
    /// What the device keeps beyond the session, so that it is known again, if it is to keep another one than it has.
    pub device: Option<DeviceToken>,
}

/// What a device holds a session with.
#[derive(Clone)]
pub enum SessionCredentials {
    /// An opaque token for a cookie.
    Cookie(SessionToken),
    /// A short access token and the refresh token that yields the next.
    Bearer {
        /// The JWT.
        access_token: Zeroizing<String>,
        /// When the access token ends.
        access_token_expires_at: Timestamp,
        /// The refresh token.
        refresh_token: RefreshToken,
    },
}

impl std::fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cookie(_) => "Cookie(..)",
            Self::Bearer { .. } => "Bearer(..)",
        })
    }
}

/// A session that is ready to be inserted, with the secret that its device will get.
pub(crate) struct NewSession {
    pub(crate) session: Session,
    token: Option<SessionToken>,
    pub(crate) device: Option<DeviceToken>,
}

impl NewSession {
    /// A session of `user` as it was read when the factors were checked.
    pub(crate) fn mint(
        zalt: &Zalt,
        request: &RequestContext,
        user: &User,
        transport: Transport,
        amr: Vec<AuthenticationMethod>,
    ) -> Result<Self, Error> {
        // The one place that every session comes from: no way of signing in can forget to ask.
        user.require_usable()?;
        let now = zalt.now();
        let config = &zalt.config().sessions;
        let id = SessionId::mint(now, zalt.rng())?;
        let (token, refresh) = match transport {
            Transport::Cookie => (Some(SessionToken::mint(id, zalt.rng())?), None),
            Transport::Bearer => {
                let mut seed = [0; 32];
                zalt.rng().fill(&mut seed)?;
                (
                    None,
                    Some(RefreshState {
                        seed,
                        generation: 0,
                        rotated_at: now,
                    }),
                )
            }
        };
        let expires_at = now + config.lifetime;
        let session = Session {
            id,
            user_id: user.id,
            epoch: user.session_epoch,
            transport,
            token: token.as_ref().map(SessionToken::digest),
            refresh,
            amr: amr
                .into_iter()
                .map(|method| Authentication { method, at: now })
                .collect(),
            authenticated_at: now,
            last_seen_at: now,
            idle_expires_at: (now + config.idle_timeout).min(expires_at),
            expires_at,
            ip: request.ip(),
            user_agent: request.user_agent().map(str::to_owned),
            created_at: now,
            revoked: None,
        };
        Ok(Self {
            session,
            token,
            device: None,
        })
    }

    /// What the device gets, once the session is committed.
    pub(crate) fn signed_in(self, zalt: &Zalt, mut user: User) -> Result<SignedIn, Error> {
        user.last_sign_in_at = Some(self.session.created_at);
        let credentials = match (self.token, &self.session.refresh) {
            (Some(token), _) => SessionCredentials::Cookie(token),
            (None, Some(refresh)) => {
                let session = (&self.session, &user);
                bearer(zalt, session, refresh.seed, refresh.generation)?
            }
            (None, None) => return Err(Error::Internal("a session is held by nothing")),
        };
        Ok(SignedIn {
            session: self.session,
            user,
            credentials,
            device: self.device,
        })
    }
}

/// An access token for a session of this user, and its refresh token of `generation`.
pub(super) fn bearer(
    zalt: &Zalt,
    (session, user): (&Session, &User),
    seed: [u8; 32],
    generation: u32,
) -> Result<SessionCredentials, Error> {
    let (access_token, access_token_expires_at) =
        zalt.issue_access_token(session, user).map_err(|error| {
            tracing::error!(%error, "an access token could not be issued");
            Error::Internal("an access token could not be issued")
        })?;
    Ok(SessionCredentials::Bearer {
        access_token: Zeroizing::new(access_token),
        access_token_expires_at,
        refresh_token: RefreshToken::derive(zalt.encryption_keys(), session.id, &seed, generation),
    })
}
