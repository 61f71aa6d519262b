use zalt_core::event::EventKind;
use zalt_core::passkey::{ClonePolicy, PasskeyRefusal as Refusal};
use zalt_test_authenticator::Manner;

use super::*;

/// What an authenticator, or the browser around it, does wrong, and what is said of it.
type Wrong = (fn(&mut Manner), Refusal);

const WRONG: &[Wrong] = &[
    (|m| m.origin = "https://evil.test".into(), Refusal::Origin),
    (
        |m| m.origin = "https://auth.example.com:8443".into(),
        Refusal::Origin,
    ),
    (
        |m| m.origin = "https://app.auth.example.com".into(),
        Refusal::Origin,
    ),
    (
        |m| m.origin = "http://auth.example.com".into(),
        Refusal::Origin,
    ),
    (|m| m.cross_origin = Some(true), Refusal::CrossOrigin),
    (|m| m.top_origin = Some(ORIGIN.into()), Refusal::CrossOrigin),
    (|m| m.challenge = Some("A".repeat(64)), Refusal::Challenge),
    (|m| m.rp_id = Some("example.com".into()), Refusal::RpId),
    (|m| m.user_present = false, Refusal::UserNotPresent),
    (|m| m.backed_up = true, Refusal::Backup),
];

#[test]
fn a_wrong_answer_signs_nobody_in() {
    let app = App::new();
    let owner = owner(&app, ADA);
    let only_to_sign_in: &[Wrong] = &[
        (|m| m.client_type = Some("webauthn.create"), Refusal::Type),
        (|m| m.user_verified = false, Refusal::UserNotVerified),
        (|m| m.backup_eligible = true, Refusal::Backup),
        (|m| m.corrupt_signature = true, Refusal::Signature),
    ];
    for (change, expected) in WRONG.iter().chain(only_to_sign_in) {
        let mut wrong = owner.authenticator.copy();
        change(&mut wrong.manner);
        assert_refused(sign_in(&app, &mut wrong), *expected);
    }
    let mut right = owner.authenticator.copy();
    sign_in(&app, &mut right).unwrap();
}

#[test]
fn a_wrong_answer_registers_nothing() {
    let app = App::new();
    let signed_in = app.sign_up(ADA);
    let only_to_register: &[Wrong] = &[
        (|m| m.client_type = Some("webauthn.get"), Refusal::Type),
        (|m| m.algorithm = Some(-8), Refusal::Algorithm),
        (|m| m.algorithm = Some(-65535), Refusal::Algorithm),
    ];
    for (change, expected) in WRONG.iter().chain(only_to_register) {
        let mut wrong = authenticator();
        change(&mut wrong.manner);
        let refused = register(&app, &signed_in, &mut wrong);
        // A challenge that no request has leads to none.
        let expected = match expected {
            Refusal::Challenge => Refusal::NoRequest,
            other => *other,
        };
        assert_refused(refused, expected);
    }
    let account = run(app.zalt.users().find_account(signed_in.user.id)).unwrap();
    assert_eq!(account.credentials, []);
}

#[test]
fn a_request_is_answered_once() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let who = strong(&app, &mut owner);
    let credentials = app.zalt.credentials();
    let options = json(&run(credentials.begin_passkey(&request(), &who)).unwrap());
    let mut other = authenticator();
    let first = attestation(authenticator().create(&options).unwrap());
    let second = attestation(other.create(&options).unwrap());
    run(credentials.confirm_passkey(&request(), &who, &first, None)).unwrap();
    for response in [&first, &second] {
        let again = run(credentials.confirm_passkey(&request(), &who, response, None));
        assert_refused(again, Refusal::NoRequest);
    }
    let sessions = app.zalt.sessions();
    let options = json(&run(sessions.prepare_passkey(&request(), &who)).unwrap());
    let response = assertion(owner.authenticator.get(&options).unwrap());
    let answer = proof(response);
    let token = run(sessions.step_up(&request(), &who, &answer)).unwrap();
    let token = token.unwrap().expose();
    let who = run(sessions.authenticate(&request(), &token)).unwrap();
    let again = run(sessions.step_up(&request(), &who, &answer));
    assert_refused(again, Refusal::NoRequest);
}

#[test]
fn an_answer_to_another_request_is_none() {
    let app = App::new();
    let mut ada = owner(&app, ADA);
    let mut ben = owner(&app, BEN);
    let (stolen, stolen_options) = begin(&app);
    let (own, _) = begin(&app);
    // Of another sign-in, be it of the same passkey.
    let response = ada.authenticator.get(&stolen_options).unwrap();
    assert_refused(attempt(&app, &own, response), Refusal::Challenge);
    attempt(
        &app,
        &stolen,
        ada.authenticator.get(&stolen_options).unwrap(),
    )
    .unwrap();
    // Of an older request of the same sign-in.
    let (token, older) = begin(&app);
    let newer = prepare(&app, &token).unwrap();
    let response = ada.authenticator.get(&older).unwrap();
    assert_refused(attempt(&app, &token, response), Refusal::Challenge);
    assert_ne!(older["challenge"], newer["challenge"]);

    let (of_ada, of_ben) = (strong(&app, &mut ada), strong(&app, &mut ben));
    let sessions = app.zalt.sessions();
    let options = json(&run(sessions.prepare_passkey(&request(), &of_ada)).unwrap());
    // Of another user's session.
    let response = assertion(ada.authenticator.get(&options).unwrap());
    let refused = run(sessions.step_up(&request(), &of_ben, &proof(response)));
    assert_refused(refused, Refusal::Challenge);
    // Of another purpose: a sign-in, and a registration.
    let (_, sign_in) = begin(&app);
    let response = assertion(ada.authenticator.get(&sign_in).unwrap());
    let refused = run(sessions.step_up(&request(), &of_ada, &proof(response)));
    assert_refused(refused, Refusal::Challenge);
    let credentials = app.zalt.credentials();
    let creation = json(&run(credentials.begin_passkey(&request(), &of_ben)).unwrap());
    let made = attestation(authenticator().create(&creation).unwrap());
    let refused = run(credentials.confirm_passkey(&request(), &of_ada, &made, None));
    assert_refused(refused, Refusal::Challenge);
    let mut asked = options.clone();
    asked["challenge"] = creation["challenge"].clone();
    asked["allowCredentials"] = serde_json::json!([]);
    let response = assertion(ben.authenticator.get(&asked).unwrap());
    let refused = run(sessions.step_up(&request(), &of_ben, &proof(response)));
    assert_refused(refused, Refusal::Challenge);
}

#[test]
fn a_request_is_over_after_its_time() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let (token, options) = begin(&app);
    let response = owner.authenticator.get(&options).unwrap();
    app.clock.advance(5 * MINUTE);
    assert_refused(attempt(&app, &token, response), Refusal::NoRequest);
    let who = check(&app, &owner.signed_in);
    let sessions = app.zalt.sessions();
    let options = json(&run(sessions.prepare_passkey(&request(), &who)).unwrap());
    let response = assertion(owner.authenticator.get(&options).unwrap());
    app.clock.advance(5 * MINUTE);
    let late = run(sessions.step_up(&request(), &who, &proof(response)));
    assert_refused(late, Refusal::NoRequest);
}

#[test]
fn a_copy_of_a_passkey_is_found_out_by_the_counter() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let mut copy = owner.authenticator.copy();
    for _ in 0..2 {
        sign_in(&app, &mut owner.authenticator).unwrap();
    }
    assert_refused(sign_in(&app, &mut copy), Refusal::Counter);
    let suspicion = EventKind::CredentialCloneSuspected {
        credential_id: owner.credential.id,
        last: 2,
        shown: 1,
    };
    let events = app.event_kinds(owner.signed_in.user.id);
    assert!(events.contains(&suspicion), "{events:?}");
    // As a second factor, and to step up, alike.
    let token = after_password(&app, ADA);
    let options = prepare(&app, &token).unwrap();
    let response = copy.get(&options).unwrap();
    assert_refused(second_factor(&app, &token, response), Refusal::Counter);
    sign_in(&app, &mut owner.authenticator).unwrap();
    assert_eq!(kept(&app, &owner).1.counter, 3);
    // One that stops to count is behind too.
    owner.authenticator.manner.counts_by = 0;
    assert_refused(sign_in(&app, &mut owner.authenticator), Refusal::Counter);
}

#[test]
fn a_copy_is_only_reported_where_that_is_the_policy() {
    let app = with(|config| config.passkeys.clones = ClonePolicy::Report);
    let mut owner = owner(&app, ADA);
    let mut copy = owner.authenticator.copy();
    for _ in 0..2 {
        sign_in(&app, &mut owner.authenticator).unwrap();
    }
    sign_in(&app, &mut copy).unwrap();
    let events = app.events(owner.signed_in.user.id);
    assert!(events.contains(&"credential.clone_suspected"), "{events:?}");
    assert_eq!(kept(&app, &owner).1.counter, 2, "it never goes back");
}

#[test]
fn a_passkey_that_does_not_count_is_no_copy() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    owner.authenticator.manner.counts_by = 0;
    for _ in 0..3 {
        sign_in(&app, &mut owner.authenticator).unwrap();
    }
    let events = app.events(owner.signed_in.user.id);
    assert!(
        !events.contains(&"credential.clone_suspected"),
        "{events:?}"
    );
}

#[test]
fn a_passkey_is_registered_once_and_by_one_user() {
    let app = App::new();
    let mut ada = owner(&app, ADA);
    let ben = app.sign_up(BEN);
    let credentials = app.zalt.credentials();
    for who in [strong(&app, &mut ada), check(&app, &ben)] {
        let options = json(&run(credentials.begin_passkey(&request(), &who)).unwrap());
        // An authenticator that does not care what is excluded, or is made to say what another made.
        let response = ada.authenticator.create_again(&options);
        let refused =
            run(credentials.confirm_passkey(&request(), &who, &attestation(response), None));
        assert_refused(refused, Refusal::AlreadyRegistered);
    }
    let account = run(app.zalt.users().find_account(ben.user.id)).unwrap();
    assert_eq!(account.credentials, []);
}

#[test]
fn a_statement_that_nobody_asked_for_is_not_read() {
    for format in [
        "packed",
        "tpm",
        "android-key",
        "android-safetynet",
        "fido-u2f",
        "apple",
        "compound",
        "never heard of",
    ] {
        let app = App::new();
        let signed_in = app.sign_up(ADA);
        let mut key = authenticator();
        // None of its statements holds what its format asks for.
        key.manner.attestation_format = format;
        let (credential, _) = register(&app, &signed_in, &mut key).unwrap();
        let CredentialState::Passkey(passkey) = credential.state else {
            panic!("{credential:?}");
        };
        assert_eq!(passkey.attestation_format, "none", "nothing was checked");
        sign_in(&app, &mut key).unwrap();
    }
}
