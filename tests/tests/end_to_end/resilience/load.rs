use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::person::{Person, Tally};
use super::world::World;
use crate::support::{Random, number, until};

/// People at once.
const PEOPLE: usize = 6;
/// Writes that make a load.
const DONE: usize = 50;
const PATIENCE: Duration = Duration::from_mins(1);
/// How many are asked at once, at the end, what became of them.
const CHECKED_AT_ONCE: usize = 4;

/// People who use the replicas while things happen to them.
pub(super) struct Load {
    world: Arc<World>,
    over: watch::Sender<bool>,
    people: Vec<JoinHandle<Vec<Person>>>,
    haunting: JoinHandle<()>,
}

impl Load {
    pub(super) fn begin(world: &Arc<World>, random: &mut Random) -> Self {
        let (over, _) = watch::channel(false);
        let next = Arc::new(AtomicU64::new(0));
        let people = (0..PEOPLE)
            .map(|_| {
                let lives = live(
                    Arc::clone(world),
                    Arc::clone(&next),
                    random.fork(),
                    over.subscribe(),
                );
                tokio::spawn(lives)
            })
            .collect();
        Self {
            world: Arc::clone(world),
            over,
            people,
            haunting: tokio::spawn(Arc::clone(world).haunt(random.fork())),
        }
    }

    /// Lets people be for a while, before and after what happens, and until they have got something done.
    pub(super) async fn go_on(&self) {
        let began = Instant::now();
        let seconds = number("ZALT_RESILIENCE_SECONDS", 2);
        sleep(Duration::from_secs(seconds)).await;
        until("people get something done", PATIENCE, async || {
            let stretch = self.world.pulse.between(began, Instant::now());
            (stretch.acknowledged >= DONE).then_some(())
        })
        .await;
    }

    /// Sends everybody home and holds the replicas, who all have to answer, against all that was acknowledged.
    pub(super) async fn end(self) -> Tally {
        self.over.send_replace(true);
        let mut everybody = Vec::new();
        for people in self.people {
            everybody.extend(people.await.unwrap());
        }
        self.haunting.abort();
        let mut tally = Tally::default();
        let mut checks = JoinSet::new();
        for mut person in everybody {
            tally += person.tally;
            if checks.len() >= CHECKED_AT_ONCE {
                checks.join_next().await.unwrap().unwrap();
            }
            checks.spawn(async move { person.check_all().await });
        }
        while let Some(checked) = checks.join_next().await {
            checked.unwrap();
        }
        self.world.all_stay_out().await;
        tally
    }
}

/// One life after the other.
async fn live(
    world: Arc<World>,
    next: Arc<AtomicU64>,
    mut random: Random,
    over: watch::Receiver<bool>,
) -> Vec<Person> {
    let mut lived = Vec::new();
    while !*over.borrow() {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let person = Person::new(Arc::clone(&world), number, random.fork());
        lived.push(person.live(over.clone()).await);
    }
    lived
}
