use serde_json::json;
use zalt_core::Error;
use zalt_core::attempt::SignInProgress;
use zalt_core::event::EventKind;
use zalt_core::passkey::PasskeyRefusal;
use zalt_core::session::AuthenticationMethod::Passkey as Verified;
use zalt_core::session::{Assurance, Transport};

use super::*;

#[test]
fn a_passkey_alone_says_who_it_is_and_signs_in() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    app.clock.advance(HOUR);
    let signed_in = sign_in(&app, &mut owner.authenticator).unwrap();
    assert_eq!(signed_in.user.id, owner.signed_in.user.id);
    assert_eq!(methods(&signed_in), [Verified]);
    let assurance = signed_in.session.assurance();
    assert_eq!(assurance, Some(Assurance::PhishingResistant));
    let (credential, passkey) = kept(&app, &owner);
    assert_eq!(credential.last_used_at, Some(app.zalt.now()));
    assert_eq!(passkey.counter, 1);
    // It is a session like any other.
    let who = check(&app, &signed_in);
    let sessions = app.zalt.sessions();
    sessions
        .require(&who, Assurance::PhishingResistant)
        .unwrap();
    app.clock.advance(11 * MINUTE);
    let refused = sessions.require(&who, Assurance::PhishingResistant);
    assert!(matches!(
        refused,
        Err(Error::ReauthenticationRequired {
            assurance: Assurance::PhishingResistant,
            ..
        })
    ));
}

#[test]
fn what_is_asked_reveals_nobody_and_is_in_the_form_of_the_specification() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let (_, known) = begin_by(&app, ADA);
    let (_, unknown) = begin_by(&app, "nobody@example.com");
    let (_, anybody) = begin(&app);
    for mut options in [known, unknown, anybody] {
        let challenge = options["challenge"].take();
        assert_eq!(challenge.as_str().unwrap().len(), 64, "48 bytes");
        let expected = json!({
            "challenge": null, "timeout": 300_000, "rpId": "auth.example.com", "allowCredentials": [],
            "userVerification": "required",
        });
        assert_eq!(options, expected);
    }
    let who = strong(&app, &mut owner);
    let creation = run(app.zalt.credentials().begin_passkey(&request(), &who)).unwrap();
    let mut creation = json(&creation);
    creation["challenge"].take();
    let (_, passkey) = kept(&app, &owner);
    let id = zalt_core::passkey::Base64Url::new(owner.signed_in.user.id.as_bytes().to_vec());
    let expected = json!({
        "rp": { "id": "auth.example.com", "name": "Zalt" },
        "user": { "id": id, "name": ADA, "displayName": ADA },
        "challenge": null,
        "pubKeyCredParams": [
            { "type": "public-key", "alg": -7 },
            { "type": "public-key", "alg": -257 },
            { "type": "public-key", "alg": -35 },
        ],
        "timeout": 300_000,
        "excludeCredentials": [
            { "type": "public-key", "id": passkey.credential_id, "transports": ["internal", "hybrid"] },
        ],
        "authenticatorSelection": {
            "residentKey": "preferred", "requireResidentKey": false, "userVerification": "preferred",
        },
        "attestation": "none",
        "extensions": { "credProps": true },
    });
    assert_eq!(creation, expected);
}

#[test]
fn an_application_may_list_the_passkeys_of_an_identifier() {
    let app = with(|config| config.passkeys.list_credentials = true);
    let owner = owner(&app, ADA);
    let (_, passkey) = kept(&app, &owner);
    let (_, options) = begin_by(&app, ADA);
    let listed = &options["allowCredentials"];
    assert_eq!(listed[0]["id"], json!(passkey.credential_id));
    let (_, options) = begin(&app);
    assert_eq!(options["allowCredentials"], json!([]));
}

#[test]
fn a_list_does_not_tell_who_has_an_account() {
    let app = with(|config| config.passkeys.list_credentials = true);
    owner(&app, ADA);
    // An account without a passkey is listed like none.
    app.sign_up(BEN);
    let listed = |identifier: &str| begin_by(&app, identifier).1["allowCredentials"].clone();
    let shape = |listed: &Value| {
        let rows = listed.as_array().unwrap();
        assert_eq!(rows.len(), 1, "{listed}");
        let keys: Vec<_> = rows[0].as_object().unwrap().keys().cloned().collect();
        (keys, rows[0]["id"].as_str().unwrap().len())
    };
    let of_ada = listed(ADA);
    for nobody in [BEN, "nobody@example.com", "nobody", "+436601234567"] {
        let invented = listed(nobody);
        assert_eq!(shape(&invented), shape(&of_ada), "{nobody}");
        assert_eq!(listed(nobody), invented, "the same each time");
        assert_ne!(listed("somebody@example.com"), invented);
    }
    assert_eq!(listed("NOBODY@example.com"), listed("nobody@example.com"));
}

#[test]
fn an_identifier_takes_the_passkeys_of_its_own_account_only() {
    let app = App::new();
    let mut ada = owner(&app, ADA);
    let mut ben = owner(&app, BEN);
    let (token, options) = begin_by(&app, ADA);
    let response = ben.authenticator.get(&options).unwrap();
    assert_refused(attempt(&app, &token, response), PasskeyRefusal::Foreign);
    // Also where the authenticator knows nothing of users.
    ada.authenticator.manner.user_handle = Some(Vec::new());
    let options = prepare(&app, &token).unwrap();
    let response = ada.authenticator.get(&options).unwrap();
    let progress = attempt(&app, &token, response).unwrap();
    let signed_in = progress.into_session().unwrap();
    assert_eq!(signed_in.user.id, ada.signed_in.user.id);
}

#[test]
fn without_an_identifier_the_authenticator_has_to_name_the_user() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    for handle in [Vec::new(), b"somebody else".to_vec()] {
        owner.authenticator.manner.user_handle = Some(handle);
        let refused = sign_in(&app, &mut owner.authenticator);
        assert_refused(refused, PasskeyRefusal::Foreign);
    }
}

#[test]
fn a_sign_in_without_an_identifier_goes_on_with_a_passkey_only() {
    let app = App::new();
    owner(&app, ADA);
    let (token, _) = begin(&app);
    let sign_ins = app.zalt.sign_ins();
    let by_password = run(sign_ins.attempt_password(&request(), &token, password(PASSWORD)));
    assert!(matches!(by_password, Err(Error::AttemptStep)));
    let by_mail = run(sign_ins.prepare(
        &request(),
        &token,
        zalt_core::attempt::ChallengePurpose::SignIn,
        zalt_core::attempt::ChallengeStrategy::EmailCode,
    ));
    assert!(matches!(by_mail, Err(Error::AttemptStep)));
    let code = zalt_core::attempt::Proof::code("123456");
    let by_code = run(sign_ins.attempt_proof(&request(), &token, &code));
    assert!(matches!(by_code, Err(Error::AttemptStep)));
}

#[test]
fn a_complete_sign_in_takes_no_other_answer() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let (token, options) = begin(&app);
    let response = owner.authenticator.get(&options).unwrap();
    attempt(&app, &token, response.clone()).unwrap();
    let again = attempt(&app, &token, response);
    assert!(matches!(again, Err(Error::AttemptStep)));
    assert!(matches!(prepare(&app, &token), Err(Error::AttemptStep)));
}

#[test]
fn the_right_passkey_of_a_suspended_account_is_told_so() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let (token, options) = begin(&app);
    let response = owner.authenticator.get(&options).unwrap();
    let id = owner.signed_in.user.id;
    run(app.zalt.users().suspend(&request(), id)).unwrap();
    let refused = attempt(&app, &token, response);
    assert!(matches!(refused, Err(Error::AccountSuspended)));
}

#[test]
fn a_removed_passkey_signs_nobody_in() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let who = check(&app, &sign_in(&app, &mut owner.authenticator).unwrap());
    let credentials = app.zalt.credentials();
    run(credentials.remove(&request(), &who, owner.credential.id)).unwrap();
    let refused = sign_in(&app, &mut owner.authenticator);
    assert_refused(refused, PasskeyRefusal::Unknown);
}

#[test]
fn a_refusal_is_an_event_and_ends_the_request() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    owner.authenticator.manner.corrupt_signature = true;
    let (token, options) = begin(&app);
    let response = owner.authenticator.get(&options).unwrap();
    assert_refused(attempt(&app, &token, response), PasskeyRefusal::Signature);
    let events = app.event_kinds(owner.signed_in.user.id);
    let failed = EventKind::SignInFailed { method: Verified };
    assert_eq!(events.first(), Some(&failed));
    owner.authenticator.manner.corrupt_signature = false;
    let response = owner.authenticator.get(&options).unwrap();
    assert_refused(attempt(&app, &token, response), PasskeyRefusal::NoRequest);
    let options = prepare(&app, &token).unwrap();
    let response = owner.authenticator.get(&options).unwrap();
    let progress = attempt(&app, &token, response).unwrap();
    assert!(matches!(progress, SignInProgress::Complete(_)));
}

#[test]
fn without_the_means_there_are_no_passkeys() {
    let app = App::without_passkeys();
    let signed_in = app.sign_up(ADA);
    let who = check(&app, &signed_in);
    let begun = run(app.zalt.credentials().begin_passkey(&request(), &who));
    assert!(matches!(begun, Err(Error::FactorNotAllowed)));
    let sign_ins = app.zalt.sign_ins();
    let begun = run(sign_ins.begin_with_passkey(&request(), Transport::Cookie));
    assert!(matches!(begun, Err(Error::FactorNotAllowed)));
    let prepared = run(app.zalt.sessions().prepare_passkey(&request(), &who));
    assert!(matches!(prepared, Err(Error::FactorNotAllowed)));
}

#[test]
fn an_rsa_key_signs_in_and_its_signature_is_checked() {
    let app = App::new();
    let signed_in = app.sign_up(ADA);
    let mut key = authenticator();
    key.manner.rsa = true;
    register(&app, &signed_in, &mut key).unwrap();
    let mut wrong = key.copy();
    wrong.manner.corrupt_signature = true;
    assert_refused(sign_in(&app, &mut wrong), PasskeyRefusal::Signature);
    let signed_in = sign_in(&app, &mut key).unwrap();
    assert_eq!(methods(&signed_in), [AuthenticationMethod::Passkey]);
}
