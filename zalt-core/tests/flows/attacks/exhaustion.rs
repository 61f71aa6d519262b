use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join_all, pending, ready};
use zalt_core::Error;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy, NewSignUp};
use zalt_core::config::AccessTokenSigning;
use zalt_core::identifier::Username;
use zalt_core::jwt::JwtError;
use zalt_core::password::Argon2Params;
use zalt_core::session::Transport;

use crate::faults::FaultyStore;
use crate::support::*;

#[test]
fn a_store_without_room_does_not_keep_the_worker_spinning() {
    let app = App::new();
    run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    app.faults.full.store(true, Ordering::SeqCst);
    assert!(matches!(run(app.worker.send_due()), Err(Error::Store(_))));
    app.faults.full.store(false, Ordering::SeqCst);
    assert_eq!(app.mails_to("ada@example.com"), 1);
}

#[test]
fn a_mailer_that_never_answers_does_not_hold_up_the_worker() {
    let app = App::new();
    run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    app.outbox.hang_next();
    let App {
        zalt,
        worker,
        outbox,
        ..
    } = app;
    // Only the wait for the mailer passes; the worker's own pause does not.
    let sleep = |duration: Duration| {
        if duration == Duration::from_secs(45) {
            ready(()).boxed()
        } else {
            pending().boxed()
        }
    };
    assert!(worker.run(sleep).now_or_never().is_none());
    assert_eq!(outbox.all().len(), 0);
    // Put off, not under a lease.
    let due = run(zalt.store().next_message_due()).unwrap().unwrap();
    assert_eq!(due.since(zalt.now()), Duration::from_secs(5));
}

#[test]
fn one_message_that_does_not_open_holds_up_no_other() {
    let (store, old, new) = (FaultyStore::default(), fresh_keys(), fresh_keys());
    let hs256 = |config: &mut zalt_core::Config| {
        config.access_tokens.signing = AccessTokenSigning::SharedSecret(vec![7; 32].into());
    };
    let before = App::over(store.clone(), &old, hs256);
    run(before
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    let after = App::over(store, &new, hs256);
    run(after
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("eve@example.com")))
    .unwrap();
    run(after.worker.send_due()).unwrap();
    assert_eq!(after.outbox.all().len(), 1);
    // It waits for its key longer each time, and is given up when it expires.
    after.clock.advance(10 * MINUTE);
    run(after.worker.send_due()).unwrap();
    assert_eq!(run(after.zalt.store().next_message_due()).unwrap(), None);
}

#[test]
fn tokens_of_unknown_keys_make_no_more_reads_than_one_in_five_seconds() {
    let app = App::new();
    let other = App::new();
    let signed_in = other.sign_up_by("ada@example.com", Transport::Bearer);
    let (foreign, _) = bearer(&signed_in);
    app.faults.no_keys.store(true, Ordering::SeqCst);
    app.clock.advance(MINUTE);
    let reads = || app.faults.key_reads.load(Ordering::SeqCst);
    let before = reads();
    let verify = || async { app.zalt.access_tokens().verify(&foreign).await };
    let answers = run(join_all((0..50).map(|_| verify())));
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Err(JwtError::UnknownKid)))
    );
    assert_eq!(reads() - before, 1);
    app.clock.advance(Duration::from_secs(4));
    let _ = run(verify());
    assert_eq!(reads() - before, 1);
    app.clock.advance(Duration::from_secs(1));
    let _ = run(verify());
    assert_eq!(reads() - before, 2);
}

#[test]
fn a_full_queue_of_passwords_costs_nobody_a_try() {
    let app = App::with(|config| {
        config.hashing.threads = NonZeroUsize::MIN;
        config.hashing.queue = NonZeroUsize::MIN;
        // At full cost, so that the queue does fill up.
        config.hashing.params = Argon2Params::default();
    });
    app.sign_up("ada@example.com");
    let results = run(join_all((0..200).map(|_| async {
        let password = password("wrong horse battery");
        app.zalt
            .sign_ins()
            .with_password(&request(), "ada@example.com", password, Transport::Cookie)
            .await
    })));
    let count = |is: fn(&Error) -> bool| {
        results
            .iter()
            .filter(|result| result.as_ref().is_err_and(is))
            .count()
    };
    let tried = count(|error| matches!(error, Error::CredentialsIncorrect));
    let refused = count(|error| matches!(error, Error::Overloaded { .. }));
    let limited = count(|error| matches!(error, Error::RateLimited { .. }));
    assert_eq!(tried + refused + limited, 200);
    assert!(refused > 0, "the queue never filled up");
    // Eleven tries are what the budget has.
    assert!(limited == 0 || tried == 11, "{tried} of {limited}");
}

#[test]
fn a_new_password_that_is_refused_costs_no_try_of_the_old_one() {
    let app = App::new();
    let signed_in = app.sign_up("ada@example.com");
    let who = run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&signed_in).expose()))
    .unwrap();
    let change = |new: &str| {
        let current = Some(password(PASSWORD));
        run(app
            .zalt
            .users()
            .change_password(&request(), &who, current, password(new), true))
    };
    for _ in 0..20 {
        assert!(matches!(change("password"), Err(Error::PasswordRefused(_))));
    }
    change("a better horse battery").unwrap();
}

#[test]
fn mails_to_one_mailbox_do_not_multiply_with_its_names() {
    let app = App::new();
    let new = NewSignUp {
        username: Some(Username::parse("ada").unwrap()),
        ..new_sign_up("ada@example.com")
    };
    app.sign_up_with("ada@example.com", new);
    app.clock.advance(HOUR);
    let sent = || {
        run(app.worker.send_due()).unwrap();
        let mails = app.outbox.all();
        mails
            .iter()
            .filter(|mail| mail.to.starts_with("ada"))
            .count()
    };
    let before = sent();
    let sign_ins = app.zalt.sign_ins();
    let ask = |name: &str| {
        let started = run(sign_ins.create(&request(), name, Transport::Cookie)).unwrap();
        let (purpose, strategy) = (ChallengePurpose::SignIn, ChallengeStrategy::EmailCode);
        run(sign_ins.prepare(&request(), &started.token, purpose, strategy)).map(drop)
    };
    for _ in 0..6 {
        for name in ["ada", "ada@example.com"] {
            ask(name).unwrap();
        }
    }
    assert_eq!(sent() - before, 10);
    // Nobody is told: whoever sees the mails of one name run out by another's would know that both are one person's.
    for tag in 0..5 {
        let address = format!("ADA+{tag}@example.com");
        run(app
            .zalt
            .sign_ups()
            .create(&request(), new_sign_up(&address)))
        .unwrap();
        ask(&address).unwrap();
    }
    assert_eq!(sent() - before, 10);
    ask("ben@example.com").unwrap();
    // Links for a new password are counted apart.
    let started = run(sign_ins.create(&request(), "ada", Transport::Cookie)).unwrap();
    let (purpose, strategy) = (
        ChallengePurpose::ResetPassword,
        ChallengeStrategy::EmailLink,
    );
    run(sign_ins.prepare(&request(), &started.token, purpose, strategy)).unwrap();
    assert_eq!(sent() - before, 11);
    app.clock.advance(HOUR);
    ask("ada").unwrap();
    assert_eq!(sent() - before, 12);
}
