use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::pending;
use zalt_core::ReadinessError;
use zalt_core::message::SendError;

use crate::faults::FaultyStore;
use crate::support::*;

#[test]
fn a_mail_that_fails_for_now_is_sent_later_and_once() {
    let app = App::new();
    app.outbox.fail_next(SendError::Temporary("busy".into()));
    run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    assert_eq!(app.mails_to("ada@example.com"), 0);
    app.clock.advance(Duration::from_secs(4));
    assert_eq!(app.mails_to("ada@example.com"), 0);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(app.mails_to("ada@example.com"), 1);
    app.clock.advance(HOUR);
    assert_eq!(app.mails_to("ada@example.com"), 1);
}

#[test]
fn a_mail_that_is_refused_or_too_late_is_given_up() {
    let app = App::new();
    app.outbox
        .fail_next(SendError::Permanent("no such mailbox".into()));
    run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    assert_eq!(app.mails_to("ada@example.com"), 0);
    app.clock.advance(MINUTE);
    assert_eq!(app.mails_to("ada@example.com"), 0);

    run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("eve@example.com")))
    .unwrap();
    app.clock.advance(10 * MINUTE);
    assert_eq!(app.mails_to("eve@example.com"), 0);
    assert_eq!(run(app.zalt.store().next_message_due()).unwrap(), None);
}

#[test]
fn a_queued_mail_is_unreadable_in_the_store() {
    let app = App::new();
    run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    let queued = run(app.zalt.store().due_messages(app.zalt.now(), 10)).unwrap();
    let bytes = queued[0].content.as_bytes();
    assert!(!bytes.windows(3).any(|window| window == b"ada"));
}

#[test]
fn a_missing_worker_is_reported_and_a_running_one_is_not() {
    let app = App::new();
    run(app.zalt.ready()).unwrap();
    app.clock.advance(2 * MINUTE);
    assert!(matches!(run(app.zalt.ready()), Err(ReadinessError::Worker)));
    let App { zalt, worker, .. } = app;
    // One turn of its loop, up to the first sleep.
    assert!(worker.run(|_| pending()).now_or_never().is_none());
    run(zalt.ready()).unwrap();
}

/// The waits of a worker's loop up to its first long one.
fn waits(app: App) -> Vec<Duration> {
    let waits = Mutex::new(Vec::new());
    let sleep = |wait| {
        waits.lock().unwrap().push(wait);
        pending()
    };
    assert!(app.worker.run(sleep).now_or_never().is_none());
    waits.into_inner().unwrap()
}

#[test]
fn a_code_queued_by_a_replica_that_died_or_before_an_outage_waits_a_few_seconds() {
    assert_eq!(waits(App::new()), [Duration::from_secs(5)]);

    let store = FaultyStore::default();
    let app = App::over(store.clone(), &fresh_keys(), |_| {});
    run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    store.faults.full.store(true, Ordering::SeqCst);
    // The sign-up woke it once more.
    assert_eq!(waits(app), [Duration::from_secs(2); 2]);
}

/// A worker with more messages to send than it takes up at once, and the key to the mail server that holds them up.
fn overworked() -> (App, futures_util::lock::OwnedMutexGuard<()>) {
    let app = App::new();
    for person in 0..12 {
        let new = new_sign_up(&format!("person-{person}@example.com"));
        run(app.zalt.sign_ups().create(&request(), new)).unwrap();
    }
    let held_up = app.outbox.held_up();
    (app, held_up)
}

#[test]
fn a_worker_that_is_to_stop_finishes_what_is_under_way_and_takes_up_no_more() {
    let (app, held_up) = overworked();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = stopped.map(drop);
    let mut working = Box::pin(app.worker.run_until(|_| pending(), stopped));
    assert!((&mut working).now_or_never().is_none());
    drop(stop);
    assert!((&mut working).now_or_never().is_none());
    drop(held_up);
    run(working);
    assert_eq!(app.outbox.all().len(), 8);
    let queued = run(app.zalt.store().due_messages(app.zalt.now() + HOUR, 100)).unwrap();
    assert_eq!(queued.len(), 4);
}

#[test]
fn a_worker_that_has_nothing_to_do_stops_at_once() {
    let (stop, stopped) = oneshot::channel::<()>();
    let working = App::new()
        .worker
        .run_until(|_| pending(), stopped.map(drop));
    let mut working = Box::pin(working);
    assert!((&mut working).now_or_never().is_none());
    drop(stop);
    assert!(working.now_or_never().is_some());
}

#[test]
fn a_mail_server_that_is_slow_does_not_make_the_worker_look_dead() {
    let (app, held_up) = overworked();
    let mut working = Box::pin(app.worker.run(|_| pending()));
    assert!((&mut working).now_or_never().is_none());
    app.clock.advance(MINUTE);
    drop(held_up);
    // The last of them are taken up now.
    assert!((&mut working).now_or_never().is_none());
    app.clock.advance(MINUTE);
    run(app.zalt.ready()).unwrap();
}
