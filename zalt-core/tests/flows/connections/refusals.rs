//! What comes back and is not accepted. Each is an event that says why.

use zalt_core::attempt::{AttemptState, ConnectionAnswer, ConnectionProgress};
use zalt_core::connection::ConnectionFailure as Reason;
use zalt_core::connection::{IdTokenProblem, OAuthErrorCode, ProviderError};

use super::*;

#[test]
fn an_answer_counts_in_the_browser_that_was_sent_only() {
    let (app, provider) = app();
    let eve = begin(&app, "google");
    let back = provider.consent(&eve.url, &at("google", "666", EVE));
    // Somebody makes a browser that was sent nowhere come with what is theirs, so that it is signed in to their account.
    let connections = app.zalt.connections();
    let nobody = run(connections.callback(&request(), &key("google"), None, None, answer(&back)));
    assert!(matches!(nobody, Err(Error::ConnectionStateMismatch)));
    // And one that was.
    let ada = begin(&app, "google");
    let swapped = come_back(&app, "google", &ada.token, &back);
    assert!(matches!(swapped, Err(Error::ConnectionStateMismatch)));
    let without = ConnectionAnswer {
        state: None,
        ..answer(&back)
    };
    let token = Some(&ada.token);
    let without = run(connections.callback(&request(), &key("google"), token, None, without));
    assert!(matches!(without, Err(Error::ConnectionStateMismatch)));
    assert_eq!(failures(&app), [Reason::StateMismatch; 2]);
    assert_eq!(provider.codes_left(), 1, "no code was redeemed");
    // Neither attempt was used up by it.
    let own = provider.consent(&ada.url, &at("google", "1", ADA));
    let returned = come_back(&app, "google", &ada.token, &own).unwrap();
    assert!(matches!(returned.progress, ConnectionProgress::SignedUp(_)));
    come_back(&app, "google", &eve.token, &back).unwrap();
}

#[test]
fn browsers_that_were_sent_nowhere_cost_their_network_nothing() {
    let (app, provider) = app();
    let (connections, google) = (app.zalt.connections(), key("google"));
    // A page that many see sends each of them here.
    for _ in 0..2000 {
        let nothing = ConnectionAnswer::default();
        let nobody = run(connections.callback(&request(), &google, None, None, nothing));
        assert!(matches!(nobody, Err(Error::ConnectionStateMismatch)));
    }
    assert_eq!(failures(&app), []);
    signed_up(&app, &provider, "google", &at("google", "1", ADA));
}

#[test]
fn an_answer_counts_once() {
    let (app, provider) = app();
    let started = begin(&app, "google");
    let back = provider.consent(&started.url, &at("google", "1", ADA));
    come_back(&app, "google", &started.token, &back).unwrap();
    let again = come_back(&app, "google", &started.token, &back);
    assert!(matches!(again, Err(Error::ConnectionStateMismatch)));
    // Nor with a code of a second consent.
    let second = provider.consent(&started.url, &at("google", "1", ADA));
    let again = come_back(&app, "google", &started.token, &second);
    assert!(matches!(again, Err(Error::ConnectionStateMismatch)));
    assert_eq!(failures(&app), [Reason::Replayed; 2]);
    assert_eq!(provider.codes_left(), 1);
}

#[test]
fn an_answer_that_failed_is_used_up_too() {
    let (app, provider) = app();
    let started = begin(&app, "google");
    let back = provider.consent(&started.url, &at("google", "1", ADA));
    provider.fail(Some(ProviderError::TimedOut));
    let late = come_back(&app, "google", &started.token, &back);
    assert!(matches!(late, Err(Error::ConnectionUnavailable)));
    provider.fail(None);
    let again = come_back(&app, "google", &started.token, &back);
    assert!(matches!(again, Err(Error::ConnectionStateMismatch)));
    assert_eq!(failures(&app), [Reason::Replayed, Reason::TimedOut]);
}

#[test]
fn of_two_answers_at_once_one_is_looked_at() {
    let (app, provider) = app();
    let started = begin(&app, "google");
    let back = provider.consent(&started.url, &at("google", "1", ADA));
    let (connections, context, google) = (app.zalt.connections(), request(), key("google"));
    let come = || {
        let token = Some(&started.token);
        connections.callback(&context, &google, token, None, answer(&back))
    };
    let (one, other) = run(futures_util::future::join(come(), come()));
    assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1);
}

#[test]
fn an_answer_counts_for_the_connection_that_it_was_begun_with() {
    let (app, provider) = app();
    let started = begin(&app, "google");
    let back = provider.consent(&started.url, &at("google", "1", ADA));
    let mixed = come_back(&app, "github", &started.token, &back);
    assert!(matches!(mixed, Err(Error::ConnectionStateMismatch)));
    assert_eq!(failures(&app), [Reason::OtherConnection]);
    assert_eq!(
        provider.codes_left(),
        1,
        "the code went to no other provider"
    );
}

#[test]
fn whoever_stays_at_the_provider_for_too_long_begins_again() {
    let (app, provider) = app();
    let started = begin(&app, "google");
    let back = provider.consent(&started.url, &at("google", "1", ADA));
    app.clock.advance(10 * MINUTE);
    let late = come_back(&app, "google", &started.token, &back);
    assert!(matches!(late, Err(Error::ConnectionStateMismatch)));
    assert_eq!(failures(&app), [Reason::StateMismatch]);
}

#[test]
fn a_provider_that_says_no_is_not_asked_again() {
    for (sent, reason) in [
        ("access_denied", Reason::RefusedByPerson),
        ("user_cancelled_authorize", Reason::RefusedByPerson),
        ("invalid_scope", Reason::RefusedByProvider),
        ("<script>", Reason::RefusedByProvider),
    ] {
        let (app, provider) = app();
        let started = begin(&app, "google");
        let back = provider.consent(&started.url, &at("google", "1", ADA));
        let refused = ConnectionAnswer {
            error: Some(sent),
            ..answer(&back)
        };
        let token = Some(&started.token);
        let connections = app.zalt.connections();
        let refused = run(connections.callback(&request(), &key("google"), token, None, refused));
        assert!(matches!(refused, Err(Error::ConnectionRefused)), "{sent}");
        assert_eq!(failures(&app), [reason]);
        assert_eq!(provider.codes_left(), 1);
    }
}

#[test]
fn answers_without_a_code_or_of_any_length_are_refused() {
    let (app, provider) = app();
    let long = "x".repeat(5000);
    let google = key("google");
    for change in [
        |answer: &mut ConnectionAnswer<'static>, _: &'static str| answer.code = None,
        |answer: &mut ConnectionAnswer<'static>, _| answer.code = Some(""),
        |answer: &mut ConnectionAnswer<'static>, long| answer.code = Some(long),
        |answer: &mut ConnectionAnswer<'static>, long| answer.iss = Some(long),
        |answer: &mut ConnectionAnswer<'static>, long| answer.user_json = Some(long),
    ] {
        let started = begin(&app, "google");
        let back = provider.consent(&started.url, &at("google", "1", ADA));
        let (back, long): (&'static Back, &'static str) = (
            Box::leak(Box::new(back)),
            Box::leak(long.clone().into_boxed_str()),
        );
        let mut changed = answer(back);
        change(&mut changed, long);
        let connections = app.zalt.connections();
        let token = Some(&started.token);
        let refused = run(connections.callback(&request(), &google, token, None, changed));
        assert!(matches!(refused, Err(Error::ConnectionAnswerInvalid)));
    }
    assert_eq!(failures(&app), [Reason::AnswerIncomplete; 5]);
}

#[test]
fn whatever_is_wrong_with_an_answer_has_a_reason_of_its_own() {
    let refused = |code| ProviderError::Refused {
        error: OAuthErrorCode::parse(code),
    };
    let id_token = ProviderError::IdTokenInvalid;
    for (error, reason, code) in [
        (
            ProviderError::Unreachable,
            Reason::Unreachable,
            "connection_unavailable",
        ),
        (
            ProviderError::TimedOut,
            Reason::TimedOut,
            "connection_unavailable",
        ),
        (
            ProviderError::BadAnswer { what: "token" },
            Reason::BadAnswer,
            "connection_unavailable",
        ),
        (
            refused("invalid_grant"),
            Reason::RefusedByProvider,
            "connection_refused",
        ),
        (
            ProviderError::IssuerMismatch,
            Reason::IssuerMismatch,
            "connection_state_mismatch",
        ),
        (
            id_token(IdTokenProblem::Nonce),
            Reason::IdTokenNonce,
            "connection_answer_invalid",
        ),
        (
            id_token(IdTokenProblem::Expired),
            Reason::IdTokenTime,
            "connection_answer_invalid",
        ),
        (
            id_token(IdTokenProblem::Algorithm),
            Reason::IdTokenAlgorithm,
            "connection_answer_invalid",
        ),
        (
            id_token(IdTokenProblem::Audience),
            Reason::IdTokenParty,
            "connection_answer_invalid",
        ),
    ] {
        let (app, provider) = app();
        let started = begin(&app, "google");
        let back = provider.consent(&started.url, &at("google", "1", ADA));
        provider.fail(Some(error));
        let failed = come_back(&app, "google", &started.token, &back).unwrap_err();
        assert_eq!(failed.code().as_str(), code);
        assert_eq!(failures(&app), [reason]);
    }
}

#[test]
fn the_nonce_and_the_verifier_belong_to_one_attempt() {
    let (app, provider) = app();
    let (ada, eve) = (begin(&app, "google"), begin(&app, "google"));
    // Eve injects the code of a consent that was given for another attempt.
    let stolen = provider.consent(&ada.url, &at("google", "1", ADA));
    let own = provider.consent(&eve.url, &at("google", "666", EVE));
    let injected = Back {
        state: own.state,
        code: stolen.code,
    };
    let refused = come_back(&app, "google", &eve.token, &injected);
    assert!(matches!(refused, Err(Error::ConnectionRefused)));
}

#[test]
fn nobody_is_sent_where_nobody_answers() {
    let (app, provider) = app();
    provider.fail(Some(ProviderError::Unreachable));
    let google = key("google");
    let connections = app.zalt.connections();
    let failed = run(connections.begin(&request(), BeginConnection::new(&google)));
    assert!(matches!(failed, Err(Error::ConnectionUnavailable)));
    assert_eq!(failures(&app), [Reason::Unreachable]);
    let unknown = key("unknown");
    let failed = run(connections.begin(&request(), BeginConnection::new(&unknown)));
    assert!(matches!(failed, Err(Error::ConnectionNotFound)));
}

#[test]
fn people_return_to_listed_addresses_and_pages_of_ours_only() {
    let (app, provider) = app();
    let google = key("google");
    let begin = |return_to| {
        let begin = BeginConnection {
            return_to: Some(return_to),
            ..BeginConnection::new(&google)
        };
        run(app.zalt.connections().begin(&request(), begin))
    };
    for text in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "com.example.app:/done/other",
        "com.example.app:/done?x=1",
        "com.example.app:/don",
        "javascript:alert(1)",
    ] {
        assert!(
            matches!(begin(text), Err(Error::ReturnAddressNotAllowed)),
            "{text}"
        );
    }
    for text in ["/account?tab=1", "com.example.app:/done"] {
        let started = begin(text).unwrap();
        let back = provider.consent(&started.url, &at("google", "1", ADA));
        let returned = come_back(&app, "google", &started.token, &back).unwrap();
        assert_eq!(returned.return_to.unwrap().as_str(), text);
    }
}

#[test]
fn what_is_kept_of_an_attempt_opens_nothing() {
    let (app, provider) = app();
    let started = begin(&app, "google");
    let back = provider.consent(&started.url, &at("google", "1", ADA));
    let AttemptState::Connection(state) = &started.attempt.state else {
        panic!("another kind");
    };
    let kept = serde_json::to_string(state).unwrap();
    assert!(!kept.contains(&back.state));
    come_back(&app, "google", &started.token, &back).unwrap();
}
