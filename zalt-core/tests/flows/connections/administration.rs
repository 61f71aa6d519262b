use zalt_core::BuildError;
use zalt_core::connection::{
    ConnectionFailure, ConnectionKeyError, ConnectionSource, ConnectionUpdate,
};
use zalt_core::{ConfigError, SystemRng, Zalt};

use super::*;

fn names(app: &App) -> Vec<String> {
    let usable = run(app.zalt.connections().usable()).unwrap();
    let keys = usable.iter().map(|info| info.settings.key.to_string());
    keys.collect()
}

fn switched(enabled: bool) -> ConnectionUpdate {
    ConnectionUpdate {
        enabled: Some(enabled),
        ..ConnectionUpdate::default()
    }
}

#[test]
fn a_connection_of_an_administrator_counts_at_once_and_everywhere() {
    let (store, keys, provider) = (FaultyStore::default(), fresh_keys(), Provider::default());
    let one = replica(&store, &keys, &provider, |_| {});
    let two = replica(&store, &keys, &provider, |_| {});
    let mut new = settings("acme");
    new.client_secret = Some("planted-client-secret".into());
    let connections = one.zalt.connections();
    let made = run(connections.create(&request(), new, false)).unwrap();
    assert_eq!(names(&two), ["google", "github"]);
    run(connections.update(&request(), made.id, switched(true))).unwrap();
    assert_eq!(names(&two), ["google", "github", "acme"]);
    let acme = at("acme", "1", ADA);
    let ada = signed_up(&two, &provider, "acme", &acme);
    // Switched off while somebody is at the provider.
    let started = begin(&two, "acme");
    let back = provider.consent(&started.url, &acme);
    run(connections.update(&request(), made.id, switched(false))).unwrap();
    let refused = come_back(&two, "acme", &started.token, &back);
    assert!(matches!(refused, Err(Error::ConnectionNotFound)));
    assert_eq!(failures(&one), [ConnectionFailure::SwitchedOff]);
    run(connections.delete(&request(), made.id)).unwrap();
    let gone = run(connections.delete(&request(), made.id));
    assert!(matches!(gone, Err(Error::ConnectionNotFound)));
    assert_eq!(linked(&one, &ada), 1);
}

#[test]
fn client_secrets_are_sealed_and_not_listed() {
    let (app, _) = app();
    let mut new = settings("acme");
    new.client_secret = Some("planted-client-secret".into());
    let connections = app.zalt.connections();
    let made = run(connections.create(&request(), new, true)).unwrap();
    let stored = run(app.zalt.store().connections()).unwrap();
    let bytes = format!("{:?}", b"planted").replace(['[', ']', ' '], "");
    let json = serde_json::to_string(&stored[0].state).unwrap();
    assert!(made.state.client_secret.is_some());
    assert!(!json.contains("planted") && !json.contains(&bytes));
    for info in run(connections.list()).unwrap() {
        assert_eq!(info.settings.client_secret, None);
        let path = format!(
            "https://auth.example.com/v1/client/connections/{}/callback",
            info.settings.key
        );
        assert_eq!(info.redirect_uri.as_str(), path);
    }
}

#[test]
fn a_client_secret_that_no_key_opens_any_more_is_no_matter_of_the_others() {
    // Nothing else is sealed in this store.
    let shared = |config: &mut Config| {
        let secret = b"an application's secret of 32 bytes".to_vec();
        config.access_tokens.signing =
            zalt_core::config::AccessTokenSigning::SharedSecret(secret.into());
    };
    let (store, provider) = (FaultyStore::default(), Provider::default());
    let before = replica(&store, &fresh_keys(), &provider, shared);
    let mut new = settings("acme");
    new.client_secret = Some("planted-client-secret".into());
    let connections = before.zalt.connections();
    let made = run(connections.create(&request(), new, true)).unwrap();
    // They are listed in the order in which they were made.
    before.clock.advance(MINUTE);
    run(connections.create(&request(), settings("other"), true)).unwrap();
    let after = replica(&store, &fresh_keys(), &provider, shared);
    assert_eq!(names(&after), ["google", "github", "other"]);
    let connections = after.zalt.connections();
    let listed = run(connections.list()).unwrap();
    let acme = listed
        .iter()
        .find(|info| info.settings.key == made.key)
        .unwrap();
    assert_eq!(acme.provider.as_ref().unwrap_err().field, "client_secret");
    let anew = ConnectionUpdate {
        client_secret: Some(Some("planted-another".into())),
        ..ConnectionUpdate::default()
    };
    run(connections.update(&request(), made.id, anew)).unwrap();
    assert_eq!(names(&after), ["google", "github", "acme", "other"]);
}

#[test]
fn a_key_is_there_once_and_code_comes_first() {
    let (app, _) = app();
    let connections = app.zalt.connections();
    for _ in 0..2 {
        let taken = run(connections.create(&request(), settings("google"), true));
        assert!(matches!(taken, Err(Error::ConnectionKeyTaken)));
    }
    run(connections.create(&request(), settings("acme"), true)).unwrap();
    let taken = run(connections.create(&request(), settings("acme"), true));
    assert!(matches!(taken, Err(Error::ConnectionKeyTaken)));
    let sources: Vec<_> = run(connections.list()).unwrap();
    let of_code =
        |info: &&zalt_core::connection::ConnectionInfo| info.source == ConnectionSource::Code;
    assert_eq!(sources.iter().filter(of_code).count(), 2);
    for text in ["", "Google", "a/b", "../x", &"a".repeat(41), "a b"] {
        let parsed = ConnectionKey::parse(text);
        assert_eq!(parsed, Err(ConnectionKeyError), "{text}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_with_the_field() {
    let (app, _) = app();
    let connections = app.zalt.connections();
    let mut bad = settings("acme");
    bad.client_id = String::new();
    let refused = run(connections.create(&request(), bad, true));
    let Err(Error::ConnectionSettings(problem)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(problem.field, "client_id");
    let made = run(connections.create(&request(), settings("acme"), true)).unwrap();
    let update = ConnectionUpdate {
        client_id: Some(String::new()),
        ..ConnectionUpdate::default()
    };
    let refused = run(connections.update(&request(), made.id, update));
    assert!(matches!(refused, Err(Error::ConnectionSettings(_))));
}

#[test]
fn there_are_a_hundred_connections_at_most() {
    let (app, _) = app();
    let connections = app.zalt.connections();
    for number in 0..100 {
        let settings = settings(&format!("c{number}"));
        run(connections.create(&request(), settings, false)).unwrap();
    }
    let more = run(connections.create(&request(), settings("more"), false));
    assert!(matches!(more, Err(Error::TooManyConnections)));
}

#[test]
fn another_provider_behind_the_same_key_knows_nobody_from_before() {
    let (app, provider) = app();
    let connections = app.zalt.connections();
    let generic = || {
        let mut generic = settings("acme");
        generic.provider = "oauth2".to_owned();
        generic
    };
    let mut somebody = at("acme", "1", ADA);
    somebody.issuer = "connection:acme".to_owned();
    let made = run(connections.create(&request(), generic(), true)).unwrap();
    let ada = signed_up(&app, &provider, "acme", &somebody);
    let options = ConnectionUpdate {
        options: Some([("subject".to_owned(), "login".to_owned())].into()),
        ..ConnectionUpdate::default()
    };
    let refused = run(connections.update(&request(), made.id, options));
    assert!(matches!(refused, Err(Error::ConnectionSettings(_))));
    run(connections.delete(&request(), made.id)).unwrap();
    run(connections.create(&request(), generic(), true)).unwrap();
    // Number 1 there is somebody else now.
    let other = ProviderIdentity {
        email: at("acme", "1", EVE).email,
        ..somebody.clone()
    };
    let eve = signed_up(&app, &provider, "acme", &other);
    assert_ne!(eve.user.id, ada.user.id);
    // And one connection never speaks for the people of another.
    for issuer in ["connection:google", "", &"x".repeat(300)] {
        let mut foreign = somebody.clone();
        foreign.issuer = issuer.to_owned();
        let refused = through(&app, &provider, "acme", &foreign);
        assert!(
            matches!(refused, Err(Error::ConnectionUnavailable)),
            "{issuer}"
        );
    }
    let mut nobody = somebody;
    nobody.subject = String::new();
    let refused = through(&app, &provider, "acme", &nobody);
    assert!(matches!(refused, Err(Error::ConnectionUnavailable)));
    assert_eq!(failures(&app), [ConnectionFailure::BadAnswer; 4]);
}

#[test]
fn one_account_there_is_one_through_whatever_connection_it_comes() {
    let (app, provider) = app();
    let ada = signed_up(&app, &provider, "google", &at("google", "1", ADA));
    let again = signed_in(&app, &provider, "github", &at("google", "1", ADA));
    assert_eq!(again.user.id, ada.user.id);
}

#[test]
fn a_configuration_that_cannot_work_is_refused_when_it_is_built() {
    let build = |configure: fn(&mut Config), provider: bool| {
        let keys = zalt_core::secret::EncryptionKeys::generate(&SystemRng).unwrap();
        let keys = zalt_core::secret::EncryptionKeys::parse(&keys).unwrap();
        let builder = Zalt::builder(FaultyStore::default(), keys, "https://auth.example.com")
            .configure(configure)
            .mailer(Outbox::default());
        let builder = if provider {
            builder.connections(Arc::new(Provider::default()))
        } else {
            builder
        };
        match run(builder.build()) {
            Err(BuildError::Config(error)) => error,
            other => panic!("{:?}", other.map(drop)),
        }
    };
    let one = |config: &mut Config| config.connections = vec![settings("google")];
    assert!(matches!(build(one, false), ConfigError::ConnectionProtocol));
    let twice = |config: &mut Config| config.connections = vec![settings("google"); 2];
    assert!(matches!(
        build(twice, true),
        ConfigError::ConnectionKey { .. }
    ));
    let bad = |config: &mut Config| {
        config.connections = vec![settings("google")];
        config.connections[0].client_id = String::new();
    };
    assert!(matches!(build(bad, true), ConfigError::Connection { .. }));
    let script = |config: &mut Config| {
        config.return_addresses = vec!["javascript:alert(1)".to_owned()];
    };
    assert!(matches!(
        build(script, true),
        ConfigError::ReturnAddress { .. }
    ));
}
