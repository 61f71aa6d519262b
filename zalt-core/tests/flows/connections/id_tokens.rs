//! ID tokens that apps got by themselves.

use zalt_core::attempt::{ConnectionProgress, IdTokenNonce, SignInProgress};
use zalt_core::connection::ConnectionFailure;

use super::provider::id_token;
use super::*;

fn take(app: &App, token: &str, nonce: IdTokenNonce<'_>) -> Result<ConnectionProgress, Error> {
    let connections = app.zalt.connections();
    let (google, transport) = (key("google"), Transport::Bearer);
    run(connections.take_id_token(&request(), &google, token, nonce, transport))
        .map(|returned| returned.progress)
}

#[test]
fn a_nonce_of_ours_is_good_for_one_token() {
    let (app, _) = app();
    let connections = app.zalt.connections();
    let (google, ada) = (key("google"), at("google", "1", ADA));
    let begun = || run(connections.begin_id_token(&request(), &google, Transport::Bearer)).unwrap();
    let started = begun();
    let token = id_token(&ada, &started.nonce, "s");
    let ours = IdTokenNonce::Ours(&started.token);
    let progress = take(&app, &token, ours).unwrap();
    assert!(matches!(progress, ConnectionProgress::SignedUp(_)));
    let again = take(&app, &token, ours);
    assert!(matches!(
        again,
        Err(Error::ConnectionStateMismatch | Error::AttemptNotFound)
    ));
    // A token for another nonce, and one without, use the attempt up.
    for nonce in ["another", ""] {
        let started = begun();
        let ours = IdTokenNonce::Ours(&started.token);
        let refused = take(&app, &id_token(&ada, nonce, "s"), ours);
        assert!(matches!(refused, Err(Error::ConnectionAnswerInvalid)));
        let late = take(&app, &id_token(&ada, &started.nonce, "s"), ours);
        assert!(matches!(late, Err(Error::ConnectionStateMismatch)));
    }
    let started = begun();
    app.clock.advance(10 * MINUTE);
    let late = take(
        &app,
        &id_token(&ada, &started.nonce, "s"),
        IdTokenNonce::Ours(&started.token),
    );
    assert!(matches!(late, Err(Error::AttemptNotFound)));
    let started = begun();
    let ours = IdTokenNonce::Ours(&started.token);
    let progress = take(&app, &id_token(&ada, &started.nonce, "s"), ours).unwrap();
    assert!(matches!(
        progress,
        ConnectionProgress::SignIn(SignInProgress::Complete(_))
    ));
}

#[test]
fn a_token_with_an_apps_own_nonce_is_taken_once() {
    let (app, _) = app();
    let ada = at("google", "1", ADA);
    let apps = IdTokenNonce::Apps(Some("made-by-the-app"));
    let token = id_token(&ada, "made-by-the-app", "first");
    let progress = take(&app, &token, apps).unwrap();
    assert!(matches!(progress, ConnectionProgress::SignedUp(_)));
    // Nor with a signature that is spelt another way.
    for again in [token, id_token(&ada, "made-by-the-app", "second")] {
        let refused = take(&app, &again, apps);
        assert!(matches!(refused, Err(Error::ConnectionStateMismatch)));
    }
    assert_eq!(failures(&app), [ConnectionFailure::Replayed; 2]);
    let other = take(
        &app,
        &id_token(&ada, "x", "s"),
        IdTokenNonce::Apps(Some("y")),
    );
    assert!(matches!(other, Err(Error::ConnectionAnswerInvalid)));
    let without = take(&app, &id_token(&ada, "", "s"), IdTokenNonce::Apps(None)).unwrap();
    assert!(matches!(without, ConnectionProgress::SignIn(_)));
}

#[test]
fn of_two_that_hand_in_one_token_at_once_one_is_signed_in() {
    let (app, _) = app();
    let token = id_token(&at("google", "1", ADA), "n", "s");
    let (connections, google, context) = (app.zalt.connections(), key("google"), request());
    let hand_in = || {
        let nonce = IdTokenNonce::Apps(Some("n"));
        connections.take_id_token(&context, &google, &token, nonce, Transport::Bearer)
    };
    let (one, other) = run(futures_util::future::join(hand_in(), hand_in()));
    assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1);
}

#[test]
fn an_app_goes_on_with_an_attempt_of_its_own_where_more_is_needed() {
    let (app, _) = app();
    app.sign_up(ADA);
    let token = id_token(&at("google", "1", ADA), "n", "s");
    let progress = take(&app, &token, IdTokenNonce::Apps(Some("n"))).unwrap();
    let ConnectionProgress::ProveAccount(started) = progress else {
        panic!("{progress:?}");
    };
    let token = started.token.unwrap();
    let sign_ins = app.zalt.sign_ins();
    let done = run(sign_ins.attempt_password(&request(), &token, password(PASSWORD)));
    let signed_in = done.and_then(SignInProgress::into_session).unwrap();
    assert_eq!(linked(&app, &signed_in), 1);
}

#[test]
fn what_is_no_token_or_from_a_provider_without_any_is_refused() {
    let (app, _) = app();
    let long = "x".repeat(20_000);
    for text in ["", "a.b", &long] {
        let refused = take(&app, text, IdTokenNonce::Apps(None));
        assert!(matches!(refused, Err(Error::ConnectionAnswerInvalid)));
    }
    assert_eq!(failures(&app), [ConnectionFailure::IdTokenMalformed; 3]);
    let github = key("github");
    let connections = app.zalt.connections();
    let refused = run(connections.begin_id_token(&request(), &github, Transport::Bearer));
    assert!(matches!(refused, Err(Error::FactorNotAllowed)));
}
