use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::password::Argon2Params;

/// How much a [`HashingPool`](super::HashingPool) may take. Start from the default and change what has to change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HashingConfig {
    /// What a new hash costs; changing it upgrades each account at its next sign-in.
    pub params: Argon2Params,
    /// How many passwords are hashed at once. By default one for each core that the process may use.
    pub threads: NonZeroUsize,
    /// How many callers may wait beside those being served. By default 256.
    pub queue: NonZeroUsize,
    /// The most memory, in KiB, that verifying one stored hash may take, for hashes that were imported or made
    /// under other parameters. A hash at [`params`](Self::params) is always allowed. Such memory is taken for
    /// that one verification and given back; at worst all threads do it at once, beside what they keep. By default 132 MiB, enough for
    /// scrypt at the recommended cost (`ln=17,r=8`).
    pub memory_limit_kib: u32,
}

impl Default for HashingConfig {
    fn default() -> Self {
        Self {
            params: Argon2Params::default(),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            queue: DEFAULT_QUEUE,
            memory_limit_kib: 132 * 1024,
        }
    }
}

const DEFAULT_QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);
const MOST_THREADS: usize = 1024;
const MOST_QUEUE: usize = 65_536;

impl HashingConfig {
    pub(super) fn check(&self) -> Result<(), HashingConfigError> {
        if self.threads.get() > MOST_THREADS {
            return Err(HashingConfigError::Threads { most: MOST_THREADS });
        }
        if self.queue.get() > MOST_QUEUE {
            return Err(HashingConfigError::Queue { most: MOST_QUEUE });
        }
        Ok(())
    }

    pub(super) fn most_memory_kib(&self) -> u32 {
        self.memory_limit_kib.max(self.params.memory_kib())
    }

    /// The time a full queue takes, from what one pass over a KiB takes on a slow core. An estimate is enough for
    /// Retry-After, and needs no clock.
    pub(super) fn retry_after(&self) -> Duration {
        let one = u64::from(self.params.memory_kib()) * u64::from(self.params.iterations());
        let turns =
            u64::try_from(self.queue.get().div_ceil(self.threads.get())).unwrap_or(u64::MAX);
        let estimate = Duration::from_micros(one.saturating_mul(turns));
        Duration::from_secs(estimate.as_secs().saturating_add(1).min(30))
    }
}

/// Why a [`HashingPool`](super::HashingPool) can't be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashingConfigError {
    /// More threads than any machine that this is made for has cores.
    #[error("at most {most} hashing threads can be configured")]
    Threads {
        /// The most threads accepted.
        most: usize,
    },
    /// A queue in which callers would wait for minutes.
    #[error("at most {most} waiting passwords can be configured")]
    Queue {
        /// The longest queue accepted.
        most: usize,
    },
    /// The operating system started no thread.
    #[error("a hashing thread could not be started")]
    Spawn(#[source] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_checked() {
        let with = |threads: usize, queue: usize| HashingConfig {
            threads: NonZeroUsize::new(threads).unwrap(),
            queue: NonZeroUsize::new(queue).unwrap(),
            ..HashingConfig::default()
        };
        assert!(with(1024, 65_536).check().is_ok());
        assert!(matches!(
            with(1025, 1).check(),
            Err(HashingConfigError::Threads { most: 1024 })
        ));
        assert!(matches!(
            with(1, 65_537).check(),
            Err(HashingConfigError::Queue { most: 65_536 })
        ));
    }

    #[test]
    fn retry_after_grows_with_the_queue_and_stays_sensible() {
        let with = |queue: usize| HashingConfig {
            threads: NonZeroUsize::MIN,
            queue: NonZeroUsize::new(queue).unwrap(),
            ..HashingConfig::default()
        };
        assert_eq!(with(1).retry_after(), Duration::from_secs(1));
        assert_eq!(with(256).retry_after(), Duration::from_secs(10));
        assert_eq!(with(65_536).retry_after(), Duration::from_secs(30));
        assert_eq!(HashingConfig::default().queue.get(), 256);
    }
}
