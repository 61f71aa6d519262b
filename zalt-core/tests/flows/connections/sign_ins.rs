use zalt_core::attempt::{
    Attempt, AttemptState, ConnectionProgress, Proof, SecondFactorProof, SignInProgress,
};
use zalt_core::connection::ConnectionFailure;
use zalt_core::session::AuthenticationMethod::{Connection, Email, Totp};
use zalt_core::session::{Assurance, AuthenticationMethod, SignedIn};
use zalt_core::{Config, Error};

use super::*;

fn methods(signed_in: &SignedIn) -> Vec<AuthenticationMethod> {
    let amr = signed_in.session.amr.iter();
    amr.map(|proof| proof.method).collect()
}

#[test]
fn a_verified_address_signs_up_and_the_account_there_signs_in_from_then_on() {
    let (app, provider) = app();
    let ada = at("google", "1", ADA);
    let first = signed_up(&app, &provider, "google", &ada);
    assert_eq!(methods(&first), [Connection]);
    assert_eq!(first.session.assurance(), Some(Assurance::OneFactor));
    assert_eq!(first.user.profile.first_name.unwrap().as_str(), "Ada");
    let events = app.events(first.user.id);
    assert!(events.contains(&"user.created"));
    assert!(events.contains(&"external_account.linked"));
    let again = signed_in(&app, &provider, "google", &ada);
    assert_eq!(again.user.id, first.user.id);
    assert_eq!(linked(&app, &again), 1);
    // A password was neither asked for nor set.
    assert!(account(&app, &again).password.is_none());
    assert!(failures(&app).is_empty());
}

#[test]
fn an_address_that_changes_at_the_provider_changes_nothing_here() {
    let (app, provider) = app_with(links_by_address);
    let eve = app.sign_up(EVE);
    let ada = signed_up(&app, &provider, "google", &at("google", "1", ADA));
    // Verified there, and somebody else's here: whose account it is stays said by the subject.
    let moved = signed_in(&app, &provider, "google", &at("google", "1", EVE));
    assert_eq!(moved.user.id, ada.user.id);
    let after = account(&app, &moved);
    let addresses: Vec<_> = after
        .identifiers
        .iter()
        .map(|own| own.value.as_str())
        .collect();
    assert_eq!(addresses, [ADA]);
    let (_, external) = after.external_accounts().next().unwrap();
    assert_eq!(external.email.as_ref().unwrap().address.as_str(), EVE);
    assert_eq!(linked(&app, &eve), 0);
}

#[test]
fn an_unverified_address_leads_to_a_code_of_our_own() {
    let (app, provider) = app();
    let ada = unverified(at("google", "1", ADA));
    let (progress, token) = through(&app, &provider, "google", &ada).unwrap();
    assert!(matches!(progress, ConnectionProgress::VerifyAddress(_)));
    let key = zalt_core::identifier::IdentifierValue::parse(ADA)
        .unwrap()
        .key();
    let nobody = run(app.zalt.store().account_by_identifier(&key)).unwrap();
    assert_eq!(nobody, None);
    let (code, _) = code_and_link(&app.mail_to(ADA));
    let sign_ups = app.zalt.sign_ups();
    let wrong = run(sign_ups.attempt_proof(&request(), &token, &Proof::code(&wrong(&code))));
    assert!(matches!(wrong, Err(Error::CodeIncorrect)));
    let proof = Proof::code(&code);
    let first = run(sign_ups.attempt_proof(&request(), &token, &proof)).unwrap();
    let first = first.into_session().unwrap();
    assert_eq!(methods(&first), [Email]);
    let again = signed_in(&app, &provider, "google", &ada);
    assert_eq!(again.user.id, first.user.id);
    // The secrets of the attempt are the user's now and nowhere else.
    let attempt = run(sign_ups.find(&token)).unwrap();
    let AttemptState::SignUp(state) = attempt.state else {
        panic!("another kind");
    };
    assert_eq!(state.connection.unwrap().pending, None);
}

#[test]
fn a_provider_that_tells_no_address_has_the_person_asked_for_one() {
    let (app, provider) = app();
    let mut ada = at("google", "1", ADA);
    ada.email = None;
    let (progress, token) = through(&app, &provider, "google", &ada).unwrap();
    assert!(matches!(progress, ConnectionProgress::NeedsEmailAddress(_)));
    let connections = app.zalt.connections();
    run(connections.give_email_address(&request(), &token, email(ADA))).unwrap();
    let again = run(connections.give_email_address(&request(), &token, email(EVE)));
    assert!(matches!(again, Err(Error::AttemptNotFound)));
    let proof = Proof::code(&code_and_link(&app.mail_to(ADA)).0);
    let first = run(app
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &token, &proof))
    .unwrap()
    .into_session()
    .unwrap();
    let again = signed_in(&app, &provider, "google", &ada);
    assert_eq!(again.user.id, first.user.id);
}

#[test]
fn the_second_factor_is_asked_for_as_ever() {
    let (app, provider) = app();
    let (owner, who) = strong_owner(&app);
    let ada = at("google", "1", "elsewhere@example.com");
    link(&app, &provider, &who, &ada).unwrap();
    let (progress, token) = through(&app, &provider, "google", &ada).unwrap();
    let ConnectionProgress::SignIn(SignInProgress::NeedsSecondFactor(_)) = progress else {
        panic!("{progress:?}");
    };
    app.clock.advance(MINUTE);
    let proof = SecondFactorProof::Totp(owner.secret.code_at(app.zalt.now()));
    let sign_ins = app.zalt.sign_ins();
    let done = run(sign_ins.attempt_second_factor(&request(), &token, &proof));
    let signed_in = done.and_then(SignInProgress::into_session).unwrap();
    assert_eq!(methods(&signed_in), [Connection, Totp]);
    assert_eq!(signed_in.user.id, owner.signed_in.user.id);
}

#[test]
fn a_first_factor_is_worth_nothing_once_its_account_there_is_unlinked() {
    let (app, provider) = app();
    let (owner, who) = strong_owner(&app);
    let eve = at("google", "1", EVE);
    let credential = link(&app, &provider, &who, &eve).unwrap();
    let (_, token) = through(&app, &provider, "google", &eve).unwrap();
    run(app
        .zalt
        .connections()
        .unlink(&request(), &who, credential.id))
    .unwrap();
    app.clock.advance(MINUTE);
    let proof = SecondFactorProof::Totp(owner.secret.code_at(app.zalt.now()));
    let sign_ins = app.zalt.sign_ins();
    let refused = run(sign_ins.attempt_second_factor(&request(), &token, &proof));
    assert!(matches!(refused, Err(Error::AttemptNotFound)));
}

#[test]
fn an_account_that_may_not_be_used_is_not_opened_from_elsewhere() {
    let (app, provider) = app();
    let ada = at("google", "1", ADA);
    let user = signed_up(&app, &provider, "google", &ada).user;
    let users = app.zalt.users();
    run(users.suspend(&request(), user.id)).unwrap();
    let refused = through(&app, &provider, "google", &ada);
    assert!(matches!(refused, Err(Error::AccountSuspended)));
    run(users.delete(&request(), user.id)).unwrap();
    let refused = through(&app, &provider, "google", &ada);
    assert!(matches!(refused, Err(Error::AccountSuspended)));
    run(users.restore(&request(), user.id)).unwrap();
    signed_in(&app, &provider, "google", &ada);
    assert_eq!(failures(&app), [ConnectionFailure::AccountNotUsable; 2]);
}

#[test]
fn no_account_is_made_where_sign_up_is_closed() {
    let closed = |config: &mut Config| config.sign_up.open = false;
    let (app, provider) = app_with(closed);
    let ada = at("google", "1", ADA);
    let mut without = ada.clone();
    without.email = None;
    for identity in [ada.clone(), unverified(ada), without] {
        let refused = through(&app, &provider, "google", &identity);
        assert!(matches!(refused, Err(Error::SignUpClosed)));
    }
    assert_eq!(failures(&app), [ConnectionFailure::SignUpRefused; 3]);
}

#[test]
fn where_everybody_needs_a_second_factor_it_is_set_up_on_the_way() {
    let required = |config: &mut Config| {
        config.second_factors.policy = zalt_core::config::SecondFactorPolicy::Required;
    };
    let (app, provider) = app_with(required);
    let ada = at("google", "1", ADA);
    // Whoever signs up comes to it, and whoever gave up there with the next sign-in.
    for _ in 0..2 {
        let started = begin_for(&app, "google", "/notes");
        let back = provider.consent(&started.url, &ada);
        let returned = come_back(&app, "google", &started.token, &back).unwrap();
        let ConnectionProgress::SignIn(SignInProgress::NeedsMfaEnrollment(pending)) =
            returned.progress
        else {
            panic!("{:?}", returned.progress);
        };
        assert_eq!(wanted(&pending.attempt), "/notes");
    }
}

#[test]
fn where_everybody_needs_a_second_factor_a_code_of_our_own_is_no_way_around_it() {
    let required = |config: &mut Config| {
        config.second_factors.policy = zalt_core::config::SecondFactorPolicy::Required;
    };
    let (app, provider) = app_with(required);
    let started = begin_for(&app, "google", "/notes");
    let back = provider.consent(&started.url, &unverified(at("google", "1", ADA)));
    let returned = come_back(&app, "google", &started.token, &back).unwrap();
    assert!(matches!(
        returned.progress,
        ConnectionProgress::VerifyAddress(_)
    ));
    let (code, _) = code_and_link(&app.mail_to(ADA));
    let sign_ups = app.zalt.sign_ups();
    let proof = Proof::code(&code);
    let progress = run(sign_ups.attempt_proof(&request(), &started.token, &proof)).unwrap();
    let SignInProgress::NeedsMfaEnrollment(pending) = progress else {
        panic!("{progress:?}");
    };
    assert_eq!(wanted(&pending.attempt), "/notes");
}

/// Where whoever signs in wants to be. Nothing waits to be linked any more.
fn wanted(attempt: &Attempt) -> String {
    let AttemptState::SignIn(state) = &attempt.state else {
        panic!("{attempt:?}");
    };
    let via = state.connection.as_ref().unwrap();
    assert_eq!(via.pending, None);
    via.return_to.as_ref().unwrap().as_str().to_owned()
}
