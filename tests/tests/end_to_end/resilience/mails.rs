//! Mails that were promised, and when they came.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::world::World;

/// How many mails with a code were acknowledged to be on their way, by address.
#[derive(Default)]
pub(super) struct Mails(Mutex<BTreeMap<String, usize>>);

/// What became of them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delivered {
    pub(super) arrived: usize,
    /// Sent a second time, by whoever found them left behind.
    pub(super) twice: usize,
    /// Not there yet: a replica that dies leaves those in its hands to the others after a minute.
    pub(super) missing: usize,
    /// From the commit to the mailbox.
    pub(super) longest: Duration,
}

/// How long what is missing may take to come, or to be found in the queue.
const PATIENCE: Duration = Duration::from_secs(10);

impl World {
    pub(super) fn mail_asked(&self, email: &str) {
        let mut asked = self.mails.0.lock().unwrap();
        *asked.entry(email.to_owned()).or_default() += 1;
    }

    /// Every mail that was promised has come, or is among those that are still queued.
    pub(super) async fn mails_are_there(&self, queued: impl Fn() -> usize) -> Delivered {
        let began = Instant::now();
        loop {
            let left = queued();
            let delivered = self.delivered();
            if delivered.missing <= left {
                return delivered;
            }
            if began.elapsed() > PATIENCE {
                self.violation(format!("{left} mails are queued: {delivered:?}"));
                return delivered;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn delivered(&self) -> Delivered {
        let mut delivered = Delivered::default();
        let mut came: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for letter in self.mailbox.letters() {
            let Some(id) = letter.message_id() else {
                continue;
            };
            let ids = came.entry(letter.to.clone()).or_default();
            if ids.insert(id.to_owned()) {
                delivered.arrived += 1;
                delivered.longest = delivered.longest.max(letter.underway());
            } else {
                delivered.twice += 1;
            }
        }
        for (email, asked) in &*self.mails.0.lock().unwrap() {
            let came = came.get(email).map_or(0, BTreeSet::len);
            delivered.missing += asked.saturating_sub(came);
        }
        delivered
    }
}
