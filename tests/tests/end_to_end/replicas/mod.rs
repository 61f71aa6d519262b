//! Several servers over PostgreSQL and Redis.

mod availability;
mod starts;
mod together;
mod watched;

use std::time::Duration;

use zalt_services::{Postgres, PostgresOptions, Redis, RedisOptions};

use crate::support::{Client, Mailbox, Place, Server, Setup};

/// 32 bytes in base64. Replicas share their keys, which they can't make for themselves.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const PATIENCE: Duration = Duration::from_secs(30);

fn postgres() -> Postgres {
    Postgres::start(&PostgresOptions::default()).unwrap()
}

fn redis() -> Redis {
    Redis::start(&RedisOptions::default()).unwrap()
}

fn redis_with_password(password: &str) -> Redis {
    let redis = redis();
    redis
        .command(&format!("CONFIG SET requirepass {password}"))
        .unwrap();
    redis
}

/// A server of its own kind: on this database, with the key that all share.
fn setup(postgres: &Postgres) -> Setup {
    setup_at(&postgres.url("zalt"))
}

fn setup_at(url: &str) -> Setup {
    Setup::default()
        .in_postgres(url)
        .env("ENCRYPTION_KEY", KEY)
        // What people open; a proxy would stand there.
        .env("ZALT_BASE_URL", "http://localhost:3000")
        .env("ZALT_DATABASE_POOL_SIZE", "4")
}

/// Several servers that people see as one.
struct Replicas {
    mailbox: Mailbox,
    places: Vec<Place>,
    servers: Vec<Server>,
}

impl Replicas {
    /// Starts this many at once and waits until each serves.
    async fn start(number: usize, setup: &Setup) -> Self {
        let mailbox = Mailbox::open().await;
        let places: Vec<Place> = (0..number)
            .map(|_| Place::new(setup.clone().mail_to(&mailbox)))
            .collect();
        let mut servers: Vec<Server> = places.iter().map(Place::spawn).collect();
        for server in &mut servers {
            server.ready().await;
        }
        Self {
            mailbox,
            places,
            servers,
        }
    }

    fn browser(&self, number: usize) -> Client {
        Client::by_cookie(self.servers[number].origin())
    }

    /// The same person at another replica.
    fn moved(&self, client: &Client, number: usize) -> Client {
        client.twin_at(self.servers[number].origin())
    }

    async fn stop(self) {
        for server in self.servers {
            server.stop().await.well();
        }
    }
}
