//! The same people on the one replica that SQLite serves, with everything that they do at once.

use std::time::Duration;

use tokio::time::Instant;

use super::cluster::Cluster;
use super::figures::Figures;
use super::load::Load;
use super::revoked::Revoked;
use super::site::seed;
use super::world::World;
use crate::support::{Mailbox, Random, Setup};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_on_sqlite_is_killed() {
    let seed = seed();
    let mut random = Random::new(seed);
    let mailbox = Mailbox::open().await;
    let cluster = Cluster::start(1, &mailbox, &Setup::default().for_people()).await;
    // Whoever asks all replicas at once asks this one three times.
    let replicas = vec![cluster.origins().remove(0); 3];
    let bound = Revoked::within(Duration::ZERO);
    let world = World::new(cluster.front(), replicas, mailbox, bound);
    let load = Load::begin(&world, &mut random);
    load.go_on().await;
    let from = Instant::now();
    cluster.kill(0).await;
    cluster.spawn(0).await;
    cluster.all_ready().await;
    let ready = from.elapsed();
    load.go_on().await;
    let tally = load.end().await;
    let mut figures = Figures::of("A replica on SQLite");
    figures.fault("the replica is killed", &world, from, ready);
    figures.publish(&world, tally, seed);
    world.close(cluster, tally, seed).await;
}
