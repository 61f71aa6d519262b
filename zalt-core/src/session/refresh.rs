use super::model::{RefreshState, RevokeReason, Session};
use super::service::Sessions;
use super::start::{SignedIn, bearer};
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::request::RequestContext;
use crate::secret::RefreshToken;
use crate::store::{Batch, Change, CommitError, GuardReason};
use crate::user::User;

/// What a presented refresh token means for its session.
enum Presented {
    /// It is the current one: rotate.
    Current,
    /// It was replaced a moment ago and its successor is unused: a lost reply or a second tab, which gets the same successor.
    JustReplaced,
    /// It was replaced before: somebody else has it too.
    Replayed,
    /// It is ahead of the session, as after restoring an old backup.
    Unknown,
}

impl Sessions<'_> {
    /// Exchanges a refresh token for its successor and a fresh access token.
    ///
    /// However many requests present one token at once, they all get the same successor. A token that was replaced
    /// longer ago than the grace, or whose successor was used, ends the session: either its owner or a thief is one step
    /// behind, and nobody can tell which.
    ///
    /// # Errors
    /// [`Error::RefreshTokenInvalid`] if the token is none of ours or was replayed, [`Error::SessionOver`] if its
    /// session has ended.
    pub async fn refresh(&self, request: &RequestContext, token: &str) -> Result<SignedIn, Error> {
        let token = RefreshToken::parse(token).map_err(|_| Error::RefreshTokenInvalid)?;
        let mut cached = true;
        // Losing the race to rotate once leads to the grace; losing it again means that the successor was used.
        for _ in 0..4 {
            let found = if cached {
                self.find(token.session()).await?
            } else {
                self.read(token.session()).await?
            };
            let (session, user) = found.ok_or(Error::RefreshTokenInvalid)?;
            let state = session.refresh.ok_or(Error::RefreshTokenInvalid)?;
            if !token.is_genuine(self.zalt.encryption_keys(), &state.seed) {
                return Err(Error::RefreshTokenInvalid);
            }
            if !session.is_live(self.zalt.now()) || !user.is_usable() {
                return Err(Error::SessionOver);
            }
            let presented = self.judge(&state, token.generation());
            if cached && !matches!(presented, Presented::Current) {
                // Without a guard to say so, a cache that is behind another replica would take a spent token for the one
                // before the current, go on with a session that is over, and not know the newest token.
                cached = false;
                continue;
            }
            match presented {
                Presented::Current => {
                    match self.rotate(request, &session, token.generation()).await {
                        Ok(()) => {
                            return self.refreshed(
                                session,
                                user,
                                &state,
                                token.generation().saturating_add(1),
                            );
                        }
                        Err(CommitError::Guard(failure))
                            if failure.reason == GuardReason::RefreshNotCurrent =>
                        {
                            cached = false;
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Presented::JustReplaced => {
                    return self.refreshed(session, user, &state, state.generation);
                }
                Presented::Replayed => {
                    self.end_family(request, &session, token.generation(), state.generation)
                        .await?;
                    return Err(Error::RefreshTokenInvalid);
                }
                Presented::Unknown => return Err(Error::RefreshTokenInvalid),
            }
        }
        Err(Error::Conflict)
    }

    fn judge(&self, state: &RefreshState, presented: u32) -> Presented {
        let behind = state.generation.checked_sub(presented);
        let grace = self.zalt.config().sessions.refresh_grace;
        match behind {
            None => Presented::Unknown,
            Some(0) => Presented::Current,
            Some(1) if self.zalt.now().since(state.rotated_at) <= grace => Presented::JustReplaced,
            Some(_) => Presented::Replayed,
        }
    }

    async fn rotate(
        &self,
        request: &RequestContext,
        session: &Session,
        presented: u32,
    ) -> Result<(), CommitError> {
        let at = self.zalt.now();
        let change = Change::RotateRefresh {
            id: session.id,
            presented,
            at,
            // Refreshing keeps a session from idling out and never moves its absolute end (ASVS 10.4.8).
            idle_expires_at: (at + self.zalt.config().sessions.idle_timeout)
                .min(session.expires_at),
            ip: request.ip(),
        };
        self.zalt.commit(Batch::new().change(change)).await
    }

    fn refreshed(
        &self,
        session: Session,
        user: User,
        state: &RefreshState,
        generation: u32,
    ) -> Result<SignedIn, Error> {
        let credentials = bearer(self.zalt, (&session, &user), state.seed, generation)?;
        Ok(SignedIn {
            session,
            user,
            credentials,
            device: None,
        })
    }

    async fn end_family(
        &self,
        request: &RequestContext,
        session: &Session,
        presented: u32,
        current: u32,
    ) -> Result<(), Error> {
        let user = session.user_id;
        let reason = RevokeReason::RefreshTokenReused;
        let event = |kind| self.zalt.event(request, Actor::Anonymous, Some(user), kind);
        let batch = Batch::new()
            .change(Change::RevokeSession {
                id: session.id,
                at: self.zalt.now(),
                reason,
            })
            .event(event(EventKind::RefreshTokenReused {
                session_id: session.id,
                presented,
                current,
            })?)
            .event(event(EventKind::SessionRevoked {
                session_id: session.id,
                reason,
            })?);
        match self.zalt.commit(batch).await {
            // Another replay, or the owner, was faster: the session is over in any case.
            Err(CommitError::Guard(_)) => Ok(()),
            result => Ok(result?),
        }
    }
}
