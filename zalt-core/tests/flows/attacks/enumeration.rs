use zalt_core::Error;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy, Proof};
use zalt_core::session::Transport;

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
