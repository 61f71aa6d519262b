use std::time::Duration;

use zalt_core::Error;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy, Proof};
use zalt_core::event::EventKind;
use zalt_core::session::{AuthenticationMethod, Transport};
use zalt_core::user::User;

use crate::support::*;

/// Wrong codes at sign-in until the budget of codes is spent.
fn spend_codes(app: &App, identifier: &str) {
    let sign_ins = app.zalt.sign_ins();
    for _ in 0..3 {
        let started = run(sign_ins.create(&request(), identifier, Transport::Cookie)).unwrap();
        run(sign_ins.prepare(
            &request(),
            &started.token,
            ChallengePurpose::SignIn,
            ChallengeStrategy::EmailCode,
        ))
        .unwrap();
        for _ in 0..5 {
            // Five digits are never right.
            let guess = Proof::code("12345");
            let _ = run(sign_ins.attempt_proof(&request(), &started.token, &guess));
        }
    }
}

#[test]
fn codes_guessed_at_sign_in_do_not_show_at_sign_up_who_has_an_account() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let answers = ["ada@example.com", "eve@example.com"].map(|address| {
        spend_codes(&app, address);
        let started = run(app.zalt.sign_ups().create(&request(), new_sign_up(address))).unwrap();
        let guess = Proof::code("12345");
        run(app
            .zalt
            .sign_ups()
            .attempt_proof(&request(), &started.token, &guess))
        .unwrap_err()
        .code()
    });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], Error::CodeIncorrect.code());
}

#[test]
fn a_lock_leaves_one_event_however_often_it_is_met() {
    let app = App::new();
    let user = app.sign_up("ada@example.com").user;
    let eve = app.sign_up("eve@example.com").user;
    let locks_of = |user: &User| {
        let kinds = app.event_kinds(user.id).into_iter();
        kinds
            .filter(|kind| matches!(kind, EventKind::SignInLocked { .. }))
            .collect::<Vec<_>>()
    };
    let locks = || locks_of(&user);
    let guess = || {
        let wrong = password("wrong horse battery");
        let sign_ins = app.zalt.sign_ins();
        run(sign_ins.with_password(&request(), "ada@example.com", wrong, Transport::Cookie))
            .unwrap_err()
    };
    for _ in 0..50 {
        guess();
    }
    let until = Some(app.zalt.now() + Duration::from_secs(30));
    let method = AuthenticationMethod::Password;
    assert_eq!(locks(), [EventKind::SignInLocked { method, until }]);
    app.clock.advance(Duration::from_secs(30));
    guess();
    guess();
    assert_eq!(locks().len(), 2);

    spend_codes(&app, "eve@example.com");
    let method = AuthenticationMethod::Email;
    assert!(
        matches!(&locks_of(&eve)[0], EventKind::SignInLocked { method: first, .. } if *first == method)
    );
}
