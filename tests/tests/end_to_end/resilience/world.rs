use std::sync::{Arc, Mutex};

use reqwest::Method;
use tokio::time::Instant;

use super::calls::{Answer, Call, Calls};
use super::cluster::Cluster;
use super::person::Tally;
use super::pulse::Pulse;
use super::revoked::Revoked;
use crate::support::Mailbox;

/// What everybody in a run shares.
pub(super) struct World {
    pub(super) calls: Calls,
    /// Where people go: the balancer.
    pub(super) front: String,
    /// Each replica's own address.
    pub(super) replicas: Vec<String>,
    pub(super) mailbox: Mailbox,
    pub(super) pulse: Pulse,
    pub(super) revoked: Revoked,
    violations: Mutex<Vec<String>>,
}

impl World {
    pub(super) fn new(
        front: String,
        replicas: Vec<String>,
        mailbox: Mailbox,
        revoked: Revoked,
    ) -> Arc<Self> {
        Arc::new(Self {
            calls: Calls::new(),
            front,
            replicas,
            mailbox,
            pulse: Pulse::default(),
            revoked,
            violations: Mutex::default(),
        })
    }

    /// Sends a request; a write counts in the pulse.
    pub(super) async fn ask(&self, call: Call<'_>) -> Answer {
        let began = Instant::now();
        let writes = call.method != Method::GET;
        let answer = call.send().await;
        if writes {
            self.pulse.note(began, &answer);
        }
        answer
    }

    /// Something that must never happen has happened. Said at once, and the end of the run fails for it.
    pub(super) fn violation(&self, what: String) {
        eprintln!("VIOLATION: {what}");
        self.violations.lock().unwrap().push(what);
    }

    /// Stops the replicas, and fails the test if they did what they must not.
    pub(super) async fn close(&self, cluster: Cluster, tally: Tally, seed: u64) {
        let violations = self.violations.lock().unwrap().clone();
        if !violations.is_empty() {
            eprintln!("{}", cluster.logs().await);
        }
        cluster.stop().await;
        assert_eq!(violations, Vec::<String>::new(), "seed {seed}");
        assert!(
            tally.sign_ups > 3 && tally.ends > 10 && tally.refreshes > 10,
            "the load was no load: {tally:?}"
        );
    }
}
