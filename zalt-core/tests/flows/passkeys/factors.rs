use serde_json::json;
use zalt_core::attempt::AttemptState;
use zalt_core::config::{FirstFactors, SecondFactor, SecondFactorMethods, SecondFactorPolicy};
use zalt_core::passkey::{PasskeyRefusal as Refusal, UserVerification};
use zalt_core::session::Assurance;
use zalt_core::session::AuthenticationMethod::{
    Passkey as Verified, PasskeyPresence as Touched, Password,
};

use super::*;
use crate::faults::FaultyStore;

#[test]
fn a_passkey_is_a_second_factor_after_a_password() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let (_, passkey) = kept(&app, &owner);
    for (verified, method) in [(true, Verified), (false, Touched)] {
        let token = after_password(&app, ADA);
        let options = prepare(&app, &token).unwrap();
        // Whoever passed the first factor may know.
        assert_eq!(
            options["allowCredentials"][0]["id"],
            json!(passkey.credential_id)
        );
        assert_eq!(options["userVerification"], "preferred");
        owner.authenticator.manner.user_verified = verified;
        let response = owner.authenticator.get(&options).unwrap();
        let signed_in = second_factor(&app, &token, response).unwrap();
        assert_eq!(methods(&signed_in), [Password, method]);
        let assurance = signed_in.session.assurance();
        assert_eq!(assurance, Some(Assurance::PhishingResistant));
    }
}

#[test]
fn a_foreign_passkey_is_no_second_factor() {
    let app = App::new();
    let mut ada = owner(&app, ADA);
    let ben = owner(&app, BEN);
    let token = after_password(&app, ADA);
    let mut options = prepare(&app, &token).unwrap();
    options["allowCredentials"] = json!([]);
    let response = ben.authenticator.copy().get(&options).unwrap();
    assert_refused(second_factor(&app, &token, response), Refusal::Foreign);
    let mut options = prepare(&app, &token).unwrap();
    options["allowCredentials"] = json!([]);
    let mut stranger = ben.authenticator.copy();
    stranger.manner.user_handle = Some(Vec::new());
    let response = stranger.get(&options).unwrap();
    assert_refused(second_factor(&app, &token, response), Refusal::Unknown);
    let options = prepare(&app, &token).unwrap();
    let response = ada.authenticator.get(&options).unwrap();
    second_factor(&app, &token, response).unwrap();
}

#[test]
fn a_key_that_verifies_nobody_is_one_factor_where_that_is_allowed() {
    let app = with(|config| config.passkeys.user_verification = UserVerification::Preferred);
    let mut owner = owner(&app, ADA);
    owner.authenticator.manner.user_verified = false;
    // It is the only second factor, and it can't be both.
    let refused = sign_in(&app, &mut owner.authenticator);
    assert_refused(refused, Refusal::UserNotVerified);

    let mut second = authenticator();
    second.manner.user_verified = false;
    let token = after_password(&app, ADA);
    let options = prepare(&app, &token).unwrap();
    let response = owner.authenticator.get(&options).unwrap();
    let signed_in = second_factor(&app, &token, response).unwrap();
    register(&app, &signed_in, &mut second).unwrap();
    let (token, options) = begin(&app);
    assert_eq!(options["userVerification"], "preferred");
    let response = owner.authenticator.get(&options).unwrap();
    let progress = attempt(&app, &token, response).unwrap();
    let SignInProgress::NeedsSecondFactor(pending) = progress else {
        panic!("{progress:?}");
    };
    let AttemptState::SignIn(state) = &pending.attempt.state else {
        panic!("{pending:?}");
    };
    assert_eq!(state.first_factor.as_ref().unwrap().method, Touched);
    // The same again is no second; it is not even asked for.
    let options = prepare(&app, &token).unwrap();
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    let mut asked = options.clone();
    asked["allowCredentials"] = json!([]);
    owner.authenticator.manner.user_verified = true;
    let response = owner.authenticator.get(&asked).unwrap();
    assert_refused(second_factor(&app, &token, response), Refusal::Unknown);
    // Two keys on one ring that are touched are one factor.
    let options = prepare(&app, &token).unwrap();
    assert_eq!(options["userVerification"], "required");
    let response = second.get(&options).unwrap();
    let refused = second_factor(&app, &token, response);
    assert_refused(refused, Refusal::UserNotVerified);
    second.manner.user_verified = true;
    let options = prepare(&app, &token).unwrap();
    let signed_in = second_factor(&app, &token, second.get(&options).unwrap()).unwrap();
    assert_eq!(methods(&signed_in), [Touched, Verified]);

    // A key that was taken from the account meanwhile has proved nothing.
    owner.authenticator.manner.user_verified = false;
    let (token, options) = begin(&app);
    let response = owner.authenticator.get(&options).unwrap();
    attempt(&app, &token, response).unwrap();
    let options = prepare(&app, &token).unwrap();
    let response = second.get(&options).unwrap();
    let who = check(&app, &signed_in);
    let credentials = app.zalt.credentials();
    run(credentials.remove(&request(), &who, owner.credential.id)).unwrap();
    let refused = second_factor(&app, &token, response);
    assert!(
        matches!(refused, Err(Error::AttemptNotFound)),
        "{refused:?}"
    );
}

#[test]
fn means_that_are_missing_leave_no_account_with_one_factor() {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let app = App::over(store.clone(), &keys, |_| {});
    let owner = owner(&app, ADA);
    let without = App::over_without_passkeys(store, &keys);
    let sign_ins = without.zalt.sign_ins();
    let progress =
        run(sign_ins.with_password(&request(), ADA, password(PASSWORD), Transport::Cookie));
    let Ok(SignInProgress::NeedsSecondFactor(pending)) = progress else {
        panic!("{progress:?}");
    };
    let token = pending.token.unwrap();
    let code = owner.recovery_codes.unwrap().codes[0].to_string();
    let proof = SecondFactorProof::RecoveryCode(code);
    let progress = run(sign_ins.attempt_second_factor(&request(), &token, &proof));
    progress.and_then(SignInProgress::into_session).unwrap();
}

#[test]
fn a_passkey_that_is_a_first_factor_only_does_not_stand_in_for_the_second() {
    let app = with(|config| {
        config.second_factors.methods = SecondFactorMethods::only(&[SecondFactor::Totp]);
    });
    let mut owner = owner(&app, ADA);
    // Alone it is all that there is to ask for.
    let signed_in = sign_in(&app, &mut owner.authenticator).unwrap();
    let who = check(&app, &signed_in);
    let credentials = app.zalt.credentials();
    let enrollment = run(credentials.begin_totp(&request(), &who, None)).unwrap();
    let code = enrollment.secret.code_at(app.zalt.now());
    let id = enrollment.credential.id;
    run(credentials.confirm_totp(&request(), &who, id, &code)).unwrap();
    let (token, options) = begin(&app);
    let response = owner.authenticator.get(&options).unwrap();
    let progress = attempt(&app, &token, response).unwrap();
    assert!(
        matches!(progress, SignInProgress::NeedsSecondFactor(_)),
        "{progress:?}"
    );
}

#[test]
fn verification_may_be_required_everywhere() {
    let app = with(|config| config.passkeys.user_verification = UserVerification::Required);
    let signed_in = app.sign_up(ADA);
    let mut key = authenticator();
    key.manner.user_verified = false;
    let refused = register(&app, &signed_in, &mut key);
    assert_refused(refused, Refusal::UserNotVerified);
    key.manner.user_verified = true;
    register(&app, &signed_in, &mut key).unwrap();
    key.manner.user_verified = false;
    let token = after_password(&app, ADA);
    let options = prepare(&app, &token).unwrap();
    assert_eq!(options["userVerification"], "required");
    let response = key.get(&options).unwrap();
    assert_refused(
        second_factor(&app, &token, response),
        Refusal::UserNotVerified,
    );
}

#[test]
fn a_passkey_raises_a_session() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let who = check(&app, &owner.signed_in);
    let sessions = app.zalt.sessions();
    let needed = sessions.require(&who, Assurance::TwoFactors);
    assert!(matches!(
        needed,
        Err(Error::ReauthenticationRequired { .. })
    ));
    let options = json(&run(sessions.prepare_passkey(&request(), &who)).unwrap());
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    owner.authenticator.manner.corrupt_signature = true;
    let response = assertion(owner.authenticator.get(&options).unwrap());
    let refused = run(sessions.step_up(&request(), &who, &proof(response)));
    assert_refused(refused, Refusal::Signature);
    owner.authenticator.manner.corrupt_signature = false;
    let options = json(&run(sessions.prepare_passkey(&request(), &who)).unwrap());
    let response = assertion(owner.authenticator.get(&options).unwrap());
    let token = run(sessions.step_up(&request(), &who, &proof(response))).unwrap();
    let token = token.unwrap().expose();
    let who = run(sessions.authenticate(&request(), &token)).unwrap();
    sessions
        .require(&who, Assurance::PhishingResistant)
        .unwrap();
    let events = app.events(owner.signed_in.user.id);
    assert_eq!(events[0], "session.reauthenticated");
    assert_eq!(events[1], "sign_in.failed");
}

#[test]
fn where_everybody_needs_a_second_factor_a_passkey_is_registered_on_the_way_in() {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let before = App::over(store.clone(), &keys, |_| {}).sign_up(ADA);
    let app = App::over(store, &keys, |config| {
        config.second_factors.policy = SecondFactorPolicy::Required;
    });
    let token = after_password(&app, ADA);
    let sign_ins = app.zalt.sign_ins();
    let mut key = authenticator();
    let options = json(&run(sign_ins.begin_passkey(&request(), &token)).unwrap());
    key.manner.origin = "https://evil.test".into();
    let made = attestation(key.create(&options).unwrap());
    let refused = run(sign_ins.confirm_passkey(&request(), &token, &made, None));
    assert_refused(refused, Refusal::Origin);
    key.manner.origin = ORIGIN.into();
    let again = attestation(authenticator().create(&options).unwrap());
    let over = run(sign_ins.confirm_passkey(&request(), &token, &again, None));
    assert_refused(over, Refusal::NoRequest);
    let options = json(&run(sign_ins.begin_passkey(&request(), &token)).unwrap());
    let made = attestation(key.create(&options).unwrap());
    let (signed_in, codes) =
        run(sign_ins.confirm_passkey(&request(), &token, &made, None)).unwrap();
    assert_eq!(methods(&signed_in), [Password, Verified]);
    assert_eq!(codes.unwrap().codes.len(), 10);
    check(&app, &signed_in);
    let old = cookie(&before).expose();
    let over = run(app.zalt.sessions().authenticate(&request(), &old));
    assert!(matches!(over, Err(Error::SessionOver)));
    sign_in(&app, &mut key).unwrap();
}

#[test]
fn a_kind_that_is_not_allowed_is_not_accepted() {
    let second_only = with(|config| {
        config.first_factors = FirstFactors::default();
        config.first_factors.passkey = false;
    });
    let mut ada = owner(&second_only, ADA);
    let sign_ins = second_only.zalt.sign_ins();
    let begun = run(sign_ins.begin_with_passkey(&request(), Transport::Cookie));
    assert!(matches!(begun, Err(Error::FactorNotAllowed)));
    let started = run(sign_ins.create(&request(), ADA, Transport::Cookie)).unwrap();
    let prepared = prepare(&second_only, &started.token);
    assert!(matches!(prepared, Err(Error::FactorNotAllowed)));
    let token = after_password(&second_only, ADA);
    let options = prepare(&second_only, &token).unwrap();
    second_factor(
        &second_only,
        &token,
        ada.authenticator.get(&options).unwrap(),
    )
    .unwrap();

    let first_only = with(|config| {
        config.second_factors.methods = SecondFactorMethods::only(&[SecondFactor::Totp]);
    });
    let mut ben = owner(&first_only, BEN);
    assert!(
        ben.recovery_codes.is_none(),
        "there is nothing to stand in for"
    );
    sign_in(&first_only, &mut ben.authenticator).unwrap();
    // A password asks for no passkey then.
    first_only.sign_in(BEN);
}
