//! Puts an adapter, a server and a crowd together: operations under load, each for somebody.

mod crowd;
mod failure;
mod mailbox;
mod supply;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use crowd::{Crowd, CrowdError};
pub use failure::Failure;
pub use mailbox::Mailbox;
pub use supply::Among;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};

use crate::adapter::{Adapter, Call, Fetch, Flow, Operation, Slot, Step, Subject};
use crate::client::{Client, Target};
use crate::load::{Outcome, Schedule, closed_loop, open_loop};
use supply::Supply;

/// How long an answer is waited for, from when its request was due.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Connections to the server: fewer than ours takes at once, and more than two cores keep busy.
const CONNECTIONS: usize = 256;
/// How many people a load is spread over where the crowd is not larger anyway.
const USUAL_CROWD: usize = 256;
/// Sign-ins at once while subjects are prepared: enough to keep a few cores at their hashes.
const PREPARING: usize = 8;

/// Asks a server for what an adapter says. Cheap to clone.
#[derive(Clone)]
pub struct Driver {
    inner: Arc<Inner>,
}

struct Inner {
    adapter: Adapter,
    client: Client,
    mailbox: Option<Mailbox>,
}

/// Why nobody can be driven.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The operation waits for a mail, and nothing receives any.
    #[error("{} waits for a mail: let the server send it to 127.0.0.1:PORT and say --mailbox PORT", .0.title())]
    NoMailbox(Operation),
    /// Nobody has an account.
    #[error("there is nobody to act for: name a population or let people sign up")]
    Nobody,
    /// The product does not have the operation.
    #[error("the adapter has no {}", .0.title())]
    NoOperation(Operation),
    /// Those who are there lack a value, and what prepares them failed.
    #[error("nobody could be prepared for {}: {failure}", operation.title())]
    NotPrepared {
        /// The operation.
        operation: Operation,
        /// What it failed of.
        failure: Failure,
    },
    /// The preparation succeeds and does not yield what the operation needs.
    #[error("nothing in the adapter or the population yields {name}, which {} needs", operation.title())]
    NobodyYields {
        /// The operation.
        operation: Operation,
        /// The value.
        name: String,
    },
}

/// One load of one operation.
#[derive(Debug, Clone)]
pub struct Task {
    /// What is asked.
    pub operation: Operation,
    /// When.
    pub schedule: Schedule,
    /// For whom.
    pub among: Among,
    /// What tells the strangers of this load from those of others.
    pub run: String,
}

impl Driver {
    /// Drives this server in the words of this adapter. Mail for it arrives in this mailbox.
    pub fn new(adapter: Adapter, target: Target, mailbox: Option<Mailbox>) -> Self {
        let client = Client::new(target, CONNECTIONS);
        Self {
            inner: Arc::new(Inner {
                adapter,
                client,
                mailbox,
            }),
        }
    }

    /// What it asks.
    pub fn adapter(&self) -> &Adapter {
        &self.inner.adapter
    }

    /// Does some steps for somebody, and returns what they took.
    pub async fn perform(&self, steps: &[Step], subject: &Subject) -> Result<Subject, Failure> {
        let inner = &*self.inner;
        let mut taken = Subject::default();
        for (number, step) in (1..).zip(steps) {
            let at = |error| Failure::step(number, error, inner.adapter.names());
            let value = |slot: Slot| {
                let held = taken.get(slot).or_else(|| subject.get(slot));
                held.or_else(|| inner.adapter.constants().get(slot))
            };
            let prefix = inner.client.target().prefix();
            match step.call(prefix, value).map_err(at)? {
                Call::Send(request) => {
                    let reply = inner.client.send(*request).await?;
                    step.take(&Fetch::Reply(&reply), &mut taken).map_err(at)?;
                }
                Call::AwaitMail(to) => {
                    let mailbox = inner.mailbox.as_ref().ok_or(Failure::NoMailbox)?;
                    let mail = mailbox.next(&to).await;
                    step.take(&Fetch::Mail(&mail), &mut taken).map_err(at)?;
                }
            }
        }
        Ok(taken)
    }

    /// Prepares whoever lacks something for a load, so that it begins at once.
    pub async fn prepare_for(&self, task: &Task, crowd: &mut Crowd) -> Result<(), DriverError> {
        let count = task.schedule.offsets().count();
        let supply = self.supply(task, count, crowd).await?;
        crowd.subjects.extend(supply.into_subjects());
        Ok(())
    }

    /// Puts an operation under a load. Whoever lacks something for it is prepared first.
    pub async fn load(&self, task: &Task, crowd: &mut Crowd) -> Result<Outcome, DriverError> {
        let count = task.schedule.offsets().count();
        let supply = Arc::new(self.supply(task, count, crowd).await?);
        let run = self.runner(task.operation, supply.clone());
        let outcome = open_loop(&task.schedule, PATIENCE, move |index| run(index)).await;
        Self::give_back(supply, crowd);
        Ok(outcome)
    }

    /// Finds out how much of an operation the server does at the most: as many at once as `clients`, for `time`. Where
    /// every operation needs somebody new, no more than `most` can be had.
    pub async fn saturate(
        &self,
        task: &Task,
        clients: usize,
        crowd: &mut Crowd,
    ) -> Result<Outcome, DriverError> {
        let supply = Arc::new(self.supply(task, task.schedule.most, crowd).await?);
        let run = self.runner(task.operation, supply.clone());
        let next = Arc::new(AtomicUsize::new(0));
        let operation = move |_| run(next.fetch_add(1, Ordering::Relaxed));
        let outcome = closed_loop(clients, task.schedule.time, operation).await;
        Self::give_back(supply, crowd);
        Ok(outcome)
    }

    /// Makes this many accounts by signing up, where a population is not there already.
    pub async fn found(&self, count: usize, run: &str) -> Result<Crowd, DriverError> {
        let operation = Operation::SignUp;
        let strangers = Supply::strangers(run);
        let subjects = (0..count)
            .map(|index| strangers.take(index))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|failure| DriverError::NotPrepared { operation, failure })?;
        let flow = self.flow(operation)?;
        let subjects = self.prepare(operation, flow.steps(), subjects).await?;
        Ok(Crowd::of(subjects))
    }

    fn flow(&self, operation: Operation) -> Result<&Flow, DriverError> {
        let flow = self.inner.adapter.flow(operation);
        let flow = flow.ok_or(DriverError::NoOperation(operation))?;
        if flow.reads_mail() && self.inner.mailbox.is_none() {
            return Err(DriverError::NoMailbox(operation));
        }
        Ok(flow)
    }

    fn runner(&self, operation: Operation, supply: Arc<Supply>) -> Runner {
        let driver = self.clone();
        Arc::new(move |index| {
            let (driver, supply) = (driver.clone(), supply.clone());
            Box::pin(async move {
                let flow = driver.inner.adapter.flow(operation);
                let subject = supply.take(index)?;
                let taken = driver
                    .perform(flow.map_or(&[], Flow::steps), &subject)
                    .await?;
                supply.put_back(subject, taken);
                Ok(())
            })
        })
    }

    /// For whom `count` operations can be done, out of the crowd. The others stay in it.
    async fn supply(
        &self,
        task: &Task,
        count: usize,
        crowd: &mut Crowd,
    ) -> Result<Supply, DriverError> {
        let operation = task.operation;
        self.flow(operation)?;
        if operation == Operation::SignUp {
            return Ok(Supply::strangers(&task.run));
        }
        let adapter = &self.inner.adapter;
        let everybody = std::mem::take(&mut crowd.subjects);
        let (mut able, mut others): (Vec<_>, Vec<_>) = everybody
            .into_iter()
            .partition(|subject| adapter.lacks(operation, subject).is_empty());
        let wanted = wanted(operation, task.among, count);
        if able.is_empty() && others.is_empty() {
            match operation {
                Operation::Nothing => able.push(Subject::default()),
                _ => return Err(DriverError::Nobody),
            }
        }
        let needs_nothing = adapter.lacks(operation, &Subject::default()).is_empty();
        if able.len() < wanted && !needs_nothing {
            let missing = wanted - able.len();
            let mut chosen = others.split_off(others.len().saturating_sub(missing));
            // Where there are too few people, some get one more session.
            let people = able.iter().chain(&chosen);
            let people: Vec<_> = people.map(|person| adapter.second_device(person)).collect();
            chosen.extend(people.into_iter().cycle().take(missing - chosen.len()));
            let steps = adapter.preparation(operation);
            able.extend(self.prepare(operation, steps, chosen).await?);
        }
        if let Among::Few(few) = task.among {
            others.extend(able.drain(few.min(able.len())..));
        }
        crowd.subjects = others;
        Ok(Supply::new(operation, able, task.schedule.seed))
    }

    async fn prepare(
        &self,
        operation: Operation,
        steps: &[Step],
        subjects: Vec<Subject>,
    ) -> Result<Vec<Subject>, DriverError> {
        let prepared: Vec<Result<Subject, Failure>> = stream::iter(subjects)
            .map(|mut subject| async move {
                let taken = self.perform(steps, &subject).await?;
                subject.take_over(taken);
                Ok(subject)
            })
            .buffered(PREPARING)
            .collect()
            .await;
        let mut able = Vec::with_capacity(prepared.len());
        for subject in prepared {
            let subject =
                subject.map_err(|failure| DriverError::NotPrepared { operation, failure })?;
            let adapter = &self.inner.adapter;
            if let Some(slot) = adapter.lacks(operation, &subject).first() {
                let name = adapter.names().name(*slot).to_owned();
                return Err(DriverError::NobodyYields { operation, name });
            }
            able.push(subject);
        }
        Ok(able)
    }

    /// Everybody who is still able goes back to the others.
    fn give_back(supply: Arc<Supply>, crowd: &mut Crowd) {
        // An operation that was given up may still hold it for a moment: those few are lost.
        if let Some(supply) = Arc::into_inner(supply) {
            crowd.subjects.extend(supply.into_subjects());
        }
    }
}

type Runner = Arc<dyn Fn(usize) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// How many people an operation needs, so that they are many enough.
fn wanted(operation: Operation, among: Among, count: usize) -> usize {
    let some = match among {
        Among::Everybody => USUAL_CROWD,
        Among::Few(few) => few,
    };
    match operation {
        // Each ends a session of its own.
        Operation::Revoke => count,
        _ => some.min(count).max(1),
    }
}
