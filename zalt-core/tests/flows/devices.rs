//! Devices that are known again, and those that stand in for the second factor.

use std::time::Duration;

use zalt_core::attempt::{SecondFactorProof, SignInProgress};
use zalt_core::message::Notice;
use zalt_core::password::Argon2Params;
use zalt_core::secret::DeviceToken;
use zalt_core::session::AuthenticationMethod::{Password, TrustedDevice};
use zalt_core::session::{Assurance, SignedIn, Transport};
use zalt_core::{Config, Error, RequestContext};

use crate::faults::FaultyStore;
use crate::second_factors::{Owner, check, owner};
use crate::support::*;

const ADA: &str = "ada@example.com";

fn telling(config: &mut Config) {
    config.new_device_mails = true;
}

fn trusting(config: &mut Config) {
    config.trusted_devices = Some(30 * DAY);
}

fn from(device: &DeviceToken) -> RequestContext {
    request().with_device(device.clone())
}

fn with_password(app: &App, request: &RequestContext) -> SignInProgress {
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.with_password(request, ADA, password(PASSWORD), Transport::Cookie)).unwrap()
}

fn second_factor(app: &App, owner: &Owner, request: &RequestContext) -> SignedIn {
    let SignInProgress::NeedsSecondFactor(pending) = with_password(app, request) else {
        panic!("a second factor was not asked for");
    };
    let proof = SecondFactorProof::Totp(owner.secret.code_at(app.zalt.now()));
    let sign_ins = app.zalt.sign_ins();
    let token = pending.token.unwrap();
    let progress = run(sign_ins.attempt_second_factor(request, &token, &proof)).unwrap();
    app.clock.advance(Duration::from_secs(30));
    progress.into_session().unwrap()
}

/// The owner with a device that stands in for the app.
fn trusted(app: &App) -> (Owner, DeviceToken) {
    let owner = owner(app);
    let asking = request().trusting_device();
    let signed_in = second_factor(app, &owner, &asking);
    (owner, signed_in.device.unwrap())
}

fn is_asked(app: &App, device: &DeviceToken) -> bool {
    matches!(
        with_password(app, &from(device)),
        SignInProgress::NeedsSecondFactor(_)
    )
}

#[test]
fn a_device_is_new_once_for_each_user() {
    let app = App::with(telling);
    let device = app.sign_up(ADA).device.unwrap();
    let before = app.mails_to(ADA);
    let SignInProgress::Complete(again) = with_password(&app, &from(&device)) else {
        panic!("nothing else is asked for");
    };
    assert!(again.device.is_none());
    assert_eq!(app.mails_to(ADA), before);
    let other = app.sign_in(ADA).device.unwrap();
    assert_eq!(app.mails_to(ADA), before + 1);
    assert!(matches!(app.mail_to(ADA), Notice::NewDevice { .. }));
    assert_ne!(other, device);
    // The same browser with another account.
    let sign_ups = app.zalt.sign_ups();
    let started = run(sign_ups.create(&request(), new_sign_up("bob@example.com"))).unwrap();
    let (code, _) = code_and_link(&app.mail_to("bob@example.com"));
    let proof = zalt_core::attempt::Proof::code(&code);
    let bob = run(sign_ups.attempt_proof(&from(&device), &started.token, &proof)).unwrap();
    let bob = bob.into_session().unwrap();
    assert!(bob.device.is_none(), "it keeps the token that it has");
    let account = run(app.zalt.users().find_account(bob.user.id)).unwrap();
    assert_eq!(account.devices().count(), 1);
    let before = app.mails_to(ADA);
    with_password(&app, &from(&device));
    assert_eq!(app.mails_to(ADA), before);
}

#[test]
fn an_account_is_known_from_ten_devices_at_most() {
    let app = App::with(telling);
    let first = app.sign_up(ADA);
    for _ in 0..15 {
        app.clock.advance(MINUTE);
        app.sign_in(ADA);
    }
    let account = run(app.zalt.users().find_account(first.user.id)).unwrap();
    assert_eq!(account.devices().count(), 10);
    // Nobody's mailbox is flooded by a program that keeps no token.
    assert!(app.mails_to(ADA) < 14);
}

#[test]
fn a_trusted_device_stands_in_for_the_second_factor_and_is_none() {
    let app = App::with(trusting);
    let (owner, device) = trusted(&app);
    let SignInProgress::Complete(signed_in) = with_password(&app, &from(&device)) else {
        panic!("the device stands in");
    };
    let methods: Vec<_> = signed_in
        .session
        .amr
        .iter()
        .map(|proof| proof.method)
        .collect();
    assert_eq!(methods, [Password, TrustedDevice]);
    assert_eq!(signed_in.session.assurance(), Some(Assurance::OneFactor));
    // Never for a step up.
    let who = check(&app, &signed_in);
    let removed = run(app
        .zalt
        .credentials()
        .remove(&request(), &who, owner.credential));
    assert!(matches!(
        removed,
        Err(Error::ReauthenticationRequired {
            assurance: Assurance::TwoFactors,
            ..
        })
    ));
    // Another device is asked, and so is this one when its time is up.
    assert!(is_asked(
        &app,
        &DeviceToken::mint(&zalt_core::SystemRng).unwrap()
    ));
    app.clock.advance(30 * DAY);
    assert!(is_asked(&app, &device));
}

#[test]
fn nobody_plants_a_token_that_becomes_worth_a_second_factor() {
    let app = App::with(trusting);
    let owner = owner(&app);
    let planted = DeviceToken::mint(&zalt_core::SystemRng).unwrap();
    let asking = from(&planted).trusting_device();
    let signed_in = second_factor(&app, &owner, &asking);
    assert_ne!(signed_in.device, Some(planted.clone()));
    assert!(is_asked(&app, &planted));
    assert!(!is_asked(&app, &signed_in.device.unwrap()));
}

#[test]
fn trust_is_asked_for_and_has_to_be_allowed() {
    let app = App::with(telling);
    let (_, device) = trusted(&app);
    assert!(is_asked(&app, &device), "it is not allowed");
    let app = App::with(|config| {
        trusting(config);
        telling(config);
    });
    let owner = owner(&app);
    let device = second_factor(&app, &owner, &request()).device.unwrap();
    assert!(is_asked(&app, &device), "it was not asked for");
}

#[test]
fn a_changed_password_voids_trust() {
    let app = App::with(trusting);
    let (owner, device) = trusted(&app);
    let who = check(&app, &second_factor(&app, &owner, &request()));
    let users = app.zalt.users();
    let (old, new) = (password(PASSWORD), password("quite another one"));
    run(users.change_password(&request(), &who, Some(old), new, false)).unwrap();
    let sign_ins = app.zalt.sign_ins();
    let progress = run(sign_ins.with_password(
        &from(&device),
        ADA,
        password("quite another one"),
        Transport::Cookie,
    ));
    assert!(matches!(progress, Ok(SignInProgress::NeedsSecondFactor(_))));
}

#[test]
fn another_factor_a_reset_and_the_end_of_all_sessions_void_trust() {
    let app = App::with(trusting);
    let (owner, device) = trusted(&app);
    let who = check(&app, &second_factor(&app, &owner, &request()));
    let credentials = app.zalt.credentials();
    let enrollment = run(credentials.begin_totp(&request(), &who, None)).unwrap();
    let (id, code) = (
        enrollment.credential.id,
        enrollment.secret.code_at(app.zalt.now()),
    );
    run(credentials.confirm_totp(&request(), &who, id, &code)).unwrap();
    assert!(is_asked(&app, &device), "a factor was added");

    let app = App::with(trusting);
    let (owner, device) = trusted(&app);
    let user_id = owner.signed_in.user.id;
    run(app.zalt.users().end_sessions(&request(), user_id)).unwrap();
    assert!(is_asked(&app, &device), "all sessions were ended");

    let app = App::with(trusting);
    let (owner, _) = trusted(&app);
    let user_id = owner.signed_in.user.id;
    run(app.zalt.credentials().reset(&request(), user_id, "lost")).unwrap();
    let account = run(app.zalt.users().find_account(user_id)).unwrap();
    assert_eq!(account.devices().count(), 0);
}

#[test]
fn a_device_is_forgotten() {
    let app = App::with(trusting);
    let (owner, device) = trusted(&app);
    let signed_in = second_factor(&app, &owner, &request());
    let who = check(&app, &signed_in);
    let account = run(app.zalt.users().find_account(signed_in.user.id)).unwrap();
    let mut devices = account.devices();
    let (known, _) = devices
        .find(|(known, _)| app.zalt.has_trust(&account, known))
        .unwrap();
    let credentials = app.zalt.credentials();
    // It is no second factor that the other way of removing would take.
    let removed = run(credentials.remove(&request(), &who, known.id));
    assert!(matches!(removed, Err(Error::NotFound)));
    run(credentials.forget_device(&request(), &who, known.id)).unwrap();
    assert!(is_asked(&app, &device));
    let again = run(credentials.forget_device(&request(), &who, known.id));
    assert!(matches!(again, Err(Error::NotFound)));
}

#[test]
fn a_cookie_speaks_for_no_session_that_is_held_by_tokens() {
    let app = App::with(trusting);
    let (_, device) = trusted(&app);
    let sign_ins = app.zalt.sign_ins();
    let asked = |request: &RequestContext, transport| {
        let progress = run(sign_ins.with_password(request, ADA, password(PASSWORD), transport));
        matches!(progress.unwrap(), SignInProgress::NeedsSecondFactor(_))
    };
    let in_cookie = request().with_device_cookie(device.clone());
    assert!(!asked(&in_cookie, Transport::Cookie));
    assert!(asked(&in_cookie, Transport::Bearer), "a script may ask");
    assert!(!asked(&from(&device), Transport::Bearer));
}

#[test]
fn trust_that_was_given_ends_with_a_lifetime_that_was_made_shorter() {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let app = App::over(store.clone(), &keys, trusting);
    let (_, device) = trusted(&app);
    let shorter = App::over(store, &keys, |config| {
        config.trusted_devices = Some(DAY);
    });
    shorter.clock.advance(HOUR);
    assert!(!is_asked(&shorter, &device));
    shorter.clock.advance(DAY);
    assert!(is_asked(&shorter, &device));
    app.clock.advance(2 * DAY);
    assert!(!is_asked(&app, &device));
}

#[test]
fn a_device_that_comes_back_stays_known() {
    let app = App::with(telling);
    let first = app.sign_up(ADA);
    let device = first.device.clone().unwrap();
    app.clock.advance(DAY);
    with_password(&app, &from(&device));
    let before = app.mails_to(ADA);
    for _ in 0..15 {
        app.clock.advance(MINUTE);
        app.sign_in(ADA);
    }
    let told = app.mails_to(ADA);
    assert!(told <= before + 10, "one that stays is no reason to tell");
    let account = run(app.zalt.users().find_account(first.user.id)).unwrap();
    let mut devices = account.devices();
    assert!(devices.any(|(known, _)| known.created_at == first.session.created_at));
}

#[test]
fn trust_that_is_over_keeps_no_place() {
    let app = App::with(|config| {
        trusting(config);
        telling(config);
    });
    let owner = owner(&app);
    for _ in 0..10 {
        second_factor(&app, &owner, &request().trusting_device());
    }
    app.clock.advance(31 * DAY);
    let user_id = owner.signed_in.user.id;
    let latest = second_factor(&app, &owner, &request());
    for _ in 0..3 {
        second_factor(&app, &owner, &request());
    }
    let account = run(app.zalt.users().find_account(user_id)).unwrap();
    let since = latest.session.created_at;
    let recent = account
        .devices()
        .filter(|(known, _)| known.created_at >= since);
    assert_eq!(recent.count(), 4);
}

#[test]
fn devices_take_no_place_of_factors() {
    let app = App::with(|config| {
        telling(config);
        config.second_factors.methods.email_code = true;
    });
    let owner = owner(&app);
    for _ in 0..10 {
        second_factor(&app, &owner, &request());
    }
    let who = check(&app, &second_factor(&app, &owner, &request()));
    let credentials = app.zalt.credentials();
    // With the app and the recovery codes ten.
    for _ in 0..8 {
        let enrollment = run(credentials.begin_totp(&request(), &who, None)).unwrap();
        let code = enrollment.secret.code_at(app.zalt.now());
        let id = enrollment.credential.id;
        run(credentials.confirm_totp(&request(), &who, id, &code)).unwrap();
    }
    let account = run(app.zalt.users().find_account(who.user().id)).unwrap();
    assert_eq!(account.credentials.len(), 20);
    let address = account.identifiers[0].id;
    run(credentials.add_messages(&request(), &who, address)).unwrap();
}

#[test]
fn sign_ins_at_once_from_one_device_all_succeed() {
    // All are read before the first is through with its hash.
    let app = App::with(|config| {
        telling(config);
        config.hashing.params = Argon2Params::default();
    });
    app.sign_up(ADA);
    // The browser has a token from another account.
    let device = DeviceToken::mint(&zalt_core::SystemRng).unwrap();
    let before = app.mails_to(ADA);
    let asking = from(&device);
    let sign_ins = app.zalt.sign_ins();
    let results = run(futures_util::future::join_all((0..4).map(|_| {
        sign_ins.with_password(&asking, ADA, password(PASSWORD), Transport::Cookie)
    })));
    for result in results {
        assert!(
            matches!(result, Ok(SignInProgress::Complete(_))),
            "{result:?}"
        );
    }
    assert_eq!(app.mails_to(ADA), before + 1);
}
