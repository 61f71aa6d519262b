use sqlx::Error;
use zalt_core::store::{Batch, Change};

use crate::error::Refusal;
use crate::sql::Value;
use crate::steps::Step;
use crate::{attempt, event, expired, identifier, message, password, session, signing_key, user};
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
        Change::InsertSigningKey { key, newest } => {
            Vec::from(signing_key::insert(key, newest.as_deref()))
        }
        Change::GiveBackBudget(key) => vec![budget::given_back(*key)],
        Change::RemoveExpired(expired) => expired::remove(expired),
        // A newer core knows a change that this store doesn't: nothing of the batch may stand.
        _ => return Err(Refusal::Unsupported),
    };
    Ok(steps)
}
