//! The threads that hash.

mod config;
mod memory;
mod queue;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_channel::oneshot;

pub use self::config::{HashingConfig, HashingConfigError};
pub(super) use self::memory::Memory;
use self::queue::Queue;
use self::worker::{Job, Work, Worker};
use super::{Argon2Params, ForeignHashKeys, Password, PasswordPhc, Scheme};
use crate::environment::{Rng, RngError};

/// A bounded set of threads that hash and verify passwords.
///
/// Password hashing is slow and large on purpose, so it must not run on the threads of an async runtime, and not
/// as often at once as strangers like to sign in. Each thread of the pool works on one password at a time and
/// keeps its memory from one to the next; callers wait in a queue of bounded length, and past it they are told
/// [`HashError::Overloaded`] at once. Memory is therefore `threads × memory_kib` whatever the load. It is taken
/// when the first password comes and given back after some idle seconds.
///
/// The handle is cheap to clone. The threads end when the last clone is dropped. They need no async runtime and
/// work with any.
///
/// # Cancellation
/// Dropping the future of [`hash`](Self::hash) or [`verify`](Self::verify) gives up the place in the queue: work that
/// nobody waits for is not begun. What a thread has begun it finishes.
#[derive(Clone)]
pub struct HashingPool {
    handle: Arc<Handle>,
}

/// What the clones share; its drop is the end of the threads.
struct Handle {
    queue: Arc<Queue<Job>>,
    config: HashingConfig,
    keys: Arc<ForeignHashKeys>,
    rng: Arc<dyn Rng>,
}

/// The answer to "is this the password?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a mismatch must not sign anybody in"]
#[expect(
    clippy::exhaustive_enums,
    reason = "callers must decide on every answer"
)]
pub enum Verified {
    /// It is the password.
    Match {
        /// The stored hash is of another scheme or other parameters than new ones are: hash the password again and
        /// store the result.
        needs_rehash: bool,
    },
    /// It is not, or there was no hash to compare with.
    Mismatch,
}

impl Verified {
    /// Whether the password was right.
    #[must_use]
    pub const fn is_match(self) -> bool {
        matches!(self, Self::Match { .. })
    }
}

impl HashingPool {
    /// Starts the threads.
    ///
    /// `keys` are the secrets of imported hashes, `rng` is where salts come from.
    ///
    /// # Errors
    /// A [`HashingConfigError`] if the configuration is out of bounds or the system starts no more threads.
    pub fn new(
        config: HashingConfig,
        keys: ForeignHashKeys,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, HashingConfigError> {
        config.check()?;
        // Exists before the threads do: if one can't be started, its drop ends the others.
        let handle = Handle {
            queue: Arc::new(Queue::new(config.queue.get())),
            keys: Arc::new(keys),
            rng,
            config,
        };
        for number in 0..handle.config.threads.get() {
            let worker = Worker {
                queue: Arc::clone(&handle.queue),
                params: handle.config.params,
                keys: Arc::clone(&handle.keys),
                rng: Arc::clone(&handle.rng),
            };
            // Detached: a thread ends by itself when the queue is closed, and nobody has to wait for the hash that
            // it may be at.
            std::thread::Builder::new()
                .name(format!("zalt-hash-{number}"))
                .spawn(move || worker.run())
                .map_err(HashingConfigError::Spawn)?;
        }
        Ok(Self {
            handle: Arc::new(handle),
        })
    }

    /// Hashes a new password as Argon2id with the configured parameters and a fresh random salt.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] when the queue is full, [`HashError::Rng`] when there is no salt.
    pub async fn hash(&self, password: Password) -> Result<PasswordPhc, HashError> {
        self.run(|reply| Work::Hash { password, reply }).await
    }

    /// Whether `password` is the one that `stored` was made from.
    ///
    /// Without a stored hash (an unknown user, or one without a password) the answer is [`Verified::Mismatch`] after
    /// the work that a current hash would have cost, so that time does not tell who exists. A hash of another scheme
    /// or other parameters takes its own time until it is upgraded.
    ///
    /// The comparison takes the same time wherever two hashes differ.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] when the queue is full; what [`check`](Self::check) says of `stored`.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordPhc>,
    ) -> Result<Verified, HashError> {
        if let Some(stored) = &stored {
            self.check(stored)?;
        }
        self.run(|reply| Work::Verify {
            password,
            stored,
            reply,
        })
        .await
    }

    /// Whether this pool can verify `stored`: for an import to refuse at once what would fail at sign-in.
    ///
    /// # Errors
    /// [`HashError::TooExpensive`] if it takes more memory than [`HashingConfig::memory_limit_kib`],
    /// [`HashError::UnknownKey`] if it names a key that the pool was not given.
    pub fn check(&self, stored: &PasswordPhc) -> Result<(), HashError> {
        if stored.memory_kib() > self.handle.config.most_memory_kib() {
            return Err(HashError::TooExpensive);
        }
        match stored.foreign_key() {
            Some(name) if self.handle.keys.firebase(name).is_none() => Err(HashError::UnknownKey),
            _ => Ok(()),
        }
    }

    /// Whether another caller may wait, for whoever has to pay for a try before it is made.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] when the queue is full. An answer of `Ok` is no reservation.
    pub fn require_room(&self) -> Result<(), HashError> {
        if self.waiting() < self.capacity() {
            Ok(())
        } else {
            Err(self.overloaded())
        }
    }

    /// How many callers wait for a thread just now; those being served are not counted.
    pub fn waiting(&self) -> usize {
        self.handle.queue.len()
    }

    /// How many callers can wait.
    pub fn capacity(&self) -> usize {
        self.handle.config.queue.get()
    }

    /// How many threads hash.
    pub fn threads(&self) -> usize {
        self.handle.config.threads.get()
    }

    /// What new hashes cost.
    pub fn params(&self) -> Argon2Params {
        self.handle.config.params
    }

    async fn run<T>(
        &self,
        work: impl FnOnce(oneshot::Sender<Result<T, HashError>>) -> Work,
    ) -> Result<T, HashError> {
        let (reply, answer) = oneshot::channel();
        self.handle
            .queue
            .push(Job::new(work(reply)))
            .map_err(|_| self.overloaded())?;
        answer.await.map_err(|_| HashError::Interrupted)?
    }

    fn overloaded(&self) -> HashError {
        HashError::Overloaded {
            retry_after: self.handle.config.retry_after(),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingPool")
            .field("config", &self.handle.config)
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// Why a password was neither hashed nor verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// As many callers wait as may wait. Answer 503 with this Retry-After.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded {
        /// About how long the queue takes to empty, in whole seconds.
        retry_after: Duration,
    },
    /// The stored hash takes more memory than this pool allows.
    #[error("the stored hash takes more memory than is configured for one verification")]
    TooExpensive,
    /// The stored hash names a project key that the pool was not given.
    #[error("the stored hash needs a signer key that is not configured")]
    UnknownKey,
    /// No randomness for a salt.
    #[error(transparent)]
    Rng(#[from] RngError),
    /// The system gave no memory.
    #[error("there is not enough memory to hash a password")]
    OutOfMemory,
    /// The hashing library refused parameters that were checked before: a defect of this crate.
    #[error("the {scheme:?} implementation refused checked parameters")]
    Primitive {
        /// The scheme.
        scheme: Scheme,
    },
    /// The thread died before it could answer: a defect of this crate or of a hashing library.
    #[error("the hashing thread ended without an answer")]
    Interrupted,
}

#[cfg(test)]
mod tests;
