use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use tokio::time::Instant;

use super::calls::{Answer, Call, Calls};
use super::cluster::Cluster;
use super::mails::Mails;
use super::person::Tally;
use super::proxy::Balancer;
use super::pulse::Pulse;
use super::revoked::Revoked;
use crate::support::Mailbox;

/// Longer than a replica is paused in these tests, so that what is asked of a paused one is answered when it goes on.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT_PATIENCE: Duration = Duration::from_secs(3);

/// What everybody in a run shares.
pub(super) struct World {
    pub(super) calls: Calls,
    /// For those who go to a replica by its own address, and don't wait for one that is not there.
    pub(super) short_calls: Calls,
    /// Where people go: the balancer's address.
    pub(super) front: String,
    /// Each replica's own address.
    pub(super) replicas: Vec<String>,
    balancer: Arc<Balancer>,
    pub(super) mailbox: Mailbox,
    pub(super) pulse: Pulse,
    pub(super) mails: Mails,
    pub(super) revoked: Revoked,
    violations: Mutex<Vec<String>>,
}

impl World {
    pub(super) fn of(cluster: &Cluster, mailbox: Mailbox, revoked: Revoked) -> Arc<Self> {
        Arc::new(Self {
            calls: Calls::within(PATIENCE),
            short_calls: Calls::within(SHORT_PATIENCE),
            front: cluster.balancer.origin(),
            replicas: cluster.origins(),
            balancer: Arc::clone(&cluster.balancer),
            mailbox,
            pulse: Pulse::default(),
            mails: Mails::default(),
            revoked,
            violations: Mutex::default(),
        })
    }

    /// The addresses of all replicas of which nobody knows yet that they are away. Where there is one only, whoever asks all
    /// at once asks it three times.
    pub(super) fn alive(&self) -> Vec<String> {
        let alive = self.balancer.alive();
        if let [only] = &alive[..] {
            return vec![only.clone(); 3];
        }
        alive
    }

    /// Sends a request. A write through the balancer counts in the pulse.
    pub(super) async fn ask(&self, call: Call<'_>) -> Answer {
        let began = Instant::now();
        let counts = call.method != Method::GET && call.origin == self.front;
        let answer = call.send().await;
        if counts {
            self.pulse.note(began, &answer);
        }
        if let Answer::Unknown(text) = &answer
            && text.starts_with("500: ")
        {
            // Whatever is away has an error of its own.
            self.violation(format!("a request failed: {text}"));
        }
        answer
    }

    /// Something that must never happen has happened. Said at once, and the end of the run fails for it.
    pub(super) fn violation(&self, what: String) {
        eprintln!("VIOLATION: {what}");
        self.violations.lock().unwrap().push(what);
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }

    /// Stops the replicas, and fails the test if they did what they must not.
    pub(super) async fn close(&self, cluster: Cluster, tally: Tally, seed: u64) {
        let violations = self.violations();
        if !violations.is_empty() {
            eprintln!("{}", cluster.logs().await);
        }
        cluster.stop().await;
        assert_eq!(violations, Vec::<String>::new(), "seed {seed}");
        assert!(
            tally.sign_ups > 3 && tally.ends > 5 && tally.refreshes > 5,
            "the load was no load: {tally:?}"
        );
    }
}
