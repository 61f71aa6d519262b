use zalt_core::Error;
use zalt_core::attempt::{
    ChallengePurpose, ChallengeStrategy, Proof, SignInProgress, SignInStatus, StartedSignIn,
};
use zalt_core::message::Notice;
use zalt_core::secret::{AttemptToken, LinkToken};
use zalt_core::session::Transport;

use crate::support::*;

const NEW_PASSWORD: &str = "a better horse battery";

fn ask(app: &App, strategy: ChallengeStrategy) -> StartedSignIn {
    let sign_ins = app.zalt.sign_ins();
    let started = run(sign_ins.create(&request(), "ada@example.com", Transport::Cookie)).unwrap();
    run(sign_ins.prepare(
        &request(),
        &started.token,
        ChallengePurpose::ResetPassword,
        strategy,
    ))
    .unwrap();
    started
}

fn reset(app: &App, token: &AttemptToken, everywhere: bool) -> Result<SignInStatus, Error> {
    let new = password(NEW_PASSWORD);
    let attempt = run(app
        .zalt
        .sign_ins()
        .reset_password(&request(), token, new, everywhere))?;
    let zalt_core::attempt::AttemptState::SignIn(state) = attempt.state else {
        panic!()
    };
    Ok(state.status)
}

fn try_password(app: &App, text: &str) -> bool {
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.with_password(
        &request(),
        "ada@example.com",
        password(text),
        Transport::Cookie,
    ))
    .is_ok()
}

#[test]
fn a_code_leads_to_a_new_password_and_not_to_a_session() {
    let app = App::new();
    let session = app.sign_up("ada@example.com");
    let started = ask(&app, ChallengeStrategy::EmailCode);
    assert!(matches!(
        reset(&app, &started.token, true),
        Err(Error::AttemptStep)
    ));
    let proof = Proof::code(&code_and_link(&app.mail_to("ada@example.com")).0);
    let progress = run(app
        .zalt
        .sign_ins()
        .attempt_proof(&request(), &started.token, &proof))
    .unwrap();
    assert!(matches!(progress, SignInProgress::NeedsNewPassword(_)));
    assert_eq!(
        reset(&app, &started.token, true).unwrap(),
        SignInStatus::NeedsFirstFactor
    );

    assert_eq!(app.mail_to("ada@example.com"), Notice::PasswordChanged);
    let over = run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&session).expose()));
    assert!(matches!(over, Err(Error::SessionOver)));
    assert!(!try_password(&app, PASSWORD));
    assert!(try_password(&app, NEW_PASSWORD));
    assert!(matches!(
        reset(&app, &started.token, true),
        Err(Error::AttemptStep)
    ));
    let events = app.events(session.user.id);
    assert!(events.contains(&"password.reset_requested") && events.contains(&"password.changed"));
}

#[test]
fn other_sessions_stay_if_that_is_asked_for() {
    let app = App::new();
    let session = app.sign_up("ada@example.com");
    let started = ask(&app, ChallengeStrategy::EmailCode);
    let proof = Proof::code(&code_and_link(&app.mail_to("ada@example.com")).0);
    run(app
        .zalt
        .sign_ins()
        .attempt_proof(&request(), &started.token, &proof))
    .unwrap();
    reset(&app, &started.token, false).unwrap();
    run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&session).expose()))
    .unwrap();
}

#[test]
fn a_link_moves_the_reset_to_the_browser_that_opened_it() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let attacker = ask(&app, ChallengeStrategy::EmailLink);
    let link = code_and_link(&app.mail_to("ada@example.com")).1.unwrap();
    let claim = || {
        run(app.zalt.sign_ins().claim_reset_link(
            &request(),
            LinkToken::parse(&link).unwrap(),
            Transport::Cookie,
        ))
    };
    let victim = claim().unwrap();
    assert!(matches!(
        reset(&app, &attacker.token, true),
        Err(Error::AttemptNotFound)
    ));
    reset(&app, &victim.token, true).unwrap();
    assert!(matches!(
        claim(),
        Err(Error::LinkIncorrect | Error::AttemptStep)
    ));
    assert!(try_password(&app, NEW_PASSWORD));
}

#[test]
fn the_link_of_a_sign_in_resets_nothing() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let sign_ins = app.zalt.sign_ins();
    let started = run(sign_ins.create(&request(), "ada@example.com", Transport::Cookie)).unwrap();
    let link = ChallengeStrategy::EmailLink;
    run(sign_ins.prepare(&request(), &started.token, ChallengePurpose::SignIn, link)).unwrap();
    let link = code_and_link(&app.mail_to("ada@example.com")).1.unwrap();
    let claimed = run(sign_ins.claim_reset_link(
        &request(),
        LinkToken::parse(&link).unwrap(),
        Transport::Cookie,
    ));
    assert!(matches!(claimed, Err(Error::LinkIncorrect)));
}

#[test]
fn a_refused_password_leaves_the_reset_where_it_was() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let started = ask(&app, ChallengeStrategy::EmailCode);
    let proof = Proof::code(&code_and_link(&app.mail_to("ada@example.com")).0);
    run(app
        .zalt
        .sign_ins()
        .attempt_proof(&request(), &started.token, &proof))
    .unwrap();
    let short = run(app.zalt.sign_ins().reset_password(
        &request(),
        &started.token,
        password("short"),
        true,
    ));
    assert!(matches!(short, Err(Error::PasswordRefused(_))));
    reset(&app, &started.token, true).unwrap();
}

#[test]
fn a_reset_lifts_the_lock_that_strangers_guesses_brought() {
    let app = App::new();
    app.sign_up("ada@example.com");
    for _ in 0..12 {
        try_password(&app, "wrong horse battery");
    }
    assert!(!try_password(&app, PASSWORD));
    let started = ask(&app, ChallengeStrategy::EmailLink);
    let link = code_and_link(&app.mail_to("ada@example.com")).1.unwrap();
    let proof = Proof::link(&link).unwrap();
    run(app
        .zalt
        .sign_ins()
        .attempt_proof(&request(), &started.token, &proof))
    .unwrap();
    reset(&app, &started.token, true).unwrap();
    assert!(try_password(&app, NEW_PASSWORD));
}
