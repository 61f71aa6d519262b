use zalt_core::Error;
use zalt_core::attempt::{
    ChallengePurpose, ChallengeStrategy, Proof, SignInProgress, StartedSignIn,
};
use zalt_core::identifier::Identifier;
use zalt_core::session::{Authenticated, Transport};

use crate::support::*;

const NEW_PASSWORD: &str = "a better horse battery";

fn signed_in(app: &App, address: &str) -> Authenticated {
    let signed_in = app.sign_up(address);
    run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&signed_in).expose()))
    .unwrap()
}

fn add(app: &App, who: &Authenticated, address: &str) -> Identifier {
    run(app
        .zalt
        .users()
        .add_email_address(&request(), who, email(address)))
    .unwrap()
}

fn verify(app: &App, who: &Authenticated, added: &Identifier, address: &str) {
    let verifications = app.zalt.address_verifications();
    let attempt =
        run(verifications.prepare(&request(), who, added.id, ChallengeStrategy::EmailCode))
            .unwrap();
    let proof = Proof::code(&code_and_link(&app.mail_to(address)).0);
    run(verifications.attempt_proof(&request(), who, attempt.id, &proof)).unwrap();
}

fn ask(app: &App, identifier: &str, purpose: ChallengePurpose) -> StartedSignIn {
    let sign_ins = app.zalt.sign_ins();
    let started = run(sign_ins.create(&request(), identifier, Transport::Cookie)).unwrap();
    run(sign_ins.prepare(
        &request(),
        &started.token,
        purpose,
        ChallengeStrategy::EmailCode,
    ))
    .unwrap();
    started
}

/// Somebody who reads the mail of `address` has proved a reset and waits with the new password.
fn proved_reset(app: &App, address: &str) -> StartedSignIn {
    let started = ask(app, address, ChallengePurpose::ResetPassword);
    let proof = Proof::code(&code_and_link(&app.mail_to(address)).0);
    let progress = run(app
        .zalt
        .sign_ins()
        .attempt_proof(&request(), &started.token, &proof))
    .unwrap();
    assert!(matches!(progress, SignInProgress::NeedsNewPassword(_)));
    started
}

fn reset(app: &App, started: &StartedSignIn) -> Result<(), Error> {
    run(app.zalt.sign_ins().reset_password(
        &request(),
        &started.token,
        password(NEW_PASSWORD),
        true,
    ))
    .map(drop)
}

#[test]
fn a_proved_reset_does_not_outlive_a_change_of_the_password() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    let thief = proved_reset(&app, "ada@example.com");
    app.clock.advance(MINUTE);
    run(app.zalt.users().change_password(
        &request(),
        &who,
        Some(password(PASSWORD)),
        password("the owner noticed it"),
        false,
    ))
    .unwrap();
    assert!(matches!(reset(&app, &thief), Err(Error::AttemptNotFound)));
}

#[test]
fn a_proved_reset_does_not_outlive_another_reset() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let thief = proved_reset(&app, "ada@example.com");
    let owner = proved_reset(&app, "ada@example.com");
    app.clock.advance(MINUTE);
    reset(&app, &owner).unwrap();
    assert!(matches!(reset(&app, &thief), Err(Error::AttemptNotFound)));
}

#[test]
fn a_proved_reset_does_not_outlive_signing_out_everywhere() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    let thief = proved_reset(&app, "ada@example.com");
    run(app.zalt.sessions().revoke_others(&request(), &who)).unwrap();
    assert!(matches!(reset(&app, &thief), Err(Error::AttemptNotFound)));
}

#[test]
fn an_address_that_was_removed_leads_nowhere_any_more() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    let second = add(&app, &who, "second@example.com");
    verify(&app, &who, &second, "second@example.com");
    let proved = proved_reset(&app, "second@example.com");
    let reader = ask(&app, "second@example.com", ChallengePurpose::SignIn);
    let proof = Proof::code(&code_and_link(&app.mail_to("second@example.com")).0);
    run(app
        .zalt
        .users()
        .remove_email_address(&request(), &who, second.id))
    .unwrap();
    assert!(matches!(reset(&app, &proved), Err(Error::AttemptNotFound)));
    let late = run(app
        .zalt
        .sign_ins()
        .attempt_proof(&request(), &reader.token, &proof));
    assert!(matches!(late, Err(Error::CodeIncorrect)));
}

#[test]
fn an_attempt_does_not_follow_an_address_to_its_next_owner() {
    let app = App::new();
    let before = signed_in(&app, "before@example.com");
    let shared = add(&app, &before, "shared@example.com");
    verify(&app, &before, &shared, "shared@example.com");
    let sign_ins = app.zalt.sign_ins();
    let started =
        run(sign_ins.create(&request(), "shared@example.com", Transport::Cookie)).unwrap();
    run(app
        .zalt
        .users()
        .remove_email_address(&request(), &before, shared.id))
    .unwrap();
    app.mails_to("shared@example.com");
    let after = app.sign_up("shared@example.com");
    run(sign_ins.prepare(
        &request(),
        &started.token,
        ChallengePurpose::SignIn,
        ChallengeStrategy::EmailCode,
    ))
    .unwrap();
    let proof = Proof::code(&code_and_link(&app.mail_to("shared@example.com")).0);
    let progress = run(sign_ins.attempt_proof(&request(), &started.token, &proof)).unwrap();
    let SignInProgress::Complete(signed_in) = progress else {
        panic!()
    };
    assert_eq!(signed_in.user.id, after.user.id);
}

#[test]
fn a_reset_does_not_reach_a_suspended_or_deleted_account() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    let proved = proved_reset(&app, "ada@example.com");
    run(app.zalt.users().delete(&request(), who.user().id)).unwrap();
    assert!(matches!(reset(&app, &proved), Err(Error::AttemptNotFound)));
}

#[test]
fn proving_an_address_of_ones_own_brings_no_guesses_at_another() {
    let app = App::new();
    let eve = signed_in(&app, "eve@example.com");
    let target = add(&app, &eve, "ada@example.com");
    let verifications = app.zalt.address_verifications();
    let guess = || {
        let attempt =
            run(verifications.prepare(&request(), &eve, target.id, ChallengeStrategy::EmailCode))
                .unwrap();
        let one = || {
            let guess = Proof::code("12345");
            run(verifications.attempt_proof(&request(), &eve, attempt.id, &guess)).unwrap_err()
        };
        for _ in 0..3 {
            one();
        }
        one()
    };
    // Eleven that all share, and five of her own.
    let mut tries = 0;
    for round in 0..4 {
        tries += 4;
        match guess() {
            Error::CodeIncorrect => {}
            error => panic!("{error:?} after {tries}"),
        }
        let address = format!("eve+{round}@example.com");
        let own = add(&app, &eve, &address);
        verify(&app, &eve, &own, &address);
    }
    assert!(matches!(guess(), Error::RateLimited { .. }));
}

#[test]
fn a_newer_code_for_an_added_address_voids_the_older() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    let added = add(&app, &who, "second@example.com");
    let verifications = app.zalt.address_verifications();
    let prepare = || {
        let attempt =
            run(verifications.prepare(&request(), &who, added.id, ChallengeStrategy::EmailCode))
                .unwrap();
        let code = code_and_link(&app.mail_to("second@example.com")).0;
        (attempt.id, Proof::code(&code))
    };
    let (older, newer) = (prepare(), prepare());
    let show = |(id, proof): &(_, Proof)| {
        run(verifications.attempt_proof(&request(), &who, *id, proof)).map(drop)
    };
    assert!(matches!(show(&older), Err(Error::CodeIncorrect)));
    show(&newer).unwrap();
    assert!(matches!(show(&newer), Err(Error::CodeIncorrect)));
}
