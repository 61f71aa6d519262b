//! "This wasn't me": who gets the link, what it does, and what it can't be used for.

use std::time::Duration;

use zalt_core::Error;
use zalt_core::attempt::{AttemptState, StartedSignIn};
use zalt_core::attempt::{
    ChallengePurpose, ChallengeStrategy, Proof, SecondFactorProof, SignInProgress, SignInStatus,
};
use zalt_core::id::UserId;
use zalt_core::message::Notice;
use zalt_core::safety::ReviewDecision;
use zalt_core::secret::LinkToken;
use zalt_core::session::{Authenticated, Transport};

use crate::phone_numbers::{NUMBER, add_verified, two_countries};
use crate::second_factors::{check, owner};
use crate::support::*;

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@evil.example";
const WEEK: Duration = Duration::from_hours(7 * 24);
const NEW_PASSWORD: &str = "quite another one";

/// The secret of the newest link to say "this wasn't me" that was mailed to `address`.
pub(crate) fn safety_link(app: &App, address: &str) -> Option<LinkToken> {
    run(app.worker.send_due()).unwrap();
    let mails = app.outbox.all();
    let mut to_address = mails.iter().rev().filter(|mail| mail.to == address);
    let link = to_address.find_map(|mail| mail.safety_link.clone())?;
    let (_, token) = link.split_once("/safety/link?token=").unwrap();
    Some(LinkToken::parse(token).unwrap())
}

/// The secrets of the links that recover a frozen account, oldest first.
pub(crate) fn recovery_links(app: &App, address: &str) -> Vec<LinkToken> {
    run(app.worker.send_due()).unwrap();
    let mails = app.outbox.all();
    let links = mails.iter().filter(|mail| mail.to == address);
    links
        .filter_map(|mail| match &mail.notice {
            Notice::AccountFrozen { link, .. } | Notice::RecoveryHeld { link, .. } => {
                let (_, token) = link.split_once("/recovery/link?token=").unwrap();
                Some(LinkToken::parse(token).unwrap())
            }
            _ => None,
        })
        .collect()
}

pub(crate) fn freeze(app: &App, link: &LinkToken) -> Result<(), Error> {
    run(app.zalt.safety().freeze(&request(), link))
}

pub(crate) fn recover(app: &App, link: &LinkToken) -> Result<StartedSignIn, Error> {
    run(app
        .zalt
        .safety()
        .recover(&request(), link, Transport::Cookie))
}

pub(crate) fn status(attempt: &zalt_core::attempt::Attempt) -> SignInStatus {
    match &attempt.state {
        AttemptState::SignIn(state) => state.status,
        other => panic!("{other:?}"),
    }
}

fn with_password(app: &App, text: &str) -> Result<SignInProgress, Error> {
    run(app
        .zalt
        .sign_ins()
        .with_password(&request(), ADA, password(text), Transport::Cookie))
}

/// Adds an address of the attacker's and verifies it.
pub(crate) fn add_address(
    app: &App,
    who: &Authenticated,
    address: &str,
) -> zalt_core::id::IdentifierId {
    let users = app.zalt.users();
    let added = run(users.add_email_address(&request(), who, email(address))).unwrap();
    let verifications = app.zalt.address_verifications();
    let strategy = ChallengeStrategy::EmailCode;
    let attempt = run(verifications.prepare(&request(), who, added.id, strategy)).unwrap();
    let (code, _) = code_and_link(&app.mail_to(address));
    let proof = Proof::code(&code);
    run(verifications.attempt_proof(&request(), who, attempt.id, &proof)).unwrap();
    added.id
}

/// Ada, whose address was hers for long enough, and somebody who is in with her password.
pub(crate) fn intruded(app: &App) -> (UserId, Authenticated) {
    let user_id = app.sign_up(ADA).user.id;
    app.clock.advance(2 * WEEK);
    let intruder = app.sign_in(ADA);
    (user_id, check(app, &intruder))
}

pub(crate) fn finish(
    app: &App,
    started: &StartedSignIn,
    decision: &ReviewDecision,
) -> SignInStatus {
    let finished = run(app
        .zalt
        .safety()
        .finish(&request(), &started.token, decision));
    status(&finished.unwrap())
}

pub(crate) fn set_password(app: &App, started: &StartedSignIn) -> SignInStatus {
    let attempt = run(app.zalt.sign_ins().reset_password(
        &request(),
        &started.token,
        password(NEW_PASSWORD),
        true,
    ));
    status(&attempt.unwrap())
}

#[test]
fn a_new_device_is_told_of_and_its_session_can_be_ended_from_the_mail() {
    let app = App::with(|config| config.new_device_mails = true);
    let (user_id, intruder) = intruded(&app);
    let Notice::NewDevice { user_agent, .. } = app.mail_to(ADA) else {
        panic!("{:?}", app.mail_to(ADA));
    };
    assert_eq!(user_agent.as_deref(), Some("test"));
    let link = safety_link(&app, ADA).unwrap();
    freeze(&app, &link).unwrap();

    let sessions = app.zalt.sessions();
    let again = run(sessions.revoke_others(&request(), &intruder));
    assert!(matches!(again, Err(Error::SessionOver)));
    // Nothing is told before the password is right.
    assert!(matches!(
        with_password(&app, "wrong password"),
        Err(Error::CredentialsIncorrect)
    ));
    assert!(matches!(
        with_password(&app, PASSWORD),
        Err(Error::AccountFrozen)
    ));
    assert_eq!(app.events(user_id)[0..1], ["sign_in.failed"]);
    assert!(app.events(user_id).contains(&"user.frozen"));
    let links = recovery_links(&app, ADA);
    assert_eq!(links.len(), 1);
    let started = recover(&app, &links[0]).unwrap();
    assert_eq!(status(&started.attempt), SignInStatus::NeedsNewPassword);
    assert!(matches!(
        recover(&app, &links[0]),
        Err(Error::LinkIncorrect)
    ));
    // The steps can't be skipped.
    let safety = app.zalt.safety();
    let early = run(safety.finish(&request(), &started.token, &ReviewDecision::default()));
    assert!(matches!(early, Err(Error::AttemptStep)));
    assert_eq!(set_password(&app, &started), SignInStatus::NeedsReview);
    assert!(matches!(
        with_password(&app, NEW_PASSWORD),
        Err(Error::AccountFrozen)
    ));
    let decision = ReviewDecision::default();
    assert_eq!(
        finish(&app, &started, &decision),
        SignInStatus::NeedsFirstFactor
    );
    let sign_ins = app.zalt.sign_ins();
    let passed = run(sign_ins.attempt_password(&request(), &started.token, password(NEW_PASSWORD)));
    assert!(matches!(passed, Ok(SignInProgress::Complete(_))));
    assert!(matches!(
        with_password(&app, PASSWORD),
        Err(Error::CredentialsIncorrect)
    ));
}

#[test]
fn an_address_that_was_added_gets_neither_link_and_goes_with_the_review() {
    let app = App::with(|config| config.new_device_mails = true);
    let (user_id, intruder) = intruded(&app);
    let added = add_address(&app, &intruder, EVE);
    app.clock.advance(MINUTE);
    // All addresses are told, and one of them is the intruder's.
    let users = app.zalt.users();
    let changed = run(users.change_password(
        &request(),
        &intruder,
        Some(password(PASSWORD)),
        password(NEW_PASSWORD),
        true,
    ));
    changed.unwrap();
    assert!(matches!(app.mail_to(EVE), Notice::PasswordChanged));
    assert!(safety_link(&app, EVE).is_none());
    // And the owner's goes.
    let account = run(users.find_account(user_id)).unwrap();
    run(users.make_primary(&request(), &intruder, added)).unwrap();
    app.clock.advance(MINUTE);
    let own = account.identifiers[0].id;
    run(users.remove_email_address(&request(), &intruder, own)).unwrap();
    assert!(matches!(
        app.mail_to(ADA),
        Notice::EmailAddressRemoved { .. }
    ));
    let link = safety_link(&app, ADA).unwrap();
    freeze(&app, &link).unwrap();
    assert_eq!(recovery_links(&app, EVE).len(), 0);
    // A reset asked for at the intruder's address leads nowhere.
    let sign_ins = app.zalt.sign_ins();
    let reset = run(sign_ins.create(&request(), EVE, Transport::Cookie)).unwrap();
    let before = app.mails_to(EVE);
    let purpose = ChallengePurpose::ResetPassword;
    let strategy = ChallengeStrategy::EmailLink;
    run(sign_ins.prepare(&request(), &reset.token, purpose, strategy)).unwrap();
    assert_eq!(app.mails_to(EVE), before);

    let way_back = recovery_links(&app, ADA).remove(0);
    assert!(matches!(
        recover(&app, &way_back),
        Err(Error::RecoveryHeld { .. })
    ));
    app.clock.advance(DAY);
    let started = recover(&app, &way_back).unwrap();
    set_password(&app, &started);
    let review = run(app.zalt.safety().review(&started.token)).unwrap();
    assert_eq!(review.identifiers.len(), 1);
    assert_eq!(review.identifiers[0].id, added);
    let decision = ReviewDecision {
        identifiers: vec![added],
        ..ReviewDecision::default()
    };
    finish(&app, &started, &decision);
    let account = run(users.find_account(user_id)).unwrap();
    let [own] = &account.identifiers[..] else {
        panic!("{:?}", account.identifiers);
    };
    assert_eq!(own.value.as_str(), ADA);
    assert!(own.primary && own.verified_at.is_some());
    assert!(matches!(
        with_password(&app, "quite another one"),
        Ok(SignInProgress::Complete(_))
    ));
}

#[test]
fn a_mailbox_alone_gets_past_no_second_factor_that_was_there_before() {
    let app = App::with(|config| config.new_device_mails = true);
    let owner = owner(&app);
    app.clock.advance(2 * WEEK);
    let token = match with_password(&app, PASSWORD).unwrap() {
        SignInProgress::NeedsSecondFactor(pending) => pending.token.unwrap(),
        other => panic!("{other:?}"),
    };
    let code = SecondFactorProof::Totp(owner.secret.code_at(app.zalt.now()));
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.attempt_second_factor(&request(), &token, &code)).unwrap();
    freeze(&app, &safety_link(&app, ADA).unwrap()).unwrap();
    let started = recover(&app, &recovery_links(&app, ADA)[0]).unwrap();
    set_password(&app, &started);
    let review = run(app.zalt.safety().review(&started.token)).unwrap();
    assert!(review.credentials.is_empty() && review.identifiers.is_empty());
    // Naming it does not take it away.
    let decision = ReviewDecision {
        credentials: vec![owner.credential],
        ..ReviewDecision::default()
    };
    finish(&app, &started, &decision);
    let progress = with_password(&app, NEW_PASSWORD).unwrap();
    assert!(matches!(progress, SignInProgress::NeedsSecondFactor(_)));
}

#[test]
fn a_factor_that_was_added_lately_goes_with_the_review() {
    let app = App::with(|config| config.new_device_mails = true);
    let (_, intruder) = intruded(&app);
    let credentials = app.zalt.credentials();
    let enrollment = run(credentials.begin_totp(&request(), &intruder, None)).unwrap();
    let (id, code) = (
        enrollment.credential.id,
        enrollment.secret.code_at(app.zalt.now()),
    );
    run(credentials.confirm_totp(&request(), &intruder, id, &code)).unwrap();
    freeze(&app, &safety_link(&app, ADA).unwrap()).unwrap();
    let started = recover(&app, &recovery_links(&app, ADA)[0]).unwrap();
    set_password(&app, &started);
    let review = run(app.zalt.safety().review(&started.token)).unwrap();
    // The app and its recovery codes.
    let decision = ReviewDecision {
        credentials: review.credentials.iter().map(|row| row.id).collect(),
        ..ReviewDecision::default()
    };
    assert_eq!(decision.credentials.len(), 2);
    finish(&app, &started, &decision);
    let progress = with_password(&app, NEW_PASSWORD).unwrap();
    assert!(matches!(progress, SignInProgress::Complete(_)));
}

#[test]
fn codes_go_with_their_number_and_leave_no_recovery_codes_behind() {
    let app = App::with(|config| {
        two_countries(config);
        config.second_factors.methods.sms_code = true;
    });
    let (_, intruder) = intruded(&app);
    let number = add_verified(&app, &intruder, NUMBER);
    let credentials = app.zalt.credentials();
    run(credentials.add_messages(&request(), &intruder, number.id)).unwrap();
    freeze(&app, &safety_link(&app, ADA).unwrap()).unwrap();
    let started = recover(&app, &recovery_links(&app, ADA)[0]).unwrap();
    set_password(&app, &started);
    let decision = ReviewDecision {
        identifiers: vec![number.id],
        ..ReviewDecision::default()
    };
    finish(&app, &started, &decision);
    let progress = with_password(&app, NEW_PASSWORD).unwrap();
    let SignInProgress::Complete(signed_in) = progress else {
        panic!("{progress:?}");
    };
    let account = run(app.zalt.users().find_account(signed_in.user.id)).unwrap();
    assert_eq!(account.credentials, []);
}

#[test]
fn old_mails_do_nothing_and_nobody_is_kept_out_by_them() {
    let app = App::with(|config| config.new_device_mails = true);
    app.sign_up(ADA);
    app.clock.advance(2 * WEEK);
    let mut links = Vec::new();
    for _ in 0..3 {
        app.sign_in(ADA);
        links.push(safety_link(&app, ADA).unwrap());
        app.clock.advance(MINUTE);
    }
    freeze(&app, &links[0]).unwrap();
    let started = recover(&app, &recovery_links(&app, ADA)[0]).unwrap();
    set_password(&app, &started);
    finish(&app, &started, &ReviewDecision::default());
    // Those from before the recovery are void.
    for link in &links[1..] {
        assert!(matches!(freeze(&app, link), Err(Error::LinkIncorrect)));
    }
    // And every other is after its time.
    let late = safety_link(&app, ADA).unwrap();
    app.clock.advance(WEEK);
    assert!(matches!(freeze(&app, &late), Err(Error::LinkIncorrect)));
    assert!(matches!(
        with_password(&app, NEW_PASSWORD),
        Ok(SignInProgress::Complete(_))
    ));
}

#[test]
fn a_link_freezes_so_often_and_no_more() {
    let app = App::with(|config| config.new_device_mails = true);
    let user_id = app.sign_up(ADA).user.id;
    app.clock.advance(2 * WEEK);
    for _ in 0..5 {
        app.sign_in(ADA);
        freeze(&app, &safety_link(&app, ADA).unwrap()).unwrap();
        app.clock.advance(MINUTE);
        run(app.zalt.safety().lift(&request(), user_id)).unwrap();
        app.clock.advance(MINUTE);
    }
    app.sign_in(ADA);
    let link = safety_link(&app, ADA).unwrap();
    assert!(matches!(
        freeze(&app, &link),
        Err(Error::RateLimited { .. })
    ));
}

#[test]
fn a_freeze_voids_what_was_under_way() {
    let app = App::with(|config| config.new_device_mails = true);
    app.sign_up(ADA);
    app.clock.advance(2 * WEEK);
    app.sign_in(ADA);
    app.clock.advance(MINUTE);
    // A reset that was proved, by somebody with the mailbox.
    let sign_ins = app.zalt.sign_ins();
    let started = run(sign_ins.create(&request(), ADA, Transport::Cookie)).unwrap();
    let purpose = ChallengePurpose::ResetPassword;
    let strategy = ChallengeStrategy::EmailCode;
    run(sign_ins.prepare(&request(), &started.token, purpose, strategy)).unwrap();
    let link = safety_link(&app, ADA).unwrap();
    let (code, _) = code_and_link(&app.mail_to(ADA));
    let proof = Proof::code(&code);
    run(sign_ins.attempt_proof(&request(), &started.token, &proof)).unwrap();
    freeze(&app, &link).unwrap();
    let reset =
        run(sign_ins.reset_password(&request(), &started.token, password(NEW_PASSWORD), true));
    assert!(matches!(reset, Err(Error::AttemptNotFound)));
    // A mail that recovers can be had again.
    let again = run(sign_ins.create(&request(), ADA, Transport::Cookie)).unwrap();
    run(sign_ins.prepare(&request(), &again.token, purpose, strategy)).unwrap();
    let links = recovery_links(&app, ADA);
    assert_eq!(links.len(), 2);
    app.clock.advance(HOUR);
    assert!(matches!(
        recover(&app, &links[1]),
        Err(Error::LinkIncorrect)
    ));
}

#[test]
fn the_application_lifts_a_freeze() {
    let app = App::with(|config| config.new_device_mails = true);
    let (user_id, _) = intruded(&app);
    freeze(&app, &safety_link(&app, ADA).unwrap()).unwrap();
    let recovery = recovery_links(&app, ADA).remove(0);
    run(app.zalt.safety().lift(&request(), user_id)).unwrap();
    assert!(matches!(
        recover(&app, &recovery),
        Err(Error::LinkIncorrect)
    ));
    assert!(matches!(
        with_password(&app, PASSWORD),
        Ok(SignInProgress::Complete(_))
    ));
}

#[test]
fn a_freezing_link_is_no_recovering_one_and_the_other_way_round() {
    let app = App::with(|config| config.new_device_mails = true);
    intruded(&app);
    let link = safety_link(&app, ADA).unwrap();
    assert!(matches!(recover(&app, &link), Err(Error::LinkIncorrect)));
    freeze(&app, &link).unwrap();
    let recovery = recovery_links(&app, ADA).remove(0);
    assert!(matches!(freeze(&app, &recovery), Err(Error::LinkIncorrect)));
    let other = LinkToken::mint(recovery.id(), &zalt_core::SystemRng).unwrap();
    assert!(matches!(recover(&app, &other), Err(Error::LinkIncorrect)));
}
