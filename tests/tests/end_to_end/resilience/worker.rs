//! What is done in the background is done once, whichever replica does it and whichever dies.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::calls::{Answer, Calls};
use super::cluster::Cluster;
use super::site::{Base, Parts, REPLICAS};
use super::start::key_ids;
use crate::support::{Clock, Mailbox, until};

/// Mails that are queued at once.
const MAILS: usize = 60;
/// Messages that one replica has under way at once: as many may go out twice when it is killed.
pub(super) const IN_HAND: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn every_mail_goes_out_once() {
    let base = Base::start(Parts::default()).await;
    let mailbox = Mailbox::open().await;
    let cluster = Cluster::start(&mailbox, base.setups(|setup| setup)).await;
    let queued = queue(&cluster, "one", |n| n % REPLICAS).await;
    assert_eq!(queued.len(), MAILS);
    let counts = all_arrived(&mailbox, &queued).await;
    assert!(counts.values().all(|&count| count == 1), "{counts:?}");
    // In order, so that what is under way is done or put back.
    cluster.stop().await;
    assert_eq!(counts_by_message(&mailbox), counts);
    assert_eq!(left_in_queue(&base), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn mails_outlive_the_replica_that_queued_them() {
    let base = Base::start(Parts::default()).await;
    let mailbox = Mailbox::open().await;
    // Slow enough that the replica dies with mails in its hands.
    mailbox.answer_after(Duration::from_millis(300));
    let Some(clock) = Clock::at("+0") else {
        return;
    };
    let setups = base.setups(|setup| clock.applied_to(setup));
    let cluster = Cluster::start(&mailbox, setups).await;
    let queued = queue(&cluster, "one", |_| 0).await;
    assert_eq!(queued.len(), MAILS);
    until("a mail is under way", Duration::from_secs(10), async || {
        (!mailbox.letters().is_empty()).then_some(())
    })
    .await;
    cluster.kill(0).await;
    // Those that it had in its hands are free again after a minute.
    clock.set("+61s");
    let counts = all_arrived(&mailbox, &queued).await;
    until("the queue is empty", Duration::from_secs(30), async || {
        (left_in_queue(&base) == "0").then_some(())
    })
    .await;
    let twice = counts.values().filter(|&&count| count > 1).count();
    assert!(
        (1..=IN_HAND).contains(&twice),
        "sent and killed before that was written: {counts:?}"
    );
    assert!(counts.values().all(|&count| count <= 2), "{counts:?}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn replicas_that_rotate_at_once_make_one_key() {
    let base = Base::start(Parts::default()).await;
    let mailbox = Mailbox::open().await;
    let mut keys = 0;
    for days in ["+0", "+89d", "+179d", "+269d"] {
        let Some(clock) = Clock::at(days) else {
            return;
        };
        let setups = base.setups(|setup| clock.applied_to(setup));
        // Each finds at its start that a key is due.
        let cluster = Cluster::start(&mailbox, setups).await;
        key_ids(&cluster).await;
        keys += 1;
        let made = base
            .postgres
            .psql("SELECT count(*) FROM zalt.events WHERE kind = 'signing_key.created'")
            .unwrap();
        assert_eq!(made, keys.to_string(), "at {days}");
        cluster.stop().await;
    }
}

/// Begins sign-ups, each of which queues a mail, and returns the addresses of those that were acknowledged.
async fn queue(cluster: &Cluster, name: &str, replica: impl Fn(usize) -> usize) -> Vec<String> {
    let calls = Calls::within(Duration::from_secs(20));
    let origins = cluster.origins();
    let all = (0..MAILS).map(|n| {
        let (calls, origin) = (&calls, &origins[replica(n)]);
        let email = format!("{name}-{n}@example.com");
        async move {
            let body = json!({ "email_address": email, "password": "a secret of many words", "transport": "bearer" });
            let answer = calls.post(origin, "/v1/client/sign-ups", body).send().await;
            matches!(answer, Answer::Done(_)).then_some(email)
        }
    });
    let all = futures_util::future::join_all(all).await;
    all.into_iter().flatten().collect()
}

/// Waits until everybody has a mail, and tells how often each was sent.
async fn all_arrived(mailbox: &Mailbox, queued: &[String]) -> BTreeMap<String, usize> {
    for email in queued {
        mailbox.holds_one_for(email).await;
    }
    counts_by_message(mailbox)
}

fn counts_by_message(mailbox: &Mailbox) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for letter in mailbox.letters() {
        let id = letter.message_id().expect("a mail has an id").to_owned();
        *counts.entry(id).or_default() += 1;
    }
    counts
}

fn left_in_queue(base: &Base) -> String {
    base.postgres
        .psql("SELECT count(*) FROM zalt.messages")
        .unwrap()
}
