use futures_util::future::join_all;
use zalt_core::config::{FirstFactor, FirstFactors};
use zalt_core::connection::{OAuthErrorCode, ProviderError, ProviderToken};
use zalt_core::id::{CredentialId, UserId};

use super::*;

fn token(app: &App, user: UserId, id: CredentialId) -> Result<ProviderToken, Error> {
    run(app.zalt.connections().provider_token(user, id))
}

fn shown(token: &ProviderToken) -> &str {
    token.access_token.expose()
}

/// A user who came from a provider, and the account there.
fn owner(app: &App, provider: &Provider) -> (SignedIn, CredentialId) {
    let ada = signed_up(app, provider, "google", &at("google", "1", ADA));
    let id = account(app, &ada).credentials[0].id;
    (ada, id)
}

#[test]
fn a_token_is_replaced_before_it_ends() {
    let (app, provider) = app();
    let (ada, id) = owner(&app, &provider);
    let user = ada.user.id;
    let first = token(&app, user, id).unwrap();
    assert_eq!(shown(&first), "planted-access-0");
    app.clock.advance(57 * MINUTE);
    assert_eq!(shown(&token(&app, user, id).unwrap()), "planted-access-0");
    assert_eq!(provider.refreshes(), 0);
    app.clock.advance(MINUTE);
    assert_eq!(shown(&token(&app, user, id).unwrap()), "planted-access-1");
    app.clock.advance(10 * HOUR);
    assert_eq!(shown(&token(&app, user, id).unwrap()), "planted-access-2");
    assert_eq!(provider.refreshes(), 2);
}

#[test]
fn of_all_who_ask_at_once_one_asks_the_provider() {
    let (app, provider) = app();
    let (ada, id) = owner(&app, &provider);
    app.clock.advance(2 * HOUR);
    let connections = app.zalt.connections();
    let asked = (0..32).map(|_| connections.provider_token(ada.user.id, id));
    for answer in run(join_all(asked)) {
        assert_eq!(shown(&answer.unwrap()), "planted-access-1");
    }
    assert_eq!(provider.refreshes(), 1);
}

#[test]
fn of_two_replicas_one_asks_the_provider() {
    let (store, keys, provider) = (FaultyStore::default(), fresh_keys(), Provider::default());
    let one = replica(&store, &keys, &provider, |_| {});
    let two = replica(&store, &keys, &provider, |_| {});
    let (ada, id) = owner(&one, &provider);
    let user = ada.user.id;
    for wait in [59 * MINUTE, 5 * HOUR] {
        one.clock.advance(wait);
        two.clock.advance(wait);
        let before = provider.refreshes();
        let (of_one, of_two) = (one.zalt.connections(), two.zalt.connections());
        let answers = run(join_all((0..16).map(|number| {
            if number % 2 == 0 {
                of_one.provider_token(user, id)
            } else {
                of_two.provider_token(user, id)
            }
        })));
        for answer in answers {
            match answer {
                Ok(_) => {}
                // The old one is over and the other replica is at it.
                Err(Error::ProviderTokenBusy { .. }) => assert!(wait > HOUR),
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(provider.refreshes(), before + 1);
        let next = format!("planted-access-{}", before + 1);
        assert_eq!(shown(&token(&one, user, id).unwrap()), next);
        assert_eq!(shown(&token(&two, user, id).unwrap()), next);
    }
}

#[test]
fn whoever_dies_while_they_get_a_token_does_not_keep_others_from_it() {
    let (store, keys, provider) = (FaultyStore::default(), fresh_keys(), Provider::default());
    let app = replica(&store, &keys, &provider, |_| {});
    let (ada, id) = owner(&app, &provider);
    let user = ada.user.id;
    app.clock.advance(2 * HOUR);
    let connections = app.zalt.connections();
    let mut asking = Box::pin(connections.provider_token(user, id));
    let waker = futures_util::task::noop_waker();
    let mut context = std::task::Context::from_waker(&waker);
    assert!(asking.as_mut().poll(&mut context).is_pending());
    drop(asking);
    let busy = token(&app, user, id);
    assert!(matches!(busy, Err(Error::ProviderTokenBusy { .. })));
    app.clock.advance(std::time::Duration::from_secs(30));
    assert_eq!(shown(&token(&app, user, id).unwrap()), "planted-access-2");
}

#[test]
fn a_provider_that_takes_a_token_no_more_has_the_person_sign_in_again() {
    let (app, provider) = app();
    let (ada, id) = owner(&app, &provider);
    let user = ada.user.id;
    app.clock.advance(59 * MINUTE);
    provider.fail(Some(ProviderError::Unreachable));
    // What there is still works for a minute.
    assert_eq!(shown(&token(&app, user, id).unwrap()), "planted-access-0");
    app.clock.advance(HOUR);
    assert!(matches!(
        token(&app, user, id),
        Err(Error::ConnectionUnavailable)
    ));
    assert!(matches!(
        token(&app, user, id),
        Err(Error::ProviderTokenBusy { .. })
    ));
    app.clock.advance(MINUTE);
    provider.fail(Some(ProviderError::Refused {
        error: OAuthErrorCode::parse("invalid_grant"),
    }));
    assert!(matches!(
        token(&app, user, id),
        Err(Error::ProviderTokenMissing)
    ));
    let asked = provider.refreshes();
    assert!(matches!(
        token(&app, user, id),
        Err(Error::ProviderTokenMissing)
    ));
    assert_eq!(
        provider.refreshes(),
        asked,
        "it is not asked again for nothing"
    );
    provider.fail(None);
    signed_in(&app, &provider, "google", &at("google", "1", ADA));
    assert_eq!(shown(&token(&app, user, id).unwrap()), "planted-access-0");
}

#[test]
fn tokens_are_unreadable_where_they_are_kept_and_go_with_the_account() {
    let (app, provider) = app();
    let (ada, id) = owner(&app, &provider);
    let user = ada.user.id;
    let kept = account(&app, &ada).credentials[0].clone();
    let json = serde_json::to_string(&kept.state).unwrap();
    let bytes = format!("{:?}", b"planted").replace(['[', ']', ' '], "");
    assert!(!json.contains("planted") && !json.contains(&bytes));
    assert!(!format!("{kept:?}").contains("planted"));
    let who = app.authenticated(&ada);
    run(app.zalt.connections().unlink(&request(), &who, id)).unwrap();
    assert!(account(&app, &ada).credentials.is_empty());
    let revoked = provider.revoked();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].access_token.expose(), "planted-access-0");
    let second = link(&app, &provider, &who, &at("google", "1", ADA)).unwrap();
    run(app.zalt.users().delete(&request(), user)).unwrap();
    assert!(matches!(token(&app, user, second.id), Err(Error::NotFound)));
    app.clock.advance(31 * DAY);
    run(app.worker.tidy());
    let gone = run(app.zalt.users().find_account(user));
    assert!(matches!(gone, Err(Error::NotFound)));
    // And the account there is free for whoever has it.
    signed_up(&app, &provider, "google", &at("google", "1", ADA));
}

#[test]
fn what_a_provider_grants_is_nobody_elses() {
    let (app, provider) = app();
    let (_, id) = owner(&app, &provider);
    let eve = app.sign_up(EVE);
    assert!(matches!(token(&app, eve.user.id, id), Err(Error::NotFound)));
}

#[test]
fn another_provider_behind_the_same_key_gets_no_tokens_and_is_no_way_in() {
    let (store, keys, provider) = (FaultyStore::default(), fresh_keys(), Provider::default());
    let passkeys_only = |config: &mut Config| {
        config.first_factors = FirstFactors::only(&[FirstFactor::Passkey]);
    };
    let before = replica(&store, &keys, &provider, passkeys_only);
    let (ada, id) = owner(&before, &provider);
    let who = before.authenticated(&ada);
    let second = {
        let github = key("github");
        let begin = BeginConnection::new(&github);
        let connections = before.zalt.connections();
        let started = run(connections.begin_link(&request(), &who, begin)).unwrap();
        let back = provider.consent(&started.url, &at("github", "1", ADA));
        let (token, who) = (Some(&started.token), Some(&who));
        run(connections.callback(&request(), &github, token, who, answer(&back))).unwrap();
        let linked = account(&before, &ada);
        let ids: Vec<_> = linked.external_accounts().map(|(c, _)| c.id).collect();
        ids.into_iter().find(|other| *other != id).unwrap()
    };
    let after = replica(&store, &keys, &provider, |config| {
        passkeys_only(config);
        config.connections[0].provider = "another".to_owned();
    });
    // Neither the ones that are good still, nor ones for the other provider to make fresh.
    assert_eq!(
        shown(&token(&before, ada.user.id, id).unwrap()),
        "planted-access-0"
    );
    for wait in [MINUTE, 2 * HOUR] {
        after.clock.advance(wait);
        let refused = token(&after, ada.user.id, id);
        assert!(matches!(refused, Err(Error::ProviderTokenMissing)));
    }
    assert_eq!(provider.refreshes(), 0);
    let now_after = replica(&store, &keys, &provider, |config| {
        passkeys_only(config);
        config.connections[0].provider = "another".to_owned();
    });
    let who = now_after.authenticated(&ada);
    let connections = now_after.zalt.connections();
    let last = run(connections.unlink(&request(), &who, second));
    assert!(matches!(last, Err(Error::LastWayIn)));
    run(connections.unlink(&request(), &who, id)).unwrap();
    assert_eq!(
        provider.revoked(),
        [],
        "it would be handed to somebody else"
    );
}
