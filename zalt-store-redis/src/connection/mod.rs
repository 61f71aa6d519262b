mod breaker;
mod options;
mod target;

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{Cmd, Value};
use tokio::time::timeout;
use zalt_core::store::StoreError;

use self::breaker::{Admission, Breaker, Turn};
pub use self::options::{OptionsError, RedisOptions};
pub(crate) use self::target::Target;
use self::target::Wire;
use crate::failure::{Causes, Failure};
use crate::{metrics, monotonic};

/// A connection to Redis or to a Redis Cluster that everything shares; cheap to clone.
///
/// Commands of all tasks go over one socket (one for each node of a cluster) and are answered in turn. It connects when it
/// is first used, and again when the connection is lost. Nothing waits for longer than [`RedisOptions::connect_timeout`]
/// and [`RedisOptions::response_timeout`] together; and once several calls in a row had no answer, the next are turned
/// away at once until one that tries has an answer again.
///
/// It needs a tokio runtime.
#[derive(Clone)]
pub struct RedisConnection {
    inner: Arc<Inner>,
}

struct Inner {
    target: Target,
    options: RedisOptions,
    wire: Mutex<Option<Numbered>>,
    /// Held by the one that connects.
    connecting: tokio::sync::Mutex<()>,
    connected: AtomicU64,
    not_connected: AtomicU64,
    /// Of these a single server has the first. A cluster has one for each part of its slots, so that a node that is away
    /// holds up only what lies on it.
    breakers: [Breaker; PARTS],
    open_breakers: AtomicU32,
}

/// A wire, and how many there were before it.
#[derive(Clone)]
struct Numbered {
    number: u64,
    wire: Wire,
}

/// In how many parts the slots of a cluster fail on their own.
const PARTS: usize = 16;
const SLOTS: usize = 16_384;

impl RedisConnection {
    /// Options to begin with.
    pub fn builder() -> RedisOptions {
        RedisOptions::default()
    }

    /// A connection with the options as they are; see [`RedisOptions::open`].
    ///
    /// # Errors
    /// [`OptionsError`] if `url` is none of Redis.
    pub fn open(url: &str) -> Result<Self, OptionsError> {
        RedisOptions::default().open(url)
    }

    fn new(target: Target, options: RedisOptions) -> Self {
        // One silence says little of a server. Of a part of a cluster it has to be enough: each part of a node that is
        // away finds out for itself.
        let patience = if target.is_cluster() { 1 } else { 3 };
        let pause = options.away_pause;
        Self {
            inner: Arc::new(Inner {
                target,
                options,
                wire: Mutex::new(None),
                connecting: tokio::sync::Mutex::new(()),
                connected: AtomicU64::new(0),
                not_connected: AtomicU64::new(0),
                breakers: std::array::from_fn(|_| Breaker::new(patience, pause)),
                open_breakers: AtomicU32::new(0),
            }),
        }
    }

    /// What every key begins with.
    pub fn prefix(&self) -> &str {
        &self.inner.options.prefix
    }

    /// Answers once Redis does.
    ///
    /// # Errors
    /// [`StoreError`] with the reason for which it doesn't.
    pub async fn ready(&self) -> Result<(), StoreError> {
        // Any key will do; asking for one tells more of a cluster than a PING to some node.
        let key = format!("{}ready", self.prefix());
        let mut command = redis::cmd("EXISTS");
        command.arg(&key);
        self.run("ready", &key, &command).await?;
        metrics::available(self.prefix(), self.inner.available());
        Ok(())
    }

    pub(crate) fn target(&self) -> &Target {
        &self.inner.target
    }

    pub(crate) fn response_timeout(&self) -> Duration {
        self.inner.options.response_timeout
    }

    /// Sends a command about `key` and waits for its answer.
    pub(crate) async fn run(
        &self,
        operation: &'static str,
        key: &str,
        command: &Cmd,
    ) -> Result<Value, Failure> {
        let inner = &*self.inner;
        let Some(admission) = inner.breaker(key).admit(monotonic::now()) else {
            return Err(Failure::Away);
        };
        let limit = inner.options.connect_timeout + inner.options.response_timeout;
        let result = timeout(limit, inner.answer(command))
            .await
            .unwrap_or(Err(Failure::Timeout));
        if let Err(failure) = &result
            && !failure.asks_for_script()
        {
            metrics::error(self.prefix(), operation, failure);
        }
        self.tell(admission, &result);
        result
    }

    fn tell(&self, admission: Admission<'_>, result: &Result<Value, Failure>) {
        let turn = match result {
            Ok(_) | Err(Failure::Refused(_)) => admission.answered(),
            Err(failure) => {
                let away = matches!(failure, Failure::Connect(_));
                admission.failed(monotonic::now(), away)
            }
        };
        match (turn, result) {
            (Turn::Opened, Err(failure)) => {
                self.inner.open_breakers.fetch_add(1, Ordering::Relaxed);
                metrics::available(self.prefix(), self.inner.available());
                tracing::warn!(
                    prefix = self.prefix(),
                    error = %Causes(failure),
                    "Redis is away: what needs it is refused, or does without, as configured"
                );
            }
            (Turn::Closed, _) => {
                self.inner.open_breakers.fetch_sub(1, Ordering::Relaxed);
                metrics::available(self.prefix(), self.inner.available());
                tracing::info!(prefix = self.prefix(), "Redis answers again");
            }
            _ => {}
        }
    }
}

impl Inner {
    /// Sends the command, and once more where the connection turned out to be gone: Redis closes idle ones, and a restart
    /// is noticed only when something is sent. A command may so be carried out twice; ours allow that.
    async fn answer(&self, command: &Cmd) -> Result<Value, Failure> {
        match self.attempt(command).await {
            Err(Failure::Lost(_)) => self.attempt(command).await,
            result => result,
        }
    }

    async fn attempt(&self, command: &Cmd) -> Result<Value, Failure> {
        let Numbered { number, mut wire } = self.wire().await?;
        let result = timeout(self.options.response_timeout, wire.send(command))
            .await
            .map_or(Err(Failure::Timeout), |answer| {
                answer.map_err(Failure::of_command)
            });
        if let Err(failure) = &result
            && failure.ends_connection()
            // That of a cluster replaces its own connections, and one silent node is no reason to leave the others.
            && !(self.target.is_cluster() && matches!(failure, Failure::Timeout))
        {
            self.discard(number);
        }
        result
    }

    async fn wire(&self) -> Result<Numbered, Failure> {
        if let Some(wire) = self.current() {
            return Ok(wire);
        }
        let before = self.not_connected.load(Ordering::Acquire);
        let _connecting = self.connecting.lock().await;
        if let Some(wire) = self.current() {
            return Ok(wire);
        }
        if self.not_connected.load(Ordering::Acquire) != before {
            // Somebody has tried in vain meanwhile. Whoever waited for that does not wait for another try.
            return Err(Failure::Away);
        }
        let connected = timeout(self.options.connect_timeout, self.target.connect()).await;
        let failure = match connected {
            Ok(Ok(wire)) => {
                let number = self.connected.fetch_add(1, Ordering::Relaxed);
                let wire = Numbered { number, wire };
                *self.lock_wire() = Some(wire.clone());
                return Ok(wire);
            }
            Ok(Err(error)) => Failure::Connect(error),
            Err(_) => Failure::Timeout,
        };
        self.not_connected.fetch_add(1, Ordering::AcqRel);
        Err(failure)
    }

    fn current(&self) -> Option<Numbered> {
        self.lock_wire().clone()
    }

    /// Gives up a wire, unless it was replaced already.
    fn discard(&self, number: u64) {
        let mut wire = self.lock_wire();
        if wire.as_ref().is_some_and(|wire| wire.number == number) {
            *wire = None;
        }
    }

    fn lock_wire(&self) -> std::sync::MutexGuard<'_, Option<Numbered>> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self, key: &str) -> &Breaker {
        let [first, ..] = &self.breakers;
        if !self.target.is_cluster() {
            return first;
        }
        let hash = crc16::State::<crc16::XMODEM>::calculate(key.as_bytes());
        let part = usize::from(hash) % SLOTS * PARTS / SLOTS;
        self.breakers.get(part).unwrap_or(first)
    }

    /// Which share of the keys can be reached.
    fn available(&self) -> f64 {
        let parts: u32 = if self.target.is_cluster() { 16 } else { 1 };
        let open = self.open_breakers.load(Ordering::Relaxed);
        f64::from(parts.saturating_sub(open)) / f64::from(parts)
    }
}

impl fmt::Debug for RedisConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConnection")
            .field("target", &self.inner.target)
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}
