use std::time::Duration;

use zalt_core::attempt::ConnectionProgress;
use zalt_core::config::{FirstFactor, FirstFactors};
use zalt_core::connection::{ConnectionFailure, ConnectionUpdate};
use zalt_core::message::Notice;

use super::*;

#[test]
fn an_account_there_is_linked_shown_and_unlinked_by_its_owner() {
    let (app, provider) = app();
    let ada = app.sign_up(ADA);
    let who = app.authenticated(&ada);
    let there = at("google", "1", "elsewhere@example.com");
    let credential = link(&app, &provider, &who, &there).unwrap();
    assert!(
        matches!(app.mail_to(ADA), Notice::ExternalAccountLinked { provider } if provider == "GOOGLE")
    );
    // Again is not once more.
    let again = link(&app, &provider, &who, &there).unwrap();
    assert_eq!(again.id, credential.id);
    assert_eq!(linked(&app, &ada), 1);
    let in_by_it = signed_in(&app, &provider, "google", &there);
    assert_eq!(in_by_it.user.id, ada.user.id);
    let connections = app.zalt.connections();
    run(connections.unlink(&request(), &who, credential.id)).unwrap();
    assert!(matches!(
        app.mail_to(ADA),
        Notice::ExternalAccountUnlinked { .. }
    ));
    assert_eq!(linked(&app, &ada), 0);
    let events = app.events(ada.user.id);
    assert!(events.contains(&"external_account.linked"));
    assert!(events.contains(&"external_account.unlinked"));
    // It leads nowhere any more: to a new account, not to the one of before.
    let after = signed_up(&app, &provider, "google", &there);
    assert_ne!(after.user.id, ada.user.id);
}

#[test]
fn linking_and_unlinking_need_a_proof_that_is_recent_and_as_strong_as_the_account_has() {
    let (app, provider) = app();
    let ada = app.sign_up(ADA);
    let who = app.authenticated(&ada);
    let there = at("google", "1", ADA);
    let credential = link(&app, &provider, &who, &there).unwrap();
    app.clock.advance(11 * MINUTE);
    let late = link(&app, &provider, &who, &at("google", "2", ADA));
    assert!(matches!(late, Err(Error::ReauthenticationRequired { .. })));
    let late = run(app
        .zalt
        .connections()
        .unlink(&request(), &who, credential.id));
    assert!(matches!(late, Err(Error::ReauthenticationRequired { .. })));
    let (strong, _) = app_with(|_| {});
    let owner = crate::second_factors::owner(&strong);
    let weak = crate::second_factors::check(&strong, &owner.signed_in);
    let google = key("google");
    let connections = strong.zalt.connections();
    let refused = run(connections.begin_link(&request(), &weak, BeginConnection::new(&google)));
    assert!(matches!(
        refused,
        Err(Error::ReauthenticationRequired { .. })
    ));
}

#[test]
fn a_link_belongs_to_the_session_that_asked_for_it() {
    let (app, provider) = app();
    let (ada, eve) = (app.sign_up(ADA), app.sign_up(EVE));
    let (of_ada, of_eve) = (app.authenticated(&ada), app.authenticated(&eve));
    let google = key("google");
    let connections = app.zalt.connections();
    for somebody in [Some(&of_eve), None] {
        let begin = BeginConnection::new(&google);
        let started = run(connections.begin_link(&request(), &of_ada, begin)).unwrap();
        let back = provider.consent(&started.url, &at("google", "1", EVE));
        let token = Some(&started.token);
        let refused =
            run(connections.callback(&request(), &google, token, somebody, answer(&back)));
        assert!(matches!(refused, Err(Error::ConnectionStateMismatch)));
    }
    assert_eq!(failures(&app), [ConnectionFailure::SessionOver; 2]);
    // One that ended while its owner was at the provider links nothing.
    let begin = BeginConnection::new(&google);
    let started = run(connections.begin_link(&request(), &of_ada, begin)).unwrap();
    let back = provider.consent(&started.url, &at("google", "1", EVE));
    run(app.zalt.sessions().sign_out(&request(), of_ada.session())).unwrap();
    let (token, who) = (Some(&started.token), Some(&of_ada));
    let refused = run(connections.callback(&request(), &google, token, who, answer(&back)));
    assert!(matches!(refused, Err(Error::SessionOver)));
    assert_eq!(linked(&app, &ada) + linked(&app, &eve), 0);
}

#[test]
fn the_last_way_in_stays() {
    let passkeys_only = |config: &mut Config| {
        config.first_factors = FirstFactors::only(&[FirstFactor::Passkey]);
    };
    let (app, provider) = app_with(passkeys_only);
    let ada = signed_up(&app, &provider, "google", &at("google", "1", ADA));
    let who = app.authenticated(&ada);
    let first = account(&app, &ada).credentials[0].id;
    let connections = app.zalt.connections();
    let last = run(connections.unlink(&request(), &who, first));
    assert!(matches!(last, Err(Error::LastWayIn)));
    // Another one that can't be used is none.
    let extra = run(connections.create(&request(), settings("extra"), true)).unwrap();
    let other = at("extra", "1", ADA);
    let started = {
        let extra = key("extra");
        let begin = BeginConnection::new(&extra);
        run(connections.begin_link(&request(), &who, begin)).unwrap()
    };
    let back = provider.consent(&started.url, &other);
    let (token, by) = (Some(&started.token), Some(&who));
    let returned = run(connections.callback(&request(), &key("extra"), token, by, answer(&back)));
    let ConnectionProgress::Linked(second) = returned.unwrap().progress else {
        panic!("not linked");
    };
    let off = ConnectionUpdate {
        enabled: Some(false),
        ..ConnectionUpdate::default()
    };
    let update = run(connections.update(&request(), extra.id, off)).unwrap();
    let last = run(connections.unlink(&request(), &who, first));
    assert!(matches!(last, Err(Error::LastWayIn)));
    let on = ConnectionUpdate {
        enabled: Some(true),
        ..ConnectionUpdate::default()
    };
    run(connections.update(&request(), update.id, on)).unwrap();
    run(connections.unlink(&request(), &who, first)).unwrap();
    let last = run(connections.unlink(&request(), &who, second.id));
    assert!(matches!(last, Err(Error::LastWayIn)));
}

#[test]
fn where_mail_leads_in_everything_may_be_unlinked() {
    let (app, provider) = app();
    let ada = signed_up(&app, &provider, "google", &at("google", "1", ADA));
    let who = app.authenticated(&ada);
    let first = account(&app, &ada).credentials[0].id;
    run(app.zalt.connections().unlink(&request(), &who, first)).unwrap();
    // Of the other endpoints none takes one away without its rules.
    let second = link(&app, &provider, &who, &at("google", "1", ADA)).unwrap();
    let removed = run(app.zalt.credentials().remove(&request(), &who, second.id));
    assert!(matches!(removed, Err(Error::NotFound)));
    // And an administrator who resets second factors leaves it alone.
    run(app
        .zalt
        .credentials()
        .reset(&request(), ada.user.id, "lost"))
    .unwrap();
    assert_eq!(linked(&app, &ada), 1);
}

#[test]
fn what_was_linked_lately_is_part_of_the_review_of_a_frozen_account() {
    let (app, provider) = app();
    let ada = app.sign_up(ADA);
    app.clock.advance(Duration::from_hours(24 * 8));
    let eve = app.sign_in(ADA);
    let who = app.authenticated(&eve);
    let planted = at("google", "666", EVE);
    let credential = link(&app, &provider, &who, &planted).unwrap();
    let safety = app.zalt.safety();
    let link = crate::safety::safety_link(&app, ADA).unwrap();
    run(safety.freeze(&request(), &link)).unwrap();
    let refused = through(&app, &provider, "google", &planted);
    assert!(matches!(refused, Err(Error::AccountFrozen)));
    let link = crate::safety::recovery_links(&app, ADA).pop().unwrap();
    let started = run(safety.recover(&request(), &link, Transport::Cookie)).unwrap();
    let new = password("another horse battery");
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.reset_password(&request(), &started.token, new, true)).unwrap();
    let review = run(safety.review(&started.token)).unwrap();
    let listed: Vec<_> = review.credentials.iter().map(|found| found.id).collect();
    assert_eq!(listed, [credential.id]);
    let decision = zalt_core::safety::ReviewDecision {
        credentials: listed,
        identifiers: Vec::new(),
    };
    run(safety.finish(&request(), &started.token, &decision)).unwrap();
    assert_eq!(linked(&app, &ada), 0);
    assert!(
        app.events(ada.user.id)
            .contains(&"external_account.unlinked")
    );
}
