//! Whose say counts when an account is recovered: old addresses against new ones, and several recoveries of one account.

use std::time::Duration;

use zalt_core::Error;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy, NewSignUp, Proof};
use zalt_core::attempt::{SecondFactorProof, SignInProgress, SignInStatus};
use zalt_core::credential::TotpEnrollment;
use zalt_core::id::{IdentifierId, UserId};
use zalt_core::message::Notice;
use zalt_core::safety::ReviewDecision;
use zalt_core::secret::LinkToken;
use zalt_core::session::{Authenticated, Transport};
use zalt_core::user::Account;

use crate::safety::{
    add_address, finish, freeze, intruded, recover, recovery_links, safety_link, set_password,
};
use crate::second_factors::{check, owner};
use crate::support::*;

const ADA: &str = "ada@example.com";
const NEW: &str = "ada@new.example";
const EVE: &str = "eve@evil.example";
const WEEK: Duration = Duration::from_hours(7 * 24);
const NEW_PASSWORD: &str = "quite another one";

fn telling() -> App {
    App::with(|config| config.new_device_mails = true)
}

fn account(app: &App, user_id: UserId) -> Account {
    run(app.zalt.users().find_account(user_id)).unwrap()
}

fn id_of(account: &Account, address: &str) -> Option<IdentifierId> {
    let mut identifiers = account.identifiers.iter();
    let found = identifiers.find(|identifier| identifier.value.as_str() == address);
    found.map(|identifier| identifier.id)
}

fn take_off(app: &App, who: &Authenticated, address: &str) {
    let id = id_of(&account(app, who.user().id), address).unwrap();
    run(app.zalt.users().remove_email_address(&request(), who, id)).unwrap();
}

fn set_up_totp(app: &App, who: &Authenticated) -> TotpEnrollment {
    let credentials = app.zalt.credentials();
    let enrollment = run(credentials.begin_totp(&request(), who, None)).unwrap();
    let id = enrollment.credential.id;
    let code = enrollment.secret.code_at(app.zalt.now());
    run(credentials.confirm_totp(&request(), who, id, &code)).unwrap();
    app.clock.advance(Duration::from_secs(30));
    enrollment
}

/// The mail of this kind that went to `address`, by its safety link.
fn link_of(app: &App, address: &str, wanted: impl Fn(&Notice) -> bool) -> Option<LinkToken> {
    run(app.worker.send_due()).unwrap();
    let mails = app.outbox.all();
    let mut to_address = mails.iter().rev().filter(|mail| mail.to == address);
    let mail = to_address.find(|mail| wanted(&mail.notice)).unwrap();
    let (_, token) = mail.safety_link.as_ref()?.split_once("token=").unwrap();
    Some(LinkToken::parse(token).unwrap())
}

/// The owner has moved to another mailbox, set up an app and taken the old mailbox off the account.
fn moved(app: &App) -> UserId {
    let (user_id, who) = intruded(app);
    add_address(app, &who, NEW);
    let enrollment = set_up_totp(app, &who);
    let proof = SecondFactorProof::Totp(enrollment.secret.code_at(app.zalt.now()));
    let sessions = app.zalt.sessions();
    let token = run(sessions.step_up(&request(), &who, &proof)).unwrap();
    let token = token.unwrap().expose();
    let who = run(sessions.authenticate(&request(), &token)).unwrap();
    app.clock.advance(MINUTE);
    take_off(app, &who, ADA);
    user_id
}

#[test]
fn a_mailbox_that_was_given_up_recovers_nothing_against_the_new_one() {
    let app = telling();
    let user_id = moved(&app);
    let link = safety_link(&app, ADA).unwrap();
    assert!(safety_link(&app, NEW).is_none());
    freeze(&app, &link).unwrap();
    let way_back = recovery_links(&app, ADA).remove(0);
    assert!(matches!(
        recover(&app, &way_back),
        Err(Error::RecoveryHeld { retry_after: DAY })
    ));
    let Notice::RecoveryByAnother { held_minutes } = app.mail_to(NEW) else {
        panic!("{:?}", app.mail_to(NEW));
    };
    assert_eq!(held_minutes, Some(24 * 60));
    let objection = safety_link(&app, NEW).unwrap();
    freeze(&app, &objection).unwrap();
    assert!(app.events(user_id).contains(&"user.recovery_objected"));
    assert!(matches!(
        freeze(&app, &objection),
        Err(Error::LinkIncorrect)
    ));
    app.clock.advance(DAY);
    assert!(matches!(
        recover(&app, &way_back),
        Err(Error::LinkIncorrect)
    ));
    let account = account(&app, user_id);
    assert!(account.user.frozen_at.is_some());
    assert!(id_of(&account, NEW).is_some() && id_of(&account, ADA).is_none());
    // Asked for again, it waits again, and the others are told again.
    let before = app.mails_to(NEW);
    freeze(&app, &link).unwrap();
    assert_eq!(app.mails_to(NEW), before + 1);
    let again = recovery_links(&app, ADA).pop().unwrap();
    assert!(matches!(
        recover(&app, &again),
        Err(Error::RecoveryHeld { .. })
    ));
}

#[test]
fn whoever_a_recovery_takes_off_the_account_is_told_and_can_stop_it() {
    let app = telling();
    let user_id = moved(&app);
    freeze(&app, &safety_link(&app, ADA).unwrap()).unwrap();
    let way_back = recovery_links(&app, ADA).remove(0);
    app.clock.advance(DAY);
    let started = recover(&app, &way_back).unwrap();
    set_password(&app, &started);
    let review = run(app.zalt.safety().review(&started.token)).unwrap();
    let decision = ReviewDecision {
        credentials: review.credentials.iter().map(|row| row.id).collect(),
        identifiers: review.identifiers.iter().map(|row| row.id).collect(),
    };
    finish(&app, &started, &decision);
    assert_eq!(id_of(&account(&app, user_id), NEW), None);
    let recovered = |notice: &Notice| *notice == Notice::AccountRecovered;
    let link = link_of(&app, NEW, recovered).unwrap();
    freeze(&app, &link).unwrap();
    assert!(account(&app, user_id).user.frozen_at.is_some());
    assert!(
        recovery_links(&app, NEW).is_empty(),
        "it stops and does not recover"
    );
}

#[test]
fn an_address_that_is_not_the_owners_yet_is_told_of_a_freeze_and_gets_no_link() {
    let app = telling();
    let (_, who) = intruded(&app);
    let link = safety_link(&app, ADA).unwrap();
    add_address(&app, &who, EVE);
    freeze(&app, &link).unwrap();
    let told = |notice: &Notice| *notice == Notice::RecoveryByAnother { held_minutes: None };
    assert!(link_of(&app, EVE, told).is_none());
    let ways_back = recovery_links(&app, ADA);
    assert_eq!(ways_back.len(), 1);
    // The owner's address is on the account: nothing to wait for.
    recover(&app, &ways_back[0]).unwrap();
}

#[test]
fn an_address_that_is_put_back_keeps_its_say_against_an_old_one() {
    let app = telling();
    let (user_id, who) = intruded(&app);
    add_address(&app, &who, EVE);
    app.clock.advance(2 * WEEK);
    let who = check(&app, &app.sign_in(ADA));
    app.clock.advance(MINUTE);
    take_off(&app, &who, ADA);
    freeze(&app, &safety_link(&app, ADA).unwrap()).unwrap();
    let way_back = recovery_links(&app, ADA).remove(0);
    app.clock.advance(DAY);
    let started = recover(&app, &way_back).unwrap();
    set_password(&app, &started);
    finish(&app, &started, &ReviewDecision::default());

    app.clock.advance(HOUR);
    let recovered = |notice: &Notice| *notice == Notice::AccountRecovered;
    let before = recovery_links(&app, ADA).len();
    freeze(&app, &link_of(&app, EVE, recovered).unwrap()).unwrap();
    assert_eq!(recovery_links(&app, ADA).len(), before + 1);
    let started = recover(&app, &recovery_links(&app, EVE).pop().unwrap()).unwrap();
    set_password(&app, &started);
    let review = run(app.zalt.safety().review(&started.token)).unwrap();
    assert!(review.identifiers.is_empty());
    let decision = ReviewDecision {
        identifiers: id_of(&account(&app, user_id), ADA).into_iter().collect(),
        ..ReviewDecision::default()
    };
    finish(&app, &started, &decision);
    assert!(id_of(&account(&app, user_id), ADA).is_some());
}

#[test]
fn a_review_lists_every_address_that_was_not_the_owners_when_the_link_was_sent() {
    let app = telling();
    let (_, who) = intruded(&app);
    let added = add_address(&app, &who, EVE);
    app.clock.advance(3 * DAY);
    app.sign_in(ADA);
    let link = safety_link(&app, ADA).unwrap();
    app.clock.advance(6 * DAY);
    freeze(&app, &link).unwrap();
    let started = recover(&app, &recovery_links(&app, ADA)[0]).unwrap();
    set_password(&app, &started);
    let review = run(app.zalt.safety().review(&started.token)).unwrap();
    let listed: Vec<_> = review.identifiers.iter().map(|row| row.id).collect();
    assert_eq!(listed, [added]);
}

#[test]
fn a_recovery_can_be_said_not_to_be_yours_at_once() {
    let app = telling();
    let (user_id, _) = intruded(&app);
    freeze(&app, &safety_link(&app, ADA).unwrap()).unwrap();
    let started = recover(&app, &recovery_links(&app, ADA)[0]).unwrap();
    set_password(&app, &started);
    finish(&app, &started, &ReviewDecision::default());
    // The session that came from a new device is gone, and so is the device.
    let devices = account(&app, user_id);
    assert_eq!(devices.devices().count(), 1, "the one of the sign-up");
    let recovered = |notice: &Notice| *notice == Notice::AccountRecovered;
    freeze(&app, &link_of(&app, ADA, recovered).unwrap()).unwrap();
    assert!(account(&app, user_id).user.frozen_at.is_some());
}

#[test]
fn a_used_link_sends_the_way_back_again_while_the_account_is_frozen() {
    let app = telling();
    let (user_id, _) = intruded(&app);
    let first = safety_link(&app, ADA).unwrap();
    app.clock.advance(MINUTE);
    app.sign_in(ADA);
    let second = safety_link(&app, ADA).unwrap();
    freeze(&app, &first).unwrap();
    app.clock.advance(HOUR);
    assert!(matches!(
        recover(&app, &recovery_links(&app, ADA)[0]),
        Err(Error::LinkIncorrect)
    ));
    for link in [&first, &second, &first] {
        freeze(&app, link).unwrap();
    }
    assert!(matches!(
        freeze(&app, &first),
        Err(Error::RateLimited { .. })
    ));
    let events = app.events(user_id);
    let frozen = events.iter().filter(|event| **event == "user.frozen");
    assert_eq!(frozen.count(), 1);
    let mut ways_back = recovery_links(&app, ADA);
    assert_eq!(ways_back.len(), 4);
    let started = recover(&app, &ways_back.pop().unwrap()).unwrap();
    set_password(&app, &started);
    finish(&app, &started, &ReviewDecision::default());
    app.clock.advance(MINUTE);
    assert!(matches!(freeze(&app, &first), Err(Error::LinkIncorrect)));
}

#[test]
fn a_mail_to_sign_in_to_a_frozen_account_recovers_it_and_floods_nobody() {
    let app = App::with(|config| {
        config.new_device_mails = true;
        config.first_factors.password = false;
    });
    let new = NewSignUp {
        password: None,
        ..new_sign_up(ADA)
    };
    let sign_ups = app.zalt.sign_ups();
    let started = run(sign_ups.create(&request(), new)).unwrap();
    let proof = Proof::code(&code_and_link(&app.mail_to(ADA)).0);
    run(sign_ups.attempt_proof(&request(), &started.token, &proof)).unwrap();
    app.clock.advance(2 * WEEK);
    let sign_ins = app.zalt.sign_ins();
    let ask = || {
        let started = run(sign_ins.create(&request(), ADA, Transport::Cookie)).unwrap();
        let (purpose, strategy) = (ChallengePurpose::SignIn, ChallengeStrategy::EmailCode);
        run(sign_ins.prepare(&request(), &started.token, purpose, strategy)).unwrap();
        started.token
    };
    let token = ask();
    let proof = Proof::code(&code_and_link(&app.mail_to(ADA)).0);
    run(sign_ins.attempt_proof(&request(), &token, &proof)).unwrap();
    let link = safety_link(&app, ADA).unwrap();
    freeze(&app, &link).unwrap();
    app.clock.advance(HOUR);
    let before = app.mails_to(ADA);
    for _ in 0..6 {
        ask();
    }
    assert_eq!(app.mails_to(ADA), before + 3);
    // What strangers spend is not what the holder of the link has.
    freeze(&app, &link).unwrap();
    let started = recover(&app, &recovery_links(&app, ADA).pop().unwrap()).unwrap();
    assert_eq!(
        finish(&app, &started, &ReviewDecision::default()),
        SignInStatus::NeedsFirstFactor
    );
}

#[test]
fn of_two_recoveries_the_one_whose_password_it_is_goes_on() {
    let app = telling();
    intruded(&app);
    let link = safety_link(&app, ADA).unwrap();
    freeze(&app, &link).unwrap();
    freeze(&app, &link).unwrap();
    let links = recovery_links(&app, ADA);
    let first = recover(&app, &links[0]).unwrap();
    set_password(&app, &first);
    app.clock.advance(MINUTE);
    let second = recover(&app, &links[1]).unwrap();
    set_password(&app, &second);
    let safety = app.zalt.safety();
    let decision = ReviewDecision::default();
    assert!(matches!(
        run(safety.finish(&request(), &first.token, &decision)),
        Err(Error::AttemptNotFound)
    ));
    finish(&app, &second, &decision);
}

#[test]
fn a_factor_that_took_the_place_of_an_older_one_stays() {
    let app = telling();
    let owner = owner(&app);
    app.clock.advance(2 * WEEK);
    let sign_ins = app.zalt.sign_ins();
    let progress =
        run(sign_ins.with_password(&request(), ADA, password(PASSWORD), Transport::Cookie));
    let SignInProgress::NeedsSecondFactor(pending) = progress.unwrap() else {
        panic!("a second factor is asked for");
    };
    let proof = SecondFactorProof::Totp(owner.secret.code_at(app.zalt.now()));
    let passed =
        run(sign_ins.attempt_second_factor(&request(), &pending.token.unwrap(), &proof)).unwrap();
    let who = check(&app, &passed.into_session().unwrap());
    let enrollment = set_up_totp(&app, &who);
    let credentials = app.zalt.credentials();
    run(credentials.remove(&request(), &who, owner.credential)).unwrap();

    freeze(&app, &safety_link(&app, ADA).unwrap()).unwrap();
    let started = recover(&app, &recovery_links(&app, ADA)[0]).unwrap();
    set_password(&app, &started);
    let review = run(app.zalt.safety().review(&started.token)).unwrap();
    assert!(review.credentials.is_empty());
    let decision = ReviewDecision {
        credentials: vec![enrollment.credential.id],
        ..ReviewDecision::default()
    };
    finish(&app, &started, &decision);
    let progress =
        run(sign_ins.with_password(&request(), ADA, password(NEW_PASSWORD), Transport::Cookie));
    assert!(matches!(progress, Ok(SignInProgress::NeedsSecondFactor(_))));
}
