use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_channel::oneshot;

use super::queue::{Abandonable, Next, Queue};
use super::{HashError, Memory, Verified};
use crate::environment::Rng;
use crate::password::phc::{Argon2Hash, SALT_LEN};
use crate::password::{Argon2Params, ForeignHashKeys, Password, PasswordPhc};

/// How long a thread without work keeps its memory: longer than the gaps of a busy evening, short enough that a
/// server at rest is small.
const KEEP_IDLE: Duration = Duration::from_secs(5);

/// One thread of the pool.
pub(super) struct Worker {
    pub(super) queue: Arc<Queue<Job>>,
    pub(super) params: Argon2Params,
    pub(super) keys: Arc<ForeignHashKeys>,
    pub(super) rng: Arc<dyn Rng>,
}

/// What a caller waits for.
pub(super) struct Job(Work);

pub(super) enum Work {
    Hash {
        password: Password,
        reply: oneshot::Sender<Result<PasswordPhc, HashError>>,
    },
    Verify {
        password: Password,
        stored: Option<PasswordPhc>,
        reply: oneshot::Sender<Result<Verified, HashError>>,
    },
}

impl Worker {
    pub(super) fn run(self) {
        let mut memory = Memory::new(self.params.memory_kib());
        loop {
            match self.queue.next(memory.is_held().then_some(KEEP_IDLE)) {
                Next::Item(job) if job.is_abandoned() => {}
                Next::Item(Job(work)) => self.serve(work, &mut memory),
                Next::Idle => memory.give_back(),
                Next::Closed => return,
            }
        }
    }

    fn serve(&self, work: Work, memory: &mut Memory) {
        // A panic in a hashing library costs its caller the answer, not the pool a thread. Whatever it left in
        // the blocks is overwritten by the next hash.
        let _ = catch_unwind(AssertUnwindSafe(|| match work {
            // A reply that can't be sent has nobody waiting for it.
            Work::Hash { password, reply } => drop(reply.send(self.hash(&password, memory))),
            Work::Verify {
                password,
                stored,
                reply,
            } => {
                drop(reply.send(self.verify(&password, stored.as_ref(), memory)));
            }
        }));
    }

    fn hash(&self, password: &Password, memory: &mut Memory) -> Result<PasswordPhc, HashError> {
        let mut salt = [0; SALT_LEN];
        self.rng.fill(&mut salt)?;
        Argon2Hash::create(self.params, salt, password.as_bytes(), memory)
            .map(PasswordPhc::from_argon2)
    }

    fn verify(
        &self,
        password: &Password,
        stored: Option<&PasswordPhc>,
        memory: &mut Memory,
    ) -> Result<Verified, HashError> {
        let Some(stored) = stored else {
            let nobody =
                Argon2Hash::create(self.params, [0; SALT_LEN], password.as_bytes(), memory)?;
            black_box(nobody);
            return Ok(Verified::Mismatch);
        };
        Ok(
            if stored.matches(password.as_bytes(), memory, &self.keys)? {
                Verified::Match {
                    needs_rehash: stored.needs_rehash(self.params),
                }
            } else {
                Verified::Mismatch
            },
        )
    }
}

impl Job {
    pub(super) fn new(work: Work) -> Self {
        Self(work)
    }
}

impl Abandonable for Job {
    fn is_abandoned(&self) -> bool {
        match &self.0 {
            Work::Hash { reply, .. } => reply.is_canceled(),
            Work::Verify { reply, .. } => reply.is_canceled(),
        }
    }
}
