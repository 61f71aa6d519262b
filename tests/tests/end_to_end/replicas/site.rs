use std::sync::Arc;
use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::Instant;
use zalt_services::{Postgres, PostgresOptions, Redis, RedisOptions};

use super::cluster::Cluster;
use super::figures::Figures;
use super::load::Load;
use super::proxy::Gate;
use super::revoked::Revoked;
use super::world::World;
use crate::support::{Mailbox, Random, Setup, number, until};

pub(super) const REPLICAS: usize = 3;
/// A revocation is with the replicas that hear of Redis in milliseconds. One that hears nothing uses its cache no longer than
/// this, and a busy machine gets as much again.
const BOUND_WITH_REDIS: Duration = Duration::from_secs(2);

/// What an installation consists of besides PostgreSQL and three replicas.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    redis: bool,
    standby: bool,
    setup: Setup,
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
    pub(super) setup: Setup,
}

/// Which choices people make.
pub(super) fn seed() -> u64 {
    let seed = number("ZALT_REPLICAS_SEED", 20_261_124);
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
        let mut setup = parts.setup.env("DATABASE_URL", url).env(
            "ENCRYPTION_KEY",
            "dGhlIGtleSBvZiBhIHRlc3QsIHdpdGggMzIgYnl0ZXM=",
        );
        if let Some(redis) = &redis {
            setup = setup.env("REDIS_URL", redis.url());
        }
        Self {
            postgres,
            standby,
            gate,
            redis,
            setup,
        }
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
        let bound = if parts.redis {
            BOUND_WITH_REDIS
        } else {
            Duration::ZERO
        };
        let mut base = Base::start(parts).await;
        base.setup = base.setup.for_people();
        let mailbox = Mailbox::open().await;
        let cluster = Cluster::start(REPLICAS, &mailbox, &base.setup).await;
        let world = World::new(
            cluster.front(),
            cluster.origins(),
            mailbox,
            Revoked::within(bound),
        );
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
    pub(super) async fn strike(&mut self, what: &str, fault: impl AsyncFnOnce(&mut Self)) {
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
        self.figures.fault(what, &self.world, from, ready);
    }

    /// Sends everybody home, and finds everything that was acknowledged again.
    pub(super) async fn close(self) {
        let tally = self.load.end().await;
        let never = block_in_place(|| crate::crash::database::never_on(&self.base.postgres));
        for what in never {
            self.world.violation(what);
        }
        self.figures.publish(&self.world, tally, self.seed);
        self.world.close(self.cluster, tally, self.seed).await;
    }
}
