use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::task::block_in_place;
use tokio::time::Instant;
use zalt_services::{Postgres, PostgresOptions, Redis, RedisOptions};

use super::cluster::Cluster;
use super::figures::Figures;
use super::load::Load;
use super::person::Tally;
use super::proxy::Gate;
use super::pulse::Stretch;
use super::revoked::Revoked;
use super::world::World;
use crate::support::{Mailbox, Random, Setup, number, until};

pub(super) const REPLICAS: usize = 3;
/// With Redis, a replica that hears nothing of the others uses its cache no longer than this.
const LEASE: Duration = Duration::from_secs(1);
/// Whoever writes while Redis comes back may be the last to reach it. Until then another replica, which hears Redis again and
/// nothing of that, goes by its cache for as long as an answer in it is good.
const CACHE_AGE: Duration = Duration::from_secs(5);

/// One installation at a time, also where all tests run in one process.
static TURN: Mutex<()> = Mutex::const_new(());

/// What an installation consists of besides PostgreSQL and three replicas.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    redis: bool,
    standby: bool,
    setup: Setup,
    /// How long a replica may let somebody in whose session another one ended.
    bound: Duration,
}

/// An installation that people use.
pub(super) struct Site {
    pub(super) cluster: Cluster,
    pub(super) world: Arc<World>,
    pub(super) load: Load,
    pub(super) random: Random,
    pub(super) base: Base,
    figures: Figures,
    seed: u64,
}

/// What the replicas share.
pub(super) struct Base {
    pub(super) postgres: Postgres,
    pub(super) standby: Option<Postgres>,
    /// Where the replicas find PostgreSQL.
    pub(super) gate: Gate,
    pub(super) redis: Option<Redis>,
    /// Where each replica finds Redis.
    pub(super) redis_gates: Vec<Gate>,
    setup: Setup,
    _turn: MutexGuard<'static, ()>,
}

/// Which choices people make.
pub(super) fn seed() -> u64 {
    let seed = number("ZALT_RESILIENCE_SEED", 20_261_124);
    eprintln!("seed {seed}");
    seed
}

impl Setup {
    /// For servers that the people of these tests use.
    pub(super) fn for_people(self) -> Self {
        // Everybody comes from this machine.
        self.env("ZALT_BUDGETS_NETWORK_TRIES", "1000000")
            // Somebody whose reply was lost in an outage asks again after it.
            .env("ZALT_SESSIONS_REFRESH_GRACE", "2m")
            .env("ZALT_ACCESS_TOKENS_LIFETIME", "1h")
            .env("ZALT_LOG_FILTER", "warn")
    }
}

impl Parts {
    pub(super) fn with_redis(mut self) -> Self {
        self.redis = true;
        self.bound = LEASE;
        self
    }

    /// With a Redis that will go away and come back.
    pub(super) fn with_lost_redis(mut self) -> Self {
        self.redis = true;
        self.bound = CACHE_AGE;
        self
    }

    /// With a standby that has every acknowledged commit.
    pub(super) fn with_standby(mut self) -> Self {
        self.standby = true;
        self
    }

    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.setup = self.setup.env(name, value);
        self
    }
}

impl Base {
    pub(super) async fn start(parts: Parts) -> Self {
        let turn = TURN.lock().await;
        let (postgres, standby, redis) = block_in_place(|| {
            let postgres = Postgres::start(&PostgresOptions::default()).unwrap();
            let standby = parts
                .standby
                .then(|| postgres.synchronous_standby("successor").unwrap());
            let redis = parts
                .redis
                .then(|| Redis::start(&RedisOptions::default()).unwrap());
            (postgres, standby, redis)
        });
        let gate = Gate::to(postgres.port()).await;
        let url = format!("postgres://zalt@127.0.0.1:{}/zalt", gate.port());
        let setup = parts.setup.env("DATABASE_URL", url).env(
            "ENCRYPTION_KEY",
            "dGhlIGtleSBvZiBhIHRlc3QsIHdpdGggMzIgYnl0ZXM=",
        );
        let mut redis_gates = Vec::new();
        if let Some(redis) = &redis {
            for _ in 0..REPLICAS {
                redis_gates.push(Gate::to(redis.port()).await);
            }
        }
        Self {
            postgres,
            standby,
            gate,
            redis,
            redis_gates,
            setup,
            _turn: turn,
        }
    }

    /// For three replicas on what there is, each with this besides.
    pub(super) fn setups(&self, besides: impl Fn(Setup) -> Setup) -> Vec<Setup> {
        let setups = (0..REPLICAS).map(|index| {
            let setup = besides(self.setup.clone());
            match self.redis_gates.get(index) {
                Some(gate) => setup.env("REDIS_URL", format!("redis://127.0.0.1:{}", gate.port())),
                None => setup,
            }
        });
        setups.collect()
    }

    pub(super) fn redis(&mut self) -> &mut Redis {
        self.redis.as_mut().expect("it was asked for")
    }
}

impl Site {
    /// Starts everything and lets people in.
    pub(super) async fn open(title: &str, parts: Parts) -> Self {
        let seed = seed();
        let mut random = Random::new(seed);
        let bound = Revoked::within(parts.bound);
        let base = Base::start(parts).await;
        let mailbox = Mailbox::open().await;
        let cluster = Cluster::start(&mailbox, base.setups(Setup::for_people)).await;
        let world = World::of(&cluster, mailbox, bound);
        let load = Load::begin(&world, &mut random);
        load.go_on().await;
        Self {
            cluster,
            world,
            load,
            random,
            base,
            figures: Figures::of(title),
            seed,
        }
    }

    /// Lets something happen under load. It is over when all replicas are ready again and a write was acknowledged.
    pub(super) async fn strike(
        &mut self,
        what: &str,
        fault: impl AsyncFnOnce(&mut Self),
    ) -> Stretch {
        eprintln!("{what} ...");
        let from = Instant::now();
        fault(self).await;
        self.cluster.all_ready().await;
        let ready = from.elapsed();
        until(
            "a write is acknowledged",
            Duration::from_secs(30),
            async || {
                let stretch = self.world.pulse.between(from, Instant::now());
                stretch.first_write
            },
        )
        .await;
        self.load.go_on().await;
        let stretch = self.world.pulse.between(from, Instant::now());
        self.figures.fault(what, stretch, ready);
        stretch
    }

    /// Sends everybody home, and fails unless everything that was acknowledged is found again.
    pub(super) async fn close(self) {
        let seed = self.seed;
        let (world, cluster, tally) = self.end().await;
        world.close(cluster, tally, seed).await;
    }

    /// Sends everybody home, and looks for everything that was acknowledged.
    pub(super) async fn end(self) -> (Arc<World>, Cluster, Tally) {
        let tally = self.load.end().await;
        let never = block_in_place(|| crate::crash::database::never_on(&self.base.postgres));
        for what in never {
            self.world.violation(what);
        }
        let queued = || {
            let count = "SELECT count(*) FROM zalt.messages";
            let count = block_in_place(|| self.base.postgres.psql(count)).unwrap();
            count.parse().unwrap()
        };
        let mails = self.world.mails_are_there(queued).await;
        self.figures.publish(&self.world, tally, mails, self.seed);
        (self.world, self.cluster, tally)
    }
}
