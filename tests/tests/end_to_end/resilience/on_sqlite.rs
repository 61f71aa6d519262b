//! The same people on the one replica that SQLite serves, with everything that they do at once.

use std::time::Duration;

use tokio::time::Instant;

use super::cluster::Cluster;
use super::figures::Figures;
use super::load::Load;
use super::revoked::Revoked;
use super::site::seed;
use super::worker::IN_HAND;
use super::world::World;
use crate::support::{Mailbox, Random, Setup};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_on_sqlite_is_killed() {
    let seed = seed();
    let mut random = Random::new(seed);
    let mailbox = Mailbox::open().await;
    let setups = vec![Setup::default().for_people()];
    let cluster = Cluster::start(&mailbox, setups).await;
    let world = World::of(&cluster, mailbox, Revoked::within(Duration::ZERO));
    let load = Load::begin(&world, &mut random);
    load.go_on().await;
    let from = Instant::now();
    cluster.kill(0).await;
    cluster.spawn(0).await;
    cluster.all_ready().await;
    let ready = from.elapsed();
    load.go_on().await;
    let stretch = world.pulse.between(from, Instant::now());
    let tally = load.end().await;
    let mut figures = Figures::of("A replica on SQLite");
    figures.fault("the replica is killed", stretch, ready);
    // The replica that was killed had some in its hands, at the most.
    let mails = world.mails_are_there(|| IN_HAND).await;
    figures.publish(&world, tally, mails, seed);
    world.close(cluster, tally, seed).await;
}
