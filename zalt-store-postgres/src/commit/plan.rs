use sqlx::Error;
use zalt_core::store::{Batch, Change};

use crate::error::Refusal;
use crate::sql::Value;
use crate::steps::Step;
use crate::{
    attempt, credential, event, expired, identifier, message, password, provider_connection,
    session, signing_key, user,
};
use crate::{budget, steps::Tables};

/// The steps of one statement. More would make texts and plans that are as rare as they are long.
const MOST_STEPS: usize = 16;

/// The events of one statement.
const MOST_EVENTS: usize = 16;

/// A batch as the statements that apply it, in order.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) parts: Vec<Part>,
}

/// What goes into one statement.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) steps: Vec<Step>,
    pub(crate) events: Vec<Value>,
    pub(crate) event_count: usize,
}

impl Plan {
    /// Puts the steps of a batch into as few statements as they fit in.
    pub(crate) fn of(batch: &Batch) -> Result<Self, (usize, Refusal)> {
        let mut plan = Self::default();
        for (position, change) in batch.changes.iter().enumerate() {
            for step in steps_of(change).map_err(|refusal| (position, refusal))? {
                plan.add(step);
            }
        }
        plan.add_events(batch)
            .map_err(|error| (batch.changes.len(), error.into()))?;
        Ok(plan)
    }

    fn add(&mut self, step: Step) {
        match self.parts.last_mut() {
            Some(part) if part.takes(&step) => part.steps.push(step),
            _ => self.parts.push(Part {
                steps: vec![step],
                ..Part::default()
            }),
        }
    }

    fn add_events(&mut self, batch: &Batch) -> Result<(), Error> {
        for events in batch.events.chunks(MOST_EVENTS) {
            let part = match self.parts.last_mut() {
                Some(part) if part.takes_events() => part,
                _ => self.parts.push_mut(Part::default()),
            };
            part.event_count = events.len();
            for event in events {
                part.events.extend(event::values(event)?);
            }
        }
        Ok(())
    }
}

impl Part {
    fn takes(&self, step: &Step) -> bool {
        self.steps.len() < MOST_STEPS && self.steps.iter().all(|earlier| step.goes_with(earlier))
    }

    fn takes_events(&self) -> bool {
        let written = |step: &Step| step.text.writes.meet(Tables::EVENTS);
        self.event_count == 0 && !self.steps.iter().any(written)
    }

    /// The parameters in the order in which the statement numbers them.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        let of_steps = self.steps.iter().flat_map(|step| &step.values);
        of_steps.chain(&self.events)
    }
}

/// What a change comes to.
pub(crate) fn steps_of(change: &Change) -> Result<Vec<Step>, Refusal> {
    let steps = match change {
        Change::InsertUser(user) => vec![user::insert(user)?],
        Change::UpdateUser(user) => vec![user::update(user)?],
        Change::PurgeUser { id, version } => vec![user::purge(*id, *version)],
        Change::InsertIdentifier(identifier) => vec![identifier::insert(identifier)],
        Change::UpdateIdentifier(identifier) => vec![identifier::update(identifier)],
        Change::DeleteIdentifier { id, version } => vec![identifier::delete(*id, *version)],
        Change::InsertPassword(password) => vec![password::insert(password)],
        Change::UpdatePassword(password) => vec![password::update(password)],
        Change::InsertCredential(credential) => vec![credential::insert(credential)?],
        Change::UpdateCredential(credential) => vec![credential::update(credential)?],
        Change::DeleteCredential { id, version } => vec![credential::delete(*id, *version)],
        Change::InsertSession(session) => vec![session::insert(session)?],
        Change::TouchSession {
            id,
            last_seen_at,
            idle_expires_at,
            ip,
        } => vec![session::touch(*id, *last_seen_at, *idle_expires_at, *ip)],
        Change::RotateRefresh {
            id,
            presented,
            at,
            idle_expires_at,
            ip,
        } => vec![session::rotate(*id, *presented, *at, *idle_expires_at, *ip)],
        Change::ReauthenticateSession {
            id,
            expected,
            token,
            amr,
            at,
        } => vec![session::reauthenticate(
            *id,
            expected.as_ref(),
            token.as_ref(),
            amr,
            *at,
        )?],
        Change::RevokeSession { id, at, reason } => vec![session::revoke(*id, *at, *reason)],
        Change::RevokeUserSessions {
            user_id,
            except,
            at,
            reason,
        } => Vec::from(session::revoke_of_user(*user_id, *except, *at, *reason)),
        Change::InsertAttempt(attempt) => vec![attempt::insert(attempt)?],
        Change::UpdateAttempt(attempt) => vec![attempt::update(attempt)?],
        Change::EnqueueMessage(message) => vec![message::insert(message)],
        Change::UpdateMessage(message) => vec![message::update(message)],
        Change::DeleteMessage { id, version } => vec![message::delete(*id, *version)],
        Change::InsertConnection(connection) => vec![provider_connection::insert(connection)?],
        Change::UpdateConnection(connection) => vec![provider_connection::update(connection)?],
        Change::DeleteConnection { id, version } => {
            vec![provider_connection::delete(*id, *version)]
        }
        Change::InsertSigningKey { key, newest } => {
            Vec::from(signing_key::insert(key, newest.as_deref()))
        }
        Change::GiveBackBudget(key) => vec![budget::given_back(*key)],
        Change::GiveBackTry { key, each } => vec![budget::try_given_back(*key, *each)],
        Change::RemoveExpired(expired) => expired::remove(expired),
        // A newer core knows a change that this store doesn't: nothing of the batch may stand.
        _ => return Err(Refusal::Unsupported),
    };
    Ok(steps)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::time::Duration;
    use zalt_core::event::EventKind;
    use zalt_core::session::RevokeReason;
    use zalt_store_testkit::fixtures::Fixtures;

    /// The batches of the use cases that come often, each as it is put into statements.
    pub(crate) fn common() -> Vec<(&'static str, Plan)> {
        batches()
            .into_iter()
            .map(|(name, batch)| (name, Plan::of(&batch).unwrap()))
            .collect()
    }

    fn batches() -> Vec<(&'static str, Batch)> {
        let f = Fixtures::new();
        let user = f.user();
        let session = f.session(&user);
        let at = f.now();
        let event = || f.event(Some(user.id), EventKind::UserUpdated);
        let touch = Change::TouchSession {
            id: session.id,
            last_seen_at: at,
            idle_expires_at: at + Duration::from_hours(1),
            ip: None,
        };
        vec![
            ("touch", Batch::new().change(touch.clone())),
            (
                "refresh",
                Batch::new().change(Change::RotateRefresh {
                    id: session.id,
                    presented: 0,
                    at,
                    idle_expires_at: at,
                    ip: None,
                }),
            ),
            (
                "sign out",
                Batch::new()
                    .change(Change::RevokeSession {
                        id: session.id,
                        at,
                        reason: RevokeReason::SignedOut,
                    })
                    .event(event()),
            ),
            (
                "begin an attempt and send its code",
                Batch::new()
                    .change(Change::InsertAttempt(f.attempt()))
                    .change(Change::EnqueueMessage(f.message())),
            ),
            (
                "a wrong code",
                Batch::new()
                    .change(Change::UpdateAttempt(f.attempt()))
                    .event(event()),
            ),
            (
                "sign in with a password that is hashed anew",
                Batch::new()
                    .change(Change::UpdateAttempt(f.attempt()))
                    .change(Change::GiveBackBudget(f.budget_key()))
                    .change(Change::InsertSession(session.clone()))
                    .change(Change::UpdatePassword(f.password(&user)))
                    .event(event()),
            ),
            (
                "change the profile",
                Batch::new()
                    .change(Change::UpdateUser(user.clone()))
                    .change(touch.clone())
                    .event(event()),
            ),
            (
                "add an address",
                Batch::new()
                    .change(Change::UpdateUser(user.clone()))
                    .change(Change::InsertIdentifier(f.identifier(
                        &user,
                        "ada@example.com",
                        false,
                    )))
                    .change(touch.clone())
                    .event(event()),
            ),
            ("sweep", Batch::new().change(sweep(&f))),
            ("sign up", sign_up(&f)),
            (
                "end all sessions",
                Batch::new()
                    .change(touch)
                    .change(Change::RevokeUserSessions {
                        user_id: user.id,
                        except: None,
                        at,
                        reason: RevokeReason::RevokedByUser,
                    })
                    .event(event()),
            ),
        ]
    }

    fn sweep(f: &Fixtures) -> Change {
        let before = f.now();
        Change::RemoveExpired(zalt_core::store::Expired {
            sessions_before: before,
            attempts_before: before,
            budgets_before: before,
            signing_keys_before: before,
            events_before: Some(before),
            limit: 100,
        })
    }

    fn sign_up(f: &Fixtures) -> Batch {
        let user = f.user();
        let identifier = f.identifier(&user, "ada@example.com", true);
        Batch::new()
            .change(Change::UpdateAttempt(f.attempt()))
            .change(Change::GiveBackBudget(f.budget_key()))
            .change(Change::InsertUser(user.clone()))
            .change(Change::InsertIdentifier(identifier))
            .change(Change::InsertPassword(f.password(&user)))
            .change(Change::InsertSession(f.session(&user)))
            .event(f.event(Some(user.id), EventKind::UserCreated))
    }

    #[test]
    fn common_batches_are_one_statement() {
        let statements: Vec<_> = common()
            .into_iter()
            .map(|(name, plan)| (name, plan.parts.len()))
            .collect();
        assert_eq!(
            statements,
            [
                ("touch", 1),
                ("refresh", 1),
                ("sign out", 1),
                ("begin an attempt and send its code", 1),
                ("a wrong code", 1),
                ("sign in with a password that is hashed anew", 1),
                ("change the profile", 1),
                ("add an address", 1),
                ("sweep", 2),
                ("sign up", 2),
                ("end all sessions", 2),
            ]
        );
    }

    #[test]
    fn a_large_batch_keeps_within_the_limits_of_a_statement() {
        let f = Fixtures::new();
        let mut batch = Batch::new();
        for _ in 0..100 {
            batch = batch
                .change(Change::InsertUser(f.user()))
                .event(f.event(None, EventKind::UserCreated));
        }
        let plan = Plan::of(&batch).unwrap();
        // A table is written once in a statement.
        assert_eq!(plan.parts.len(), 100 + 100_usize.div_ceil(MOST_EVENTS) - 1);
        let steps: usize = plan.parts.iter().map(|part| part.steps.len()).sum();
        let events: usize = plan.parts.iter().map(|part| part.event_count).sum();
        assert_eq!((steps, events), (100, 100));
    }
}
