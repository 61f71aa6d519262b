//! The store's own pool. The driver has one too, which makes a round trip whenever a connection comes back: this one does so
//! only for those that may be broken.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Error};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

/// How a pool is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_connections: u32,
    pub(crate) acquire_timeout: Duration,
    pub(crate) idle_timeout: Duration,
}

/// The connections of a store at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// How many there may be.
    pub limit: u32,
    /// How many somebody uses, or is about to.
    pub used: u32,
    /// How many are open and nobody uses.
    pub idle: u32,
}

/// A connection that was idle for longer is asked whether it is still there before it is used.
const FRESH: Duration = Duration::from_secs(1);

/// How long a connection may take to answer that it is still there.
const PING: Duration = Duration::from_secs(1);

/// A server process gathers memory over time, and an address may come to mean another server.
const LONGEST_LIFE: Duration = Duration::from_mins(30);

/// Connections to one server that take turns.
pub(super) struct Pool {
    options: PgConnectOptions,
    limits: Limits,
    /// One for each connection that may be open.
    permits: Arc<Semaphore>,
    /// The last to come back is the first to be used again.
    idle: Mutex<Vec<Idle>>,
    is_closed: AtomicBool,
    /// How often a connection was found broken. Those from before the last time are suspect.
    losses: AtomicU64,
    is_tidied: AtomicBool,
}

struct Idle {
    held: Held,
    since: Instant,
}

/// A connection, and what has to be known to take it back.
struct Held {
    connection: PgConnection,
    made: Instant,
    losses: u64,
}

impl Pool {
    pub(super) fn new(options: PgConnectOptions, limits: Limits) -> Arc<Self> {
        let permits = usize::try_from(limits.max_connections).unwrap_or(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            options,
            limits,
            permits: Arc::new(Semaphore::new(permits)),
            idle: Mutex::default(),
            is_closed: AtomicBool::new(false),
            losses: AtomicU64::new(0),
            is_tidied: AtomicBool::new(false),
        })
    }

    /// A connection that works, as far as one can tell.
    pub(super) async fn acquire(self: &Arc<Self>) -> Result<Pooled, Error> {
        self.require_open()?;
        let until = Instant::now() + self.limits.acquire_timeout;
        let permit = timeout(
            self.limits.acquire_timeout,
            Arc::clone(&self.permits).acquire_owned(),
        )
        .await
        .map_err(|_| {
            metrics::counter!("zalt_postgres_pool_timeouts_total").increment(1);
            Error::PoolTimedOut
        })?
        .map_err(|_| Error::PoolClosed)?;
        self.require_open()?;
        let held = match self.reuse().await {
            Some(held) => held,
            None => self.connect(until).await?,
        };
        Ok(Pooled {
            held: Some(held),
            permit: Some(permit),
            pool: Arc::clone(self),
            is_broken: false,
            is_underway: false,
        })
    }

    fn require_open(&self) -> Result<(), Error> {
        if self.is_closed.load(Ordering::Acquire) {
            Err(Error::PoolClosed)
        } else {
            Ok(())
        }
    }

    async fn reuse(&self) -> Option<Held> {
        loop {
            let Idle { mut held, since } = self.idle().pop()?;
            let idle_for = since.elapsed();
            if idle_for > self.limits.idle_timeout || held.made.elapsed() > LONGEST_LIFE {
                let _ = timeout(PING, held.connection.close()).await;
                continue;
            }
            let losses = self.losses.load(Ordering::Acquire);
            if idle_for <= FRESH && held.losses == losses {
                return Some(held);
            }
            if let Ok(Ok(())) = timeout(PING, held.connection.ping()).await {
                held.losses = losses;
                return Some(held);
            }
            self.lost();
        }
    }

    async fn connect(&self, until: Instant) -> Result<Held, Error> {
        let losses = self.losses.load(Ordering::Acquire);
        let left = until.saturating_duration_since(Instant::now()).max(PING);
        let connection = timeout(left, self.options.connect())
            .await
            .map_err(|_| Error::Io(io::ErrorKind::TimedOut.into()))??;
        Ok(Held {
            connection,
            made: Instant::now(),
            losses,
        })
    }

    /// Closes the connections, those in use once they come back.
    pub(super) async fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        // Whoever waits is served before this and finds the pool closed.
        let all = self.permits.acquire_many(self.limits.max_connections).await;
        self.permits.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for idle in idle {
            let _ = timeout(PING, idle.held.connection.close()).await;
        }
    }

    pub(super) fn status(&self) -> PoolStatus {
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let limit = self.limits.max_connections;
        PoolStatus {
            limit,
            used: limit.saturating_sub(count(self.permits.available_permits())),
            idle: count(self.idle().len()),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self) {
        metrics::counter!("zalt_postgres_connections_lost_total").increment(1);
        self.losses.fetch_add(1, Ordering::AcqRel);
    }

    fn put_back(self: &Arc<Self>, held: Held) {
        if self.is_closed.load(Ordering::Acquire) {
            return;
        }
        let since = Instant::now();
        self.idle().push(Idle { held, since });
        self.tidy();
    }

    /// Sees to it that connections that nobody needs are closed, also where nobody comes any more.
    fn tidy(self: &Arc<Self>) {
        if self.is_tidied.swap(true, Ordering::AcqRel) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            self.is_tidied.store(false, Ordering::Release);
            return;
        };
        let pool = Arc::downgrade(self);
        let wait = self.limits.idle_timeout;
        runtime.spawn(async move {
            loop {
                sleep(wait).await;
                let Some(pool) = pool.upgrade() else {
                    return;
                };
                let unneeded: Vec<_> = {
                    let mut idle = pool.idle();
                    let kept = idle.partition_point(|idle| idle.since.elapsed() > wait);
                    idle.drain(..kept).collect()
                };
                for idle in unneeded {
                    let _ = timeout(PING, idle.held.connection.close()).await;
                }
                // The next connection that comes back begins anew.
                if pool.idle().is_empty() {
                    pool.is_tidied.store(false, Ordering::Release);
                    return;
                }
            }
        });
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options hold the password.
        f.debug_struct("Pool")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A connection while it is out of the pool.
pub(super) struct Pooled {
    /// `None` only while this is dropped.
    held: Option<Held>,
    permit: Option<OwnedSemaphorePermit>,
    pool: Arc<Pool>,
    is_broken: bool,
    is_underway: bool,
}

impl Pooled {
    /// The connection, for a statement that is begun. Until [`Pooled::is_over`] is said, an answer is owed.
    pub(super) fn begin(&mut self) -> Result<&mut PgConnection, Error> {
        self.is_underway = true;
        match &mut self.held {
            Some(held) => Ok(&mut held.connection),
            None => Err(Error::PoolClosed),
        }
    }

    pub(super) fn is_over(&mut self) {
        self.is_underway = false;
    }

    /// Has the connection closed, and those that are idle looked at before they are used.
    pub(super) fn is_lost(&mut self) {
        self.is_broken = true;
        self.pool.lost();
    }

    /// Has the connection closed.
    pub(super) fn is_spent(&mut self) {
        self.is_broken = true;
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let (Some(held), Some(permit)) = (self.held.take(), self.permit.take()) else {
            return;
        };
        if self.is_broken {
            return;
        }
        if !self.is_underway {
            self.pool.put_back(held);
            return;
        }
        // Whoever asked went away before the answer, which must not be taken for that of the next one.
        if let Ok(runtime) = Handle::try_current() {
            let pool = Arc::clone(&self.pool);
            runtime.spawn(settle(pool, held, permit));
        }
    }
}

/// Waits until the server is done with what it was asked, and takes the connection back.
async fn settle(pool: Arc<Pool>, mut held: Held, permit: OwnedSemaphorePermit) {
    // An error is the answer to what nobody waits for any more; the driver leaves no way to go on after it.
    if let Ok(Ok(())) = timeout(pool.limits.acquire_timeout, held.connection.ping()).await {
        pool.put_back(held);
    }
    drop(permit);
}
