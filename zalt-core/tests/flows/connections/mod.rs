//! Signing in, signing up and linking through providers.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

mod administration;
mod id_tokens;
mod links;
mod provider;
mod refusals;
mod sign_ins;
mod takeovers;
mod tokens;

use std::sync::Arc;

use zalt_core::attempt::{
    BeginConnection, ConnectionAnswer, ConnectionProgress, ConnectionReturn, SecondFactorProof,
    SignInProgress, StartedConnection,
};
use zalt_core::connection::{
    ConnectionFailure, ConnectionKey, ConnectionSettings, LinkingPolicy, ProviderEmail,
    ProviderIdentity,
};
use zalt_core::event::EventKind;
use zalt_core::secret::AttemptToken;
use zalt_core::session::{Authenticated, SignedIn, Transport};
use zalt_core::store::{EventFilter, PageLimit, PageRequest};
use zalt_core::user::Account;
use zalt_core::{Config, Error};

use self::provider::{Back, Provider};
use crate::faults::FaultyStore;
use crate::support::*;

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";

fn key(text: &str) -> ConnectionKey {
    ConnectionKey::parse(text).unwrap()
}

fn settings(name: &str) -> ConnectionSettings {
    ConnectionSettings::new(key(name), name, "client")
}

/// An application with two providers, and what they do.
fn app() -> (App, Provider) {
    app_with(|_| {})
}

fn app_with(configure: impl FnOnce(&mut Config)) -> (App, Provider) {
    let provider = Provider::default();
    let app = replica(&FaultyStore::default(), &fresh_keys(), &provider, configure);
    (app, provider)
}

fn replica(
    store: &FaultyStore,
    keys: &zalt_core::secret::EncryptionKeys,
    provider: &Provider,
    configure: impl FnOnce(&mut Config),
) -> App {
    let protocol = Arc::new(provider.clone());
    App::with_provider(store.clone(), keys, protocol, |config| {
        config.connections = vec![settings("google"), settings("github")];
        config.return_addresses = vec!["com.example.app:/done".to_owned()];
        configure(config);
    })
}

fn links_by_address(config: &mut Config) {
    config.connection_linking = LinkingPolicy::VerifiedAddress;
}

/// Somebody at a provider, whose address is verified there.
fn at(provider: &str, subject: &str, address: &str) -> ProviderIdentity {
    let email = ProviderEmail {
        address: email(address),
        verified: true,
        authoritative: true,
    };
    ProviderIdentity {
        issuer: format!("https://{provider}.example"),
        subject: subject.to_owned(),
        email: Some(email),
        username: None,
        name: Some("Ada Lovelace".to_owned()),
        given_name: Some("Ada".to_owned()),
        family_name: None,
        picture: None,
    }
}

/// Somebody whose address was verified there once, by a provider that does not host it.
fn once_verified(mut identity: ProviderIdentity) -> ProviderIdentity {
    if let Some(email) = &mut identity.email {
        email.authoritative = false;
    }
    identity
}

fn unverified(mut identity: ProviderIdentity) -> ProviderIdentity {
    if let Some(email) = &mut identity.email {
        email.verified = false;
        email.authoritative = false;
    }
    identity
}

fn begin(app: &App, name: &str) -> StartedConnection {
    let key = key(name);
    let begin = BeginConnection::new(&key);
    run(app.zalt.connections().begin(&request(), begin)).unwrap()
}

/// The same for somebody who wants to be there afterwards.
fn begin_for(app: &App, name: &str, return_to: &str) -> StartedConnection {
    let key = key(name);
    let begin = BeginConnection {
        return_to: Some(return_to),
        ..BeginConnection::new(&key)
    };
    run(app.zalt.connections().begin(&request(), begin)).unwrap()
}

fn answer(back: &Back) -> ConnectionAnswer<'_> {
    ConnectionAnswer {
        state: Some(&back.state),
        code: Some(&back.code),
        ..ConnectionAnswer::default()
    }
}

fn come_back(
    app: &App,
    name: &str,
    token: &AttemptToken,
    back: &Back,
) -> Result<ConnectionReturn, Error> {
    let (connections, answer) = (app.zalt.connections(), answer(back));
    run(connections.callback(&request(), &key(name), Some(token), None, answer))
}

/// To a provider and back.
fn through(
    app: &App,
    provider: &Provider,
    name: &str,
    identity: &ProviderIdentity,
) -> Result<(ConnectionProgress, AttemptToken), Error> {
    let started = begin(app, name);
    let back = provider.consent(&started.url, identity);
    let returned = come_back(app, name, &started.token, &back)?;
    Ok((returned.progress, started.token))
}

fn signed_up(app: &App, provider: &Provider, name: &str, identity: &ProviderIdentity) -> SignedIn {
    match through(app, provider, name, identity).unwrap().0 {
        ConnectionProgress::SignedUp(signed_in) => signed_in,
        other => panic!("{other:?}"),
    }
}

fn signed_in(app: &App, provider: &Provider, name: &str, identity: &ProviderIdentity) -> SignedIn {
    match through(app, provider, name, identity).unwrap().0 {
        ConnectionProgress::SignIn(SignInProgress::Complete(signed_in)) => signed_in,
        other => panic!("{other:?}"),
    }
}

/// The way of a signed-in user to a provider and back, to link what is there.
fn link(
    app: &App,
    provider: &Provider,
    who: &Authenticated,
    identity: &ProviderIdentity,
) -> Result<zalt_core::credential::Credential, Error> {
    let key = key("google");
    let connections = app.zalt.connections();
    let started = run(connections.begin_link(&request(), who, BeginConnection::new(&key)))?;
    let back = provider.consent(&started.url, identity);
    let (token, answer) = (Some(&started.token), answer(&back));
    let returned = run(connections.callback(&request(), &key, token, Some(who), answer))?;
    match returned.progress {
        ConnectionProgress::Linked(credential) => Ok(credential),
        other => panic!("{other:?}"),
    }
}

/// A user with an authenticator app, and a session of both factors.
fn strong_owner(app: &App) -> (crate::second_factors::Owner, Authenticated) {
    let owner = crate::second_factors::owner(app);
    let sign_ins = app.zalt.sign_ins();
    let context = request();
    let first = sign_ins.with_password(&context, ADA, password(PASSWORD), Transport::Cookie);
    let SignInProgress::NeedsSecondFactor(pending) = run(first).unwrap() else {
        panic!("no second factor");
    };
    let proof = SecondFactorProof::Totp(owner.secret.code_at(app.zalt.now()));
    let token = pending.token.unwrap();
    let done = run(sign_ins.attempt_second_factor(&context, &token, &proof));
    let signed_in = done.and_then(SignInProgress::into_session).unwrap();
    (owner, app.authenticated(&signed_in))
}

fn account(app: &App, signed_in: &SignedIn) -> Account {
    run(app.zalt.users().find_account(signed_in.user.id)).unwrap()
}

fn linked(app: &App, signed_in: &SignedIn) -> usize {
    account(app, signed_in).external_accounts().count()
}

/// Why people were refused, the latest first.
fn failures(app: &App) -> Vec<ConnectionFailure> {
    let filter = EventFilter {
        user_id: None,
        kind: Some("sign_in.connection_failed".to_owned()),
    };
    let page = PageRequest {
        after: None,
        limit: PageLimit::MAX,
    };
    let events = run(app.zalt.store().events(&filter, page)).unwrap();
    let kinds = events.data.into_iter().map(|event| event.kind);
    kinds
        .filter_map(|kind| match kind {
            EventKind::ConnectionFailed { reason, .. } => Some(reason),
            _ => None,
        })
        .collect()
}
