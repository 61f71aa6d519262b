use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use zalt_core::Error;
use zalt_core::attempt::{ChallengeStrategy, Proof};
use zalt_core::config::SessionCacheConfig;
use zalt_core::identifier::Username;
use zalt_core::session::{Authenticated, Transport};

use crate::faults::FaultyStore;
use crate::support::*;

fn with_cache(config: &mut zalt_core::Config) {
    config.sessions.cache = Some(SessionCacheConfig {
        capacity: 100,
        max_age: MINUTE,
    });
}

/// Two replicas with caches over one store.
fn replicas() -> (App, App) {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    (
        App::over(store.clone(), &keys, with_cache),
        App::over(store, &keys, with_cache),
    )
}

fn admit(app: &App, token: &str) -> Result<Authenticated, Error> {
    run(app.zalt.sessions().authenticate(&request(), token))
}

#[test]
fn a_session_that_another_replica_ended_changes_nothing_of_the_account() {
    let (here, there) = replicas();
    let signed_in = here.sign_up("ada@example.com");
    let token = cookie(&signed_in).expose();
    let who = admit(&there, &token).unwrap();
    let users = there.zalt.users();
    let added =
        run(users.add_email_address(&request(), &who, email("second@example.com"))).unwrap();
    let verifications = there.zalt.address_verifications();
    let attempt =
        run(verifications.prepare(&request(), &who, added.id, ChallengeStrategy::EmailCode))
            .unwrap();
    let proof = Proof::code(&code_and_link(&there.mail_to("second@example.com")).0);
    admit(&there, &token).unwrap();
    run(here.zalt.sessions().sign_out(&request(), who.session())).unwrap();

    // The cache has not heard of it; the documented lag is for reading.
    let who = admit(&there, &token).unwrap();
    let first = run(users.find_account(who.user().id)).unwrap().identifiers[0].id;
    let name = Some(Username::parse("ada").unwrap());
    let results = [
        run(users.add_email_address(&request(), &who, email("third@example.com"))).err(),
        run(verifications.attempt_proof(&request(), &who, attempt.id, &proof)).err(),
        run(users.remove_email_address(&request(), &who, added.id)).err(),
        run(users.set_username(&request(), &who, name)).err(),
        run(users.change_password(
            &request(),
            &who,
            Some(password(PASSWORD)),
            password("a better horse battery"),
            true,
        ))
        .err(),
        run(there
            .zalt
            .sessions()
            .reauthenticate(&request(), &who, password(PASSWORD)))
        .err(),
        run(there.zalt.sessions().revoke_others(&request(), &who)).err(),
        run(users.delete_own(&request(), &who)).err(),
    ];
    for (position, result) in results.iter().enumerate() {
        assert!(
            matches!(result, Some(Error::SessionOver)),
            "{position}: {result:?}"
        );
    }
    let account = run(users.find_account(who.user().id)).unwrap();
    assert_eq!(account.identifiers[0].id, first);
    assert_eq!(account.identifiers.len(), 2);
}

#[test]
fn what_another_replica_gave_a_device_is_taken_by_one_that_is_behind() {
    let (here, there) = replicas();
    let by_cookie = here.sign_up("ada@example.com");
    let who = admit(&there, &cookie(&by_cookie).expose()).unwrap();
    let renewed = run(here
        .zalt
        .sessions()
        .reauthenticate(&request(), &who, password(PASSWORD)))
    .unwrap()
    .unwrap();
    admit(&there, &renewed.expose()).unwrap();

    let (access_token, first) = bearer(&here.sign_up_by("bob@example.com", Transport::Bearer));
    let sessions = there.zalt.sessions();
    run(sessions.authenticate_access_token(&request(), &access_token)).unwrap();
    let second = bearer(&run(here.zalt.sessions().refresh(&request(), &first)).unwrap()).1;
    let third = bearer(&run(sessions.refresh(&request(), &second)).unwrap()).1;
    assert_ne!(third, second);
}

#[test]
fn a_spent_refresh_token_gets_nothing_from_a_replica_that_is_behind() {
    let (here, there) = replicas();
    let (_, first) = bearer(&here.sign_up_by("ada@example.com", Transport::Bearer));
    let refreshed = run(here.zalt.sessions().refresh(&request(), &first)).unwrap();
    let (access_token, second) = bearer(&refreshed);
    let sessions = there.zalt.sessions();
    run(sessions.authenticate_access_token(&request(), &access_token)).unwrap();
    run(here.zalt.sessions().refresh(&request(), &second)).unwrap();

    // As that replica has it in its cache, the token was replaced a moment ago and its successor is unused.
    let replayed = run(sessions.refresh(&request(), &first));
    assert!(
        matches!(replayed, Err(Error::RefreshTokenInvalid)),
        "{replayed:?}"
    );
}

#[test]
fn an_ended_session_is_not_refreshed_by_a_replica_that_is_behind() {
    let (here, there) = replicas();
    let (_, first) = bearer(&here.sign_up_by("ada@example.com", Transport::Bearer));
    let refreshed = run(here.zalt.sessions().refresh(&request(), &first)).unwrap();
    let sessions = there.zalt.sessions();
    let (access_token, second) = bearer(&refreshed);
    run(sessions.authenticate_access_token(&request(), &access_token)).unwrap();
    run(here
        .zalt
        .sessions()
        .sign_out(&request(), &refreshed.session))
    .unwrap();
    for token in [first, second] {
        let refused = run(sessions.refresh(&request(), &token));
        assert!(matches!(refused, Err(Error::SessionOver)), "{refused:?}");
    }
}

#[test]
fn a_revocation_whose_request_was_dropped_is_known_to_the_cache() {
    let app = App::with(with_cache);
    let signed_in = app.sign_up("ada@example.com");
    let token = cookie(&signed_in).expose();
    admit(&app, &token).unwrap();
    app.faults.silent.store(true, Ordering::SeqCst);
    let dropped = app
        .zalt
        .sessions()
        .sign_out(&request(), &signed_in.session)
        .now_or_never();
    assert!(dropped.is_none());
    app.faults.silent.store(false, Ordering::SeqCst);
    assert!(matches!(admit(&app, &token), Err(Error::SessionOver)));
}
