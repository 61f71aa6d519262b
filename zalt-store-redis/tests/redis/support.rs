use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use zalt_store_redis::{RedisConnection, RedisOptions};

/// The Redis that tests share.
pub(crate) fn redis_url() -> String {
    variable("ZALT_TEST_REDIS_URL")
}

/// A node of the cluster that tests share.
pub(crate) fn cluster_url() -> String {
    variable("ZALT_TEST_REDIS_CLUSTER_URL")
}

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} has to say where to test: cargo xtask test sets it"))
}

/// A prefix that no other test has.
pub(crate) fn fresh_prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("test-{}-{nanos}-{number}:", std::process::id())
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
        Self::on(&redis_url(), RedisConnection::builder())
    }

    /// On the cluster that tests share.
    pub(crate) fn cluster() -> Self {
        Self::on(&cluster_url(), RedisConnection::builder().cluster(true))
    }

    pub(crate) fn on(url: &str, options: RedisOptions) -> Self {
        let prefix = fresh_prefix();
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
}

impl Place {
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
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("{}*", self.prefix))
            .query(&mut server)
            .unwrap_or_default();
        for key in keys {
            let _: Result<(), _> = redis::cmd("DEL").arg(key).exec(&mut server);
        }
    }
}
