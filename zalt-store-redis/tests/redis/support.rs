use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zalt_core::budget::Budget;
use zalt_core::config::SessionCacheConfig;
use zalt_core::id::SessionId;
use zalt_core::session::RevokeReason;
use zalt_core::store::{Batch, Change, Invalidations, SessionQueries, Store};
use zalt_store_redis::{RedisConnection, RedisOptions, RedisStore};
use zalt_store_sqlite::SqliteStore;
use zalt_store_testkit::fixtures::{EPOCH, Fixtures};

/// Three tries an hour.
pub(crate) const THREE: Budget = Budget::Rate {
    tries: 3,
    period: Duration::from_hours(1),
};

/// What `cargo xtask test` says about the services.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} has to say where to test: cargo xtask test sets it"))
}

/// How long a condition is waited for, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(1);

/// A name that no other test has.
pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("test_{}_{nanos}_{number}", std::process::id())
}

/// Opens connections under a prefix of its own, whose keys go with this value.
#[derive(Debug)]
pub(crate) struct Place {
    url: String,
    options: RedisOptions,
    prefix: String,
}

impl Place {
    /// On the server that tests share.
    pub(crate) fn shared() -> Self {
        Self::shared_with("")
    }

    /// The same, with more in its URL.
    pub(crate) fn shared_with(query: &str) -> Self {
        let url = variable("ZALT_TEST_REDIS_URL") + query;
        Self::on(&url, RedisConnection::builder())
    }

    /// On the cluster that tests share.
    pub(crate) fn cluster() -> Self {
        Self::on(
            &variable("ZALT_TEST_REDIS_CLUSTER_URL"),
            RedisConnection::builder().cluster(true),
        )
    }

    pub(crate) fn on(url: &str, options: RedisOptions) -> Self {
        let prefix = format!("{}:", fresh_name());
        Self {
            url: url.to_owned(),
            options: options.prefix(&prefix),
            prefix,
        }
    }

    /// A connection of its own, as each replica has one.
    pub(crate) fn connect(&self) -> RedisConnection {
        self.options.clone().open(&self.url).unwrap()
    }

    /// A connection of its own as somebody else, whose password is their name.
    pub(crate) fn connect_as(&self, user: &str) -> RedisConnection {
        let url = self
            .url
            .replace("redis://", &format!("redis://{user}:{user}@"));
        self.options.clone().open(&url).unwrap()
    }

    /// The key of the stream by which replicas tell each other.
    pub(crate) fn stream(&self) -> String {
        format!("{}invalidations", self.prefix)
    }

    /// How long each key has to live, in milliseconds; -1 is for ever.
    pub(crate) fn lives(&self) -> Vec<i64> {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        let mut server = client.get_connection().unwrap();
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("{}*", self.prefix))
            .query(&mut server)
            .unwrap();
        keys.iter()
            .map(|key| redis::cmd("PTTL").arg(key).query(&mut server).unwrap())
            .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A server that the test took down keeps nothing, and the other nodes of a cluster are about to be removed.
        let Ok(client) = redis::Client::open(self.url.as_str()) else {
            return;
        };
        let Ok(mut server) = client.get_connection_with_timeout(Duration::from_secs(1)) else {
            return;
        };
        let _ = server.set_read_timeout(Some(Duration::from_secs(1)));
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("{}*", self.prefix))
            .query(&mut server)
            .unwrap_or_default();
        for key in keys {
            let _: Result<(), _> = redis::cmd("DEL").arg(key).exec(&mut server);
        }
    }
}

/// A database that several replicas share, each with a cache of its own.
pub(crate) struct Replicas {
    pub(crate) f: Fixtures,
    pub(crate) place: Place,
    store: Arc<SqliteStore>,
    #[expect(dead_code, reason = "dropped after the store")]
    folder: TempDir,
}

/// One of them.
pub(crate) type Replica = RedisStore<SqliteStore>;

/// How old a cached answer may be in these tests: far older than any of them gets.
pub(crate) const MAX_AGE: Duration = Duration::from_mins(10);

/// How long a replica that hears nothing uses its cache in these tests.
pub(crate) const LEASE: Duration = Duration::from_secs(1);

impl Replicas {
    pub(crate) fn new(place: Place) -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            f: Fixtures::default(),
            place,
            store: Arc::new(SqliteStore::open(folder.path().join("zalt.db")).unwrap()),
            folder,
        }
    }

    /// A replica that hears the others.
    pub(crate) async fn start(&self) -> Replica {
        self.start_over(self.place.connect()).await
    }

    pub(crate) async fn start_over(&self, connection: RedisConnection) -> Replica {
        let replica = self.start_unheard(connection);
        until_current(&replica).await;
        replica
    }

    pub(crate) fn start_unheard(&self, connection: RedisConnection) -> Replica {
        RedisStore::builder(connection)
            .session_cache(SessionCacheConfig {
                capacity: 1000,
                max_age: MAX_AGE,
            })
            .lease(LEASE)
            .start(Arc::clone(&self.store))
            .unwrap()
    }

    /// A session that is in the store and in the caches of all these.
    pub(crate) async fn session_known_to(&self, replicas: &[&Replica]) -> SessionId {
        let user = self.f.user();
        let session = self.f.session(&user);
        let batch = Batch::new()
            .change(Change::InsertUser(user))
            .change(Change::InsertSession(session.clone()));
        self.store.commit(batch).await.unwrap();
        for replica in replicas {
            until_current(replica).await;
            assert!(!is_revoked(replica, session.id).await);
        }
        session.id
    }

    /// Revokes a session where no cache can notice.
    pub(crate) async fn revoke_behind_all(&self, id: SessionId) {
        self.store.commit(revocation(id)).await.unwrap();
    }
}

pub(crate) fn revocation(id: SessionId) -> Batch {
    Batch::new().change(Change::RevokeSession {
        id,
        at: EPOCH,
        reason: RevokeReason::SignedOut,
    })
}

pub(crate) async fn is_revoked(replica: &Replica, id: SessionId) -> bool {
    let (session, _) = replica.session_with_user(id).await.unwrap().unwrap();
    session.revoked.is_some()
}

/// Waits until the replica uses its cache.
pub(crate) async fn until_current<S: Store + ?Sized>(replica: &RedisStore<S>) {
    let begun = now();
    while !replica.invalidations().is_current() {
        assert!(begun.elapsed() < PATIENCE, "the replica hears nobody");
        tokio::time::sleep(STEP).await;
    }
}

/// Asks until it is so, for at most 10 s, and tells how long that took.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let begun = now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "waited for: {what}");
        tokio::time::sleep(STEP).await;
    }
    begun.elapsed()
}

/// The monotonic clock, to measure with.
#[expect(
    clippy::disallowed_methods,
    reason = "these tests measure how long real servers take"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
