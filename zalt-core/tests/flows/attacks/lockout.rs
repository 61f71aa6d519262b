use std::time::Duration;

use zalt_core::Error;
use zalt_core::attempt::{
    ChallengePurpose, ChallengeStrategy, Proof, SignInProgress, StartedSignIn,
};
use zalt_core::secret::LinkToken;
use zalt_core::session::Transport;

use crate::support::*;

const ADA: &str = "ada@example.com";
const NEW_PASSWORD: &str = "a better horse battery";

fn begin(app: &App) -> StartedSignIn {
    run(app
        .zalt
        .sign_ins()
        .create(&request(), ADA, Transport::Cookie))
    .unwrap()
}

fn prepare(
    app: &App,
    started: &StartedSignIn,
    purpose: ChallengePurpose,
    strategy: ChallengeStrategy,
) -> Result<(), Error> {
    run(app
        .zalt
        .sign_ins()
        .prepare(&request(), &started.token, purpose, strategy))
    .map(drop)
}

fn guess(app: &App, started: &StartedSignIn) -> Error {
    // Five digits are never right.
    run(app
        .zalt
        .sign_ins()
        .attempt_proof(&request(), &started.token, &Proof::code("12345")))
    .unwrap_err()
}

/// Wrong codes, with the waits in between, until no code of the account is accepted any more.
fn spend_codes_for_good(app: &App) {
    loop {
        app.clock.advance(HOUR);
        let started = begin(app);
        prepare(
            app,
            &started,
            ChallengePurpose::SignIn,
            ChallengeStrategy::EmailCode,
        )
        .unwrap();
        app.mails_to(ADA);
        for _ in 0..5 {
            match guess(app, &started) {
                Error::RateLimited { retry_after: None } => return,
                Error::RateLimited {
                    retry_after: Some(_),
                } => break,
                Error::CodeIncorrect => {}
                other => panic!("{other}"),
            }
        }
    }
}

fn spend_passwords(app: &App) {
    for _ in 0..12 {
        let _ = run(app.zalt.sign_ins().with_password(
            &request(),
            ADA,
            password("wrong horse battery"),
            Transport::Cookie,
        ));
    }
}

/// Resets the password by the newest link in the mailbox, whoever asked for it.
fn recover(app: &App) -> StartedSignIn {
    let link = code_and_link(&app.mail_to(ADA)).1.unwrap();
    let sign_ins = app.zalt.sign_ins();
    let claimed = run(sign_ins.claim_reset_link(
        &request(),
        LinkToken::parse(&link).unwrap(),
        Transport::Cookie,
    ))
    .unwrap();
    run(sign_ins.reset_password(&request(), &claimed.token, password(NEW_PASSWORD), true)).unwrap();
    claimed
}

#[test]
fn codes_that_a_stranger_spent_do_not_keep_the_owner_from_a_link() {
    let app = App::new();
    app.sign_up(ADA);
    spend_codes_for_good(&app);
    let owner = begin(&app);
    prepare(
        &app,
        &owner,
        ChallengePurpose::SignIn,
        ChallengeStrategy::EmailLink,
    )
    .unwrap();
    let (code, link) = code_and_link(&app.mail_to(ADA));
    let sign_ins = app.zalt.sign_ins();
    let locked = run(sign_ins.attempt_proof(&request(), &owner.token, &Proof::code(&code)));
    assert!(matches!(
        locked,
        Err(Error::RateLimited { retry_after: None })
    ));
    let proof = Proof::link(&link.unwrap()).unwrap();
    let signed_in = run(sign_ins.attempt_proof(&request(), &owner.token, &proof)).unwrap();
    assert!(matches!(signed_in, SignInProgress::Complete(_)));

    // The owner has shown up: codes are accepted again.
    let owner = begin(&app);
    prepare(
        &app,
        &owner,
        ChallengePurpose::SignIn,
        ChallengeStrategy::EmailCode,
    )
    .unwrap();
    let proof = Proof::code(&code_and_link(&app.mail_to(ADA)).0);
    run(sign_ins.attempt_proof(&request(), &owner.token, &proof)).unwrap();
}

#[test]
fn guesses_that_no_code_can_match_cost_the_owner_nothing() {
    let app = App::new();
    app.sign_up(ADA);
    for _ in 0..10 {
        let stranger = begin(&app);
        for _ in 0..10 {
            // The first five are wrong, and then the attempt is used up: no mail went out for any of them.
            assert!(matches!(
                guess(&app, &stranger),
                Error::CodeIncorrect | Error::AttemptExhausted
            ));
        }
    }
    let owner = begin(&app);
    prepare(
        &app,
        &owner,
        ChallengePurpose::SignIn,
        ChallengeStrategy::EmailCode,
    )
    .unwrap();
    let proof = Proof::code(&code_and_link(&app.mail_to(ADA)).0);
    run(app
        .zalt
        .sign_ins()
        .attempt_proof(&request(), &owner.token, &proof))
    .unwrap();
}

#[test]
fn an_attempt_that_is_used_up_takes_no_message_from_the_owner() {
    let app = App::new();
    app.sign_up(ADA);
    let stranger = begin(&app);
    for _ in 0..5 {
        guess(&app, &stranger);
    }
    for _ in 0..20 {
        let refused = prepare(
            &app,
            &stranger,
            ChallengePurpose::SignIn,
            ChallengeStrategy::EmailCode,
        );
        assert!(matches!(refused, Err(Error::AttemptExhausted)));
    }
    let owner = begin(&app);
    prepare(
        &app,
        &owner,
        ChallengePurpose::SignIn,
        ChallengeStrategy::EmailCode,
    )
    .unwrap();
}

#[test]
fn a_flood_of_mails_leaves_the_owner_a_link_that_works() {
    let app = App::new();
    app.sign_up(ADA);
    // Two hours of it, every minute: whatever can be sent is sent, and whatever can be voided is voided.
    for _ in 0..120 {
        app.clock.advance(MINUTE);
        for strategy in [ChallengeStrategy::EmailLink, ChallengeStrategy::EmailCode] {
            for purpose in [ChallengePurpose::ResetPassword, ChallengePurpose::SignIn] {
                let stranger = begin(&app);
                let _ = prepare(&app, &stranger, purpose, strategy);
                let _ = prepare(
                    &app,
                    &stranger,
                    ChallengePurpose::SignIn,
                    ChallengeStrategy::EmailCode,
                );
                for _ in 0..6 {
                    guess(&app, &stranger);
                }
            }
        }
        spend_passwords(&app);
        app.mails_to(ADA);
    }
    // The owner asks in vain, or is sent a link of their own; in either case there is one in the mailbox.
    let owner = begin(&app);
    let _ = prepare(
        &app,
        &owner,
        ChallengePurpose::ResetPassword,
        ChallengeStrategy::EmailLink,
    );
    let link = app.latest_reset_link(ADA);
    let claimed = run(app.zalt.sign_ins().claim_reset_link(
        &request(),
        LinkToken::parse(&link).unwrap(),
        Transport::Cookie,
    ));
    claimed.unwrap();
}

#[test]
fn whoever_recovered_signs_in_whatever_strangers_guess_meanwhile() {
    let app = App::new();
    app.sign_up(ADA);
    let owner = begin(&app);
    prepare(
        &app,
        &owner,
        ChallengePurpose::ResetPassword,
        ChallengeStrategy::EmailLink,
    )
    .unwrap();
    let owner = recover(&app);
    spend_passwords(&app);
    let sign_ins = app.zalt.sign_ins();
    let elsewhere =
        run(sign_ins.with_password(&request(), ADA, password(NEW_PASSWORD), Transport::Cookie));
    assert!(matches!(elsewhere, Err(Error::RateLimited { .. })));
    run(sign_ins.attempt_password(&request(), &owner.token, password(NEW_PASSWORD))).unwrap();
}

#[test]
fn a_recovered_attempt_does_not_bear_guesses_without_end() {
    let app = App::new();
    app.sign_up(ADA);
    let owner = begin(&app);
    prepare(
        &app,
        &owner,
        ChallengePurpose::ResetPassword,
        ChallengeStrategy::EmailLink,
    )
    .unwrap();
    let owner = recover(&app);
    let answers: Vec<_> = (0..12)
        .map(|_| {
            let wrong = password("wrong horse battery");
            run(app
                .zalt
                .sign_ins()
                .attempt_password(&request(), &owner.token, wrong))
            .unwrap_err()
        })
        .collect();
    let (last, others) = answers.split_last().unwrap();
    assert!(
        others
            .iter()
            .all(|error| matches!(error, Error::CredentialsIncorrect))
    );
    assert!(
        matches!(last, Error::RateLimited { retry_after: Some(wait) } if *wait == Duration::from_secs(30))
    );
}

#[test]
fn codes_spent_on_an_address_do_not_keep_its_holder_from_signing_up() {
    let app = App::new();
    let sign_ups = app.zalt.sign_ups();
    let mut wrong = 0;
    while wrong < 110 {
        app.clock.advance(HOUR);
        let started = run(sign_ups.create(&request(), new_sign_up(ADA))).unwrap();
        for _ in 0..5 {
            let guess =
                run(sign_ups.attempt_proof(&request(), &started.token, &Proof::code("12345")));
            match guess {
                Err(Error::CodeIncorrect) => wrong += 1,
                Err(Error::RateLimited { retry_after }) => {
                    assert!(
                        retry_after.is_some_and(|wait| wait <= HOUR),
                        "{retry_after:?}"
                    );
                }
                other => panic!("{other:?}"),
            }
        }
    }
    // A link costs no try. (What is queued together arrives in any order.)
    app.mails_to(ADA);
    let new = zalt_core::attempt::NewSignUp {
        strategy: ChallengeStrategy::EmailLink,
        ..new_sign_up(ADA)
    };
    let started = run(sign_ups.create(&request(), new)).unwrap();
    let proof = Proof::link(&code_and_link(&app.mail_to(ADA)).1.unwrap()).unwrap();
    run(sign_ups.attempt_proof(&request(), &started.token, &proof)).unwrap();
}
