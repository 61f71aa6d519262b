//! A policy that reaches the sessions which live already.

use std::sync::atomic::Ordering;

use zalt_core::attempt::SecondFactorProof;
use zalt_core::config::SecondFactorPolicy;
use zalt_core::jwt::JwtError;
use zalt_core::secret::EncryptionKeys;
use zalt_core::session::{Assurance, Authenticated, SignedIn, Transport};
use zalt_core::{Config, Error};

use crate::faults::FaultyStore;
use crate::second_factors::owner;
use crate::support::*;

const ADA: &str = "ada@example.com";

fn disabled(config: &mut Config) {
    config.second_factors.policy = SecondFactorPolicy::Disabled;
}

fn at_once(config: &mut Config) {
    config.second_factors.policy = SecondFactorPolicy::Required;
    config.second_factors.applies_to_live_sessions = true;
}

/// The same users before and after the policy has changed.
fn before_and_after(
    before: impl FnOnce(&mut Config),
    after: impl FnOnce(&mut Config),
) -> (App, App) {
    let (store, keys): (FaultyStore, EncryptionKeys) = (FaultyStore::default(), fresh_keys());
    let before = App::over(store.clone(), &keys, before);
    (before, App::over(store, &keys, after))
}

fn authenticate(app: &App, signed_in: &SignedIn) -> Result<Authenticated, Error> {
    let token = cookie(signed_in).expose();
    run(app.zalt.sessions().authenticate(&request(), &token))
}

fn even_limited(app: &App, signed_in: &SignedIn) -> Authenticated {
    let token = cookie(signed_in).expose();
    let sessions = app.zalt.sessions();
    run(sessions.authenticate_even_limited(&request(), &token)).unwrap()
}

#[test]
fn a_live_session_sets_up_what_everybody_needs_before_it_goes_on() {
    let (before, app) = before_and_after(|_| {}, at_once);
    let signed_in = before.sign_up(ADA);
    assert!(matches!(
        authenticate(&app, &signed_in),
        Err(Error::MfaEnrollmentRequired)
    ));
    let who = even_limited(&app, &signed_in);
    let credentials = app.zalt.credentials();
    let begun = run(credentials.begin_totp(&request(), &who, None)).unwrap();
    let (id, code) = (begun.credential.id, begun.secret.code_at(app.zalt.now()));
    assert!(matches!(
        run(credentials.confirm_totp(&request(), &who, id, "000000")),
        Err(Error::CodeIncorrect)
    ));
    let enrolled = run(credentials.confirm_totp(&request(), &who, id, &code)).unwrap();
    assert_eq!(enrolled.recovery_codes.map(|new| new.codes.len()), Some(10));
    // Whoever else had the cookie is out.
    assert!(matches!(
        authenticate(&app, &signed_in),
        Err(Error::Unauthenticated)
    ));
    let token = enrolled.token.unwrap().expose();
    let who = run(app.zalt.sessions().authenticate(&request(), &token)).unwrap();
    assert_eq!(who.session().assurance(), Some(Assurance::TwoFactors));
    let last = run(credentials.remove(&request(), &who, id));
    assert!(matches!(last, Err(Error::LastSecondFactor)));
}

#[test]
fn a_live_session_shows_the_second_factor_that_its_user_has() {
    let (before, app) = before_and_after(disabled, at_once);
    let owner = owner(&before);
    let signed_in = before.sign_in(ADA);
    let refused = authenticate(&app, &signed_in);
    assert!(
        matches!(
            refused,
            Err(Error::ReauthenticationRequired {
                assurance: Assurance::TwoFactors,
                ..
            })
        ),
        "{refused:?}"
    );
    let who = even_limited(&app, &signed_in);
    app.clock.advance(MINUTE);
    let proof = SecondFactorProof::Totp(owner.secret.code_at(app.zalt.now()));
    let sessions = app.zalt.sessions();
    let token = run(sessions.step_up(&request(), &who, &proof)).unwrap();
    let token = token.unwrap().expose();
    run(sessions.authenticate(&request(), &token)).unwrap();
}

#[test]
fn only_a_choice_reaches_live_sessions_and_not_before_grace_is_over() {
    let (before, app) = before_and_after(
        |_| {},
        |config| {
            at_once(config);
            config.second_factors.grace_until =
                Some(zalt_core::Timestamp::from_unix_millis(1_800_000_000_000) + HOUR);
        },
    );
    let signed_in = before.sign_up(ADA);
    authenticate(&app, &signed_in).unwrap();
    app.clock.advance(HOUR);
    assert!(matches!(
        authenticate(&app, &signed_in),
        Err(Error::MfaEnrollmentRequired)
    ));
    let (before, app) = before_and_after(
        |_| {},
        |config| config.second_factors.policy = SecondFactorPolicy::Required,
    );
    let signed_in = before.sign_up(ADA);
    authenticate(&app, &signed_in).unwrap();
}

#[test]
fn a_limited_session_ends_and_yields_no_token_that_others_take() {
    let (before, app) = before_and_after(|_| {}, at_once);
    let program = before.sign_up_by(ADA, Transport::Bearer);
    let (old, refresh_token) = bearer(&program);
    let sessions = app.zalt.sessions();
    let refused = |token: &str| {
        matches!(
            run(sessions.authenticate_access_token(&request(), token)),
            Err(Error::MfaEnrollmentRequired)
        )
    };
    assert!(refused(&old));
    let refreshed = run(sessions.refresh(&request(), &refresh_token)).unwrap();
    let (limited, _) = bearer(&refreshed);
    assert!(refused(&limited));
    // Back ends that check tokens by themselves ask nobody.
    assert_eq!(
        run(app.zalt.access_tokens().verify(&limited)),
        Err(JwtError::WrongAudience)
    );
    let who = run(sessions.authenticate_access_token_even_limited(&request(), &limited)).unwrap();
    run(sessions.sign_out(&request(), who.session())).unwrap();
    let over = run(sessions.authenticate_access_token_even_limited(&request(), &limited));
    assert!(matches!(over, Err(Error::SessionOver)));
}

#[test]
fn a_session_that_is_not_limited_costs_no_query_more() {
    let (before, app) = before_and_after(disabled, at_once);
    let owner = owner(&before);
    let one = before.sign_in(ADA);
    app.clock.advance(MINUTE);
    let who = even_limited(&app, &one);
    let proof = SecondFactorProof::Totp(owner.secret.code_at(app.zalt.now()));
    let sessions = app.zalt.sessions();
    let token = run(sessions.step_up(&request(), &who, &proof)).unwrap();
    let token = token.unwrap().expose();
    let reads = || app.faults.account_reads.load(Ordering::SeqCst);
    let so_far = reads();
    run(sessions.authenticate(&request(), &token)).unwrap();
    assert_eq!(reads(), so_far);
}
