//! The server is killed again and again while people use it, and each time everything that was acknowledged is there.
//!
//! `ZALT_CRASH_KILLS` says how often (20 without it), `ZALT_CRASH_SEED` which random moments; both are printed. What the
//! threads of the machine do in between is not in the seed.

pub(crate) mod database;
mod ledger;
mod person;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::support::{Mailbox, Place, Random, Server, Setup, number};
use ledger::Ledger;

/// People at once.
const PEOPLE: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nobody_is_half_made() {
    let kills = number("ZALT_CRASH_KILLS", 20);
    let seed = number("ZALT_CRASH_SEED", 20_260_131);
    eprintln!("{kills} kills with seed {seed}");
    let mut random = Random::new(seed);
    let mailbox = Arc::new(Mailbox::open().await);
    let place = Place::new(setup(&mailbox));
    let ledger = Arc::new(Ledger::default());
    let began = Instant::now();
    let mut during_start = 0;
    for round in 1..=kills {
        if random.below(6) == 0 {
            kill_during_the_start(&place, &mut random).await;
            during_start += 1;
        } else {
            let server = place.start().await;
            ledger.check(server.origin()).await;
            let moment = Duration::from_millis(random.below(900));
            use_until(server, moment, &mailbox, &ledger, random.below(u64::MAX)).await;
        }
        database::check(&place);
        if round % 10 == 0 {
            eprintln!(
                "{round} kills, {} s: {}",
                began.elapsed().as_secs(),
                ledger.summary()
            );
        }
    }
    let server = place.start().await;
    ledger.check(server.origin()).await;
    ledger.mail_for_all(&mailbox).await;
    server.stop().await.well();
    let users = database::check(&place);
    eprintln!(
        "{kills} kills ({during_start} during the start), seed {seed}, {} s: {}; {users} users in the file",
        began.elapsed().as_secs(),
        ledger.summary()
    );
    assert!(ledger.sign_ups() >= kills / 4, "the load was no load");
}

/// Lets people in and kills the server at the moment that was drawn.
async fn use_until(
    server: Server,
    moment: Duration,
    mailbox: &Arc<Mailbox>,
    ledger: &Arc<Ledger>,
    seed: u64,
) {
    let mut people = JoinSet::new();
    for index in 0..PEOPLE {
        let random = Random::new(seed ^ (index << 32));
        let (origin, mailbox, ledger) =
            (server.origin().to_owned(), mailbox.clone(), ledger.clone());
        people.spawn(async move { person::live(&origin, &mailbox, &ledger, random).await });
    }
    // Not a wait for something to be done: the moment is drawn so that it is in the middle of anything.
    sleep(moment).await;
    let ended = server.kill().await;
    assert_eq!(
        ended.code, None,
        "it ended before it was killed: {}",
        ended.said
    );
    // Requests fail now and people notice; one who waits for a mail is sent home.
    people.shutdown().await;
}

/// The start writes as well: the schema and the keys.
async fn kill_during_the_start(place: &Place, random: &mut Random) {
    let server = place.spawn();
    sleep(Duration::from_micros(random.below(60_000))).await;
    server.kill().await;
}

fn setup(mailbox: &Mailbox) -> Setup {
    Setup::default()
        .in_a_file()
        .mail_to(mailbox)
        // Everybody comes from this machine.
        .env("ZALT_BUDGETS_NETWORK_TRIES", "1000000")
        .env("ZALT_LOG_FILTER", "warn")
}
