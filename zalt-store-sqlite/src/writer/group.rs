use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::{Connection, Error, ErrorCode};
use zalt_core::store::{CommitError, StoreError, StoreErrorKind};

use super::{Answer, Done, Job, Work, WriterThread, apply};
use crate::budget;
use crate::error::{commit_kind, kind, store_error};
use crate::sql::execute;

/// The most jobs of one transaction, so that the first of them does not wait for long.
const LARGEST_GROUP: usize = 256;

/// Why a transaction came to nothing.
enum Broken {
    /// It was not begun.
    Begin(Error),
    /// SQLite gave it up over the job at this position.
    Job(usize, CommitError),
    /// It was not committed.
    Commit(Error),
}

impl WriterThread {
    /// Does a job and whatever waits besides, and answers them all.
    pub(super) fn serve(&mut self, job: Job) {
        self.serve_group(vec![job], true);
    }

    fn serve_group(&mut self, mut group: Vec<Job>, mut take_more: bool) {
        while !group.is_empty() {
            let broken = match self.transaction(&mut group, take_more) {
                Ok(answers) => {
                    self.count(group.len());
                    for (job, answer) in group.into_iter().zip(answers) {
                        answer_job(job, answer);
                    }
                    return;
                }
                Err(broken) => broken,
            };
            self.recover();
            match broken {
                Broken::Begin(error) => {
                    // Whatever waits would wait for the same lock in vain, one after the other.
                    self.queue.drain_into(&mut group, usize::MAX);
                    return fail(group, kind(&error), error);
                }
                Broken::Job(position, error) => {
                    // The others are not to blame, and nothing of theirs was written yet: once more without it.
                    take_more = false;
                    answer_job(group.remove(position), Err(error));
                }
                Broken::Commit(error) if is_violation(&error) && group.len() > 1 => {
                    // A host's table may have a foreign key that is checked at the end. Nothing was written; only
                    // the one that breaks the key is to fail.
                    for job in group {
                        self.serve_group(vec![job], false);
                    }
                    return;
                }
                Broken::Commit(error) => return fail(group, commit_kind(&error), error),
            }
        }
    }

    /// Does the whole group, and what comes in meanwhile, in one transaction. The answers are in the order of the jobs.
    fn transaction(&self, group: &mut Vec<Job>, take_more: bool) -> Result<Vec<Answer>, Broken> {
        execute(&self.db, "BEGIN IMMEDIATE", []).map_err(Broken::Begin)?;
        let mut answers = Vec::with_capacity(group.len());
        loop {
            while let Some(job) = group.get(answers.len()) {
                let answer = in_savepoint(&self.db, job)
                    .map_err(|error| Broken::Job(answers.len(), error))?;
                answers.push(answer);
            }
            let room = LARGEST_GROUP.saturating_sub(group.len());
            if !take_more || !self.queue.drain_into(group, room) {
                break;
            }
        }
        execute(&self.db, "COMMIT", []).map_err(Broken::Commit)?;
        Ok(answers)
    }

    fn count(&mut self, jobs: usize) {
        self.checkpoints.wrote(jobs);
        let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
        self.counters.transactions.fetch_add(1, Ordering::Relaxed);
        self.counters.writes.fetch_add(jobs, Ordering::Relaxed);
    }
}

/// Does a job whole or not at all. The error means that the transaction around it is gone.
fn in_savepoint(db: &Connection, job: &Job) -> Result<Answer, CommitError> {
    if job.reply.is_canceled() {
        // Nobody waits for it any more.
        return Ok(Ok(Done::Written));
    }
    let run = |sql| execute(db, sql, []).map_err(store_error);
    run("SAVEPOINT zalt_batch")?;
    let answer = perform(db, &job.work);
    if answer.is_err() {
        // After a full disk and the like SQLite has rolled the transaction back by itself.
        if db.is_autocommit() {
            return answer.map(Ok);
        }
        run("ROLLBACK TO zalt_batch")?;
    }
    run("RELEASE zalt_batch")?;
    Ok(answer)
}

fn perform(db: &Connection, work: &Work) -> Answer {
    match work {
        Work::Batch(batch) => apply::batch(db, batch).map(|()| Done::Written),
        Work::Take { key, budget, now } => match budget::take(db, *key, budget, *now) {
            Ok(decision) => Ok(Done::Decided(decision)),
            Err(error) => Err(store_error(error).into()),
        },
        Work::GiveBack(key) => match budget::give_back(db, *key) {
            Ok(()) => Ok(Done::Written),
            Err(error) => Err(store_error(error).into()),
        },
        Work::Nothing => Ok(Done::Written),
    }
}

fn is_violation(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// Tells every job of a group the same.
fn fail(group: Vec<Job>, kind: StoreErrorKind, error: Error) {
    tracing::error!(%error, ?kind, jobs = group.len(), "a transaction failed");
    let error = Arc::new(error);
    for job in group {
        let error = StoreError::with_source(kind, Arc::clone(&error));
        answer_job(job, Err(error.into()));
    }
}

fn answer_job(job: Job, answer: Answer) {
    // A caller that went away needs no answer.
    let _ = job.reply.send(answer);
}
