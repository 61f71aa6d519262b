use std::time::Duration;

use zalt_core::Error;
use zalt_core::config::SessionCacheConfig;
use zalt_core::session::SignedIn;
use zalt_core::store::PageRequest;

use crate::support::*;

fn check(app: &App, signed_in: &SignedIn) -> Result<zalt_core::session::Authenticated, Error> {
    run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(signed_in).expose()))
}

#[test]
fn users_list_and_revoke_their_own_sessions_only() {
    let app = App::new();
    let first = app.sign_up("ada@example.com");
    app.clock.advance(MINUTE);
    let second = app.sign_in("ada@example.com");
    let stranger = app.sign_up("eve@example.com");
    let user = first.user.id;
    let page = run(app.zalt.sessions().list(user, PageRequest::default())).unwrap();
    assert_eq!(page.data.len(), 2);
    assert_eq!(page.data[0].id, second.session.id);
    let foreign = run(app.zalt.sessions().revoke(
        &request(),
        &check(&app, &stranger).unwrap(),
        first.session.id,
    ));
    assert!(matches!(foreign, Err(Error::NotFound)));
    run(app
        .zalt
        .sessions()
        .revoke(&request(), &check(&app, &first).unwrap(), second.session.id))
    .unwrap();
    assert!(matches!(check(&app, &second), Err(Error::SessionOver)));
    assert!(check(&app, &first).is_ok());
}

#[test]
fn revoking_others_leaves_the_one_that_asks_and_revoking_all_leaves_none() {
    let app = App::new();
    let first = app.sign_up("ada@example.com");
    let second = app.sign_in("ada@example.com");
    run(app
        .zalt
        .sessions()
        .revoke_others(&request(), &check(&app, &first).unwrap()))
    .unwrap();
    assert!(check(&app, &first).is_ok());
    assert!(matches!(check(&app, &second), Err(Error::SessionOver)));
    let who = check(&app, &first).unwrap();
    run(app.zalt.sessions().revoke_all(&request(), &who)).unwrap();
    assert!(matches!(check(&app, &first), Err(Error::SessionOver)));
    assert!(check(&app, &app.sign_in("ada@example.com")).is_ok());
}

#[test]
fn an_operator_ends_the_sessions_of_a_user() {
    let app = App::new();
    let first = app.sign_up("ada@example.com");
    run(app.zalt.users().end_sessions(&request(), first.user.id)).unwrap();
    assert!(matches!(check(&app, &first), Err(Error::SessionOver)));
    assert!(check(&app, &app.sign_in("ada@example.com")).is_ok());
}

#[test]
fn a_session_ends_idle_and_absolutely() {
    let app = App::new();
    let idle = app.sign_up("ada@example.com");
    app.clock.advance(14 * DAY);
    assert!(matches!(check(&app, &idle), Err(Error::SessionOver)));
    let used = app.sign_in("ada@example.com");
    for _ in 0..29 {
        app.clock.advance(DAY);
        check(&app, &used).unwrap();
    }
    app.clock.advance(DAY);
    assert!(matches!(check(&app, &used), Err(Error::SessionOver)));
}

#[test]
fn a_tampered_cookie_is_not_a_session() {
    let app = App::new();
    let signed_in = app.sign_up("ada@example.com");
    let text = cookie(&signed_in).expose().to_string();
    for at in 4..text.len() {
        let mut tampered = text.clone();
        let other = if tampered.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        tampered.replace_range(at..=at, other);
        let result = run(app.zalt.sessions().authenticate(&request(), &tampered));
        assert!(
            matches!(result, Err(Error::Unauthenticated | Error::SessionOver)),
            "{at}"
        );
    }
}

#[test]
fn reauthentication_replaces_the_token_and_opens_what_needs_it() {
    let app = App::new();
    let signed_in = app.sign_up("ada@example.com");
    app.clock.advance(11 * MINUTE);
    let before = check(&app, &signed_in).unwrap();
    assert!(matches!(
        app.zalt.sessions().require_recent(&before),
        Err(Error::ReauthenticationRequired { .. })
    ));
    let wrong = run(app.zalt.sessions().reauthenticate(
        &request(),
        &before,
        password("wrong horse battery"),
    ));
    assert!(matches!(wrong, Err(Error::CredentialsIncorrect)));
    let token = run(app
        .zalt
        .sessions()
        .reauthenticate(&request(), &before, password(PASSWORD)))
    .unwrap()
    .unwrap();
    assert!(matches!(
        check(&app, &signed_in),
        Err(Error::Unauthenticated)
    ));
    let after = run(app
        .zalt
        .sessions()
        .authenticate(&request(), &token.expose()))
    .unwrap();
    app.zalt.sessions().require_recent(&after).unwrap();
}

#[test]
fn the_cache_never_outlives_what_this_process_writes() {
    let app = App::with(|config| {
        config.sessions.cache = Some(SessionCacheConfig {
            capacity: 100,
            max_age: Duration::from_secs(30),
        });
    });
    let first = app.sign_up("ada@example.com");
    let second = app.sign_in("ada@example.com");
    let users = app.zalt.users();
    for _ in 0..2 {
        check(&app, &first).unwrap();
        check(&app, &second).unwrap();
    }
    run(app
        .zalt
        .sessions()
        .revoke(&request(), &check(&app, &first).unwrap(), second.session.id))
    .unwrap();
    assert!(matches!(check(&app, &second), Err(Error::SessionOver)));
    run(users.suspend(&request(), first.user.id)).unwrap();
    assert!(matches!(check(&app, &first), Err(Error::SessionOver)));
}
