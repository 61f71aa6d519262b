use std::time::Duration;

use futures_util::future::join_all;
use zalt_core::Error;
use zalt_core::event::EventKind;
use zalt_core::session::Transport;

use crate::support::*;

#[test]
fn fifty_refreshes_at_once_end_in_one_successor() {
    let app = App::new();
    let signed_in = app.sign_up_by("ada@example.com", Transport::Bearer);
    let (_, first) = bearer(&signed_in);
    let results =
        run(join_all((0..50).map(|_| async {
            app.zalt.sessions().refresh(&request(), &first).await
        })));
    let mut successors: Vec<_> = results
        .into_iter()
        .map(|result| bearer(&result.unwrap()).1)
        .collect();
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    assert_ne!(successors[0], first);
    assert!(run(app.zalt.sessions().refresh(&request(), &successors[0])).is_ok());
}

#[test]
fn a_lost_reply_gets_the_same_successor_within_the_grace() {
    let app = App::new();
    let (_, first) = bearer(&app.sign_up_by("ada@example.com", Transport::Bearer));
    let second = bearer(&run(app.zalt.sessions().refresh(&request(), &first)).unwrap()).1;
    app.clock.advance(Duration::from_secs(30));
    assert_eq!(
        bearer(&run(app.zalt.sessions().refresh(&request(), &first)).unwrap()).1,
        second
    );
}

fn assert_family_ended(app: &App, user: zalt_core::id::UserId, newest: &str) {
    assert!(matches!(
        run(app.zalt.sessions().refresh(&request(), newest)),
        Err(Error::SessionOver)
    ));
    let kinds = app.event_kinds(user);
    assert!(
        kinds
            .iter()
            .any(|kind| matches!(kind, EventKind::RefreshTokenReused { .. })),
        "{kinds:?}"
    );
}

#[test]
fn a_replay_after_the_grace_ends_the_session_and_leaves_an_event() {
    let app = App::new();
    let signed_in = app.sign_up_by("ada@example.com", Transport::Bearer);
    let (_, first) = bearer(&signed_in);
    let second = bearer(&run(app.zalt.sessions().refresh(&request(), &first)).unwrap()).1;
    app.clock.advance(Duration::from_secs(31));
    let replay = run(app.zalt.sessions().refresh(&request(), &first));
    assert!(matches!(replay, Err(Error::RefreshTokenInvalid)));
    assert_family_ended(&app, signed_in.user.id, &second);
}

#[test]
fn a_replay_whose_successor_was_used_ends_the_session_even_within_the_grace() {
    let app = App::new();
    let signed_in = app.sign_up_by("ada@example.com", Transport::Bearer);
    let (_, first) = bearer(&signed_in);
    let second = bearer(&run(app.zalt.sessions().refresh(&request(), &first)).unwrap()).1;
    let third = bearer(&run(app.zalt.sessions().refresh(&request(), &second)).unwrap()).1;
    let replay = run(app.zalt.sessions().refresh(&request(), &first));
    assert!(matches!(replay, Err(Error::RefreshTokenInvalid)));
    assert_family_ended(&app, signed_in.user.id, &third);
}

#[test]
fn a_forged_token_does_not_end_anybodys_session() {
    let app = App::new();
    let (_, first) = bearer(&app.sign_up_by("ada@example.com", Transport::Bearer));
    let mut forged = first.clone();
    // The last letter carries padding bits only of its kind; change one in the middle of the MAC.
    let at = forged.len() - 10;
    let other = if forged.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    forged.replace_range(at..=at, other);
    assert!(matches!(
        run(app.zalt.sessions().refresh(&request(), &forged)),
        Err(Error::RefreshTokenInvalid)
    ));
    assert!(run(app.zalt.sessions().refresh(&request(), &first)).is_ok());
}

#[test]
fn refreshing_never_moves_the_absolute_end_and_keeps_from_idling_out() {
    let app = App::new();
    let signed_in = app.sign_up_by("ada@example.com", Transport::Bearer);
    let (_, mut token) = bearer(&signed_in);
    for _ in 0..2 {
        app.clock.advance(13 * DAY);
        let refreshed = run(app.zalt.sessions().refresh(&request(), &token)).unwrap();
        assert_eq!(refreshed.session.expires_at, signed_in.session.expires_at);
        token = bearer(&refreshed).1;
    }
    app.clock.advance(5 * DAY);
    assert!(matches!(
        run(app.zalt.sessions().refresh(&request(), &token)),
        Err(Error::SessionOver)
    ));
}

#[test]
fn the_tokens_of_a_signed_out_session_are_worth_nothing() {
    let app = App::new();
    let signed_in = app.sign_up_by("ada@example.com", Transport::Bearer);
    let (access, refresh) = bearer(&signed_in);
    run(app
        .zalt
        .sessions()
        .authenticate_access_token(&request(), &access))
    .unwrap();
    run(app.zalt.sessions().sign_out(&request(), &signed_in.session)).unwrap();
    run(app.zalt.sessions().sign_out(&request(), &signed_in.session)).unwrap();
    assert!(matches!(
        run(app.zalt.sessions().refresh(&request(), &refresh)),
        Err(Error::SessionOver)
    ));
    let checked = run(app
        .zalt
        .sessions()
        .authenticate_access_token(&request(), &access));
    assert!(matches!(checked, Err(Error::SessionOver)));
    // Without asking the store the token is good until it ends: the documented lag.
    assert!(run(app.zalt.access_tokens().verify(&access)).is_ok());
    app.clock.advance(7 * MINUTE);
    assert!(run(app.zalt.access_tokens().verify(&access)).is_err());
}
