mod entry;
mod lease;
mod queue;
mod stream;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use zalt_core::store::{Announced, Invalidations, SessionCache, Stale};

use self::lease::Lease;
use self::queue::Queue;
use self::stream::{Broken, KnownNodes, Reader};
use crate::failure::Causes;
use crate::{OptionsError, RedisConnection, metrics, monotonic};

/// How replicas tell each other through Redis which sessions they wrote.
///
/// All replicas of an application share one stream. Whoever writes adds an entry to it before its caller hears of the
/// commit; everybody else waits for entries and forgets what they name. Each answer, also one without news, proves that
/// this replica has heard whatever was announced before it asked, and so gives it a *lease*: from that instant on it may
/// use its cache for [`DEFAULT_LEASE`](Self::DEFAULT_LEASE), or what was set in its place. Without a lease every check
/// asks the store.
///
/// So a revocation on one replica is refused by the others when they hear it, which takes a few milliseconds, and by one
/// that can't hear it within the lease. When the connection is lost, the stream was cut off or is another one, the cache
/// begins empty.
pub struct RedisInvalidations {
    shared: Arc<Shared>,
    tasks: [AbortHandle; 2],
}

struct Shared {
    connection: RedisConnection,
    key: String,
    /// Names this replica among those that announce.
    name: String,
    queue: Queue,
    lease: Lease,
    lasts: Duration,
}

/// How long to wait after a failure; it doubles up to the most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl RedisInvalidations {
    /// How long a replica that hears nothing goes on using its cache.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(1);

    /// Begins to listen for this cache, and to announce what is committed in front of it, on the tokio runtime of the
    /// caller.
    ///
    /// # Errors
    /// [`OptionsError::OutOfRange`] if the lease is not between 100 ms and 1 min, [`OptionsError::NoRuntime`] outside of a
    /// runtime.
    pub fn start(
        connection: RedisConnection,
        cache: &Arc<SessionCache>,
        lease: Duration,
    ) -> Result<Self, OptionsError> {
        Self::start_beside(connection, cache, lease, false)
    }

    /// The same, and a warning if what else is kept there may be thrown away.
    pub(crate) fn start_beside(
        connection: RedisConnection,
        cache: &Arc<SessionCache>,
        lease: Duration,
        account_budgets: bool,
    ) -> Result<Self, OptionsError> {
        if !(Duration::from_millis(100)..=Duration::from_mins(1)).contains(&lease) {
            return Err(OptionsError::OutOfRange { name: "lease" });
        }
        let runtime = Handle::try_current().map_err(|_| OptionsError::NoRuntime)?;
        let shared = Arc::new(Shared {
            key: format!("{}invalidations", connection.prefix()),
            name: random_name(),
            connection,
            queue: Queue::default(),
            lease: Lease::none(),
            lasts: lease,
        });
        let listener = Listener {
            shared: Arc::clone(&shared),
            cache: Arc::downgrade(cache),
            account_budgets,
        };
        let tasks = [
            runtime.spawn(listener.listen()).abort_handle(),
            runtime.spawn(announce(Arc::clone(&shared))).abort_handle(),
        ];
        Ok(Self { shared, tasks })
    }

    /// How many rows wait to be announced, because Redis is away.
    pub fn pending(&self) -> usize {
        self.shared.queue.len()
    }

    /// Waits until everything was announced, for at most `limit`. For the end of a process: what is left is lost with it.
    pub async fn flush(&self, limit: Duration) {
        // Past the limit there is no more to be done about it.
        let _ = timeout(limit, self.shared.queue.idle()).await;
    }
}

impl Invalidations for RedisInvalidations {
    fn announce(&self, stale: Vec<Stale>) -> Announced {
        let announced = self.shared.queue.push(stale);
        Box::pin(async move {
            // The sender is dropped when it is done, or not worth waiting for.
            let _ = announced.await;
        })
    }

    fn is_current(&self) -> bool {
        self.shared.lease.is_valid()
    }
}

impl Drop for RedisInvalidations {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl fmt::Debug for RedisInvalidations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisInvalidations")
            .field("connection", &self.shared.connection)
            .field("is_current", &self.is_current())
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}

/// Makes the announcements that wait, again and again until Redis takes them.
async fn announce(shared: Arc<Shared>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let bundle = shared.queue.take().await;
        let stale = bundle.stale();
        let entry = entry::add(&shared.key, stream::LENGTH, &shared.name, &stale);
        let prefix = shared.connection.prefix();
        match shared.connection.run("announce", &shared.key, &entry).await {
            Ok(_) => {
                metrics::announced(prefix, stale.len());
                metrics::pending(prefix, shared.queue.len());
                shared.queue.announced(bundle);
                pause = FIRST_PAUSE;
            }
            Err(failure) => {
                if pause == FIRST_PAUSE {
                    tracing::warn!(
                        prefix,
                        error = %Causes(&failure),
                        "other replicas can't be told what was written: where they still hear Redis, sessions stay \
                         cached up to their age"
                    );
                }
                metrics::pending(prefix, shared.queue.len() + stale.len());
                shared.queue.put_back(bundle);
                sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
}

/// Hears what others announce, on behalf of one cache.
struct Listener {
    shared: Arc<Shared>,
    cache: Weak<SessionCache>,
    account_budgets: bool,
}

impl Listener {
    async fn listen(mut self) {
        let shared = Arc::clone(&self.shared);
        let prefix = shared.connection.prefix();
        let mut known = KnownNodes::default();
        let mut pause = FIRST_PAUSE;
        let mut heard = true;
        while let Err(broken) = self.listen_once(&mut known, &mut pause, &mut heard).await {
            self.shared.lease.end();
            metrics::lease(prefix, false);
            if let Broken::Failure(failure) = &broken {
                metrics::error(prefix, "listen", failure);
            }
            if std::mem::take(&mut heard) {
                tracing::warn!(
                    prefix,
                    error = %Causes(&broken),
                    "other replicas can't be heard: sessions are read from the store until they can"
                );
            }
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Opens the stream and reads it until that fails, or until the cache is gone.
    async fn listen_once(
        &mut self,
        known: &mut KnownNodes,
        pause: &mut Duration,
        heard: &mut bool,
    ) -> Result<(), Broken> {
        let shared = Arc::clone(&self.shared);
        // Several answers fit into a lease, so that one which is late does not end it.
        let block = shared.lasts / 4;
        let opened = Reader::open(&shared.connection, known, &shared.key, &shared.name, block);
        let (mut reader, opened_at) = opened.await?;
        // What was announced before the reader began was missed. What was read from the store since is in order, and
        // what is being read now is not kept.
        if !self.forget(&[Stale::Everything]) {
            return Ok(());
        }
        let prefix = shared.connection.prefix();
        metrics::forgot_everything(prefix);
        self.renew(opened_at);
        if !std::mem::replace(heard, true) {
            tracing::info!(prefix, "other replicas are heard again");
        }
        // Said once; whoever reads it changes the configuration, or has reasons.
        if std::mem::take(&mut self.account_budgets)
            && let Some(policy) = reader.eviction().await
        {
            tracing::warn!(
                prefix,
                policy,
                "a full Redis may throw away the tries of accounts: set maxmemory-policy noeviction"
            );
        }
        loop {
            let news = reader.next().await?;
            *pause = FIRST_PAUSE;
            let mut count = 0;
            for entry in &news.entries {
                if entry.from.as_deref() != Some(shared.name.as_bytes()) {
                    count += entry.stale.len();
                    if !self.forget(&entry.stale) {
                        return Ok(());
                    }
                }
            }
            metrics::heard(prefix, count);
            if let Some(complete_at) = news.complete_at {
                self.renew(complete_at);
            }
        }
    }

    fn renew(&self, complete_at: Instant) {
        let until = complete_at + self.shared.lasts;
        self.shared.lease.renew(until);
        metrics::lease(self.shared.connection.prefix(), monotonic::now() < until);
    }

    /// Whether there is still a cache that can forget.
    fn forget(&self, stale: &[Stale]) -> bool {
        let cache = self.cache.upgrade();
        if let Some(cache) = &cache {
            cache.forget(stale);
        }
        cache.is_some()
    }
}

/// A name that no other replica has, in this process or another.
fn random_name() -> String {
    // Keyed by the randomness of the operating system anew for each value.
    let part = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", part(), part())
}
