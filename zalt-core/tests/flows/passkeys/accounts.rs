use zalt_core::config::{SecondFactor, SecondFactorPolicy};
use zalt_core::message::Notice;
use zalt_core::user::Name;

use super::*;
use crate::faults::FaultyStore;

#[test]
fn the_first_passkey_brings_recovery_codes_and_ends_other_sessions() {
    let app = App::new();
    let other = app.sign_up(ADA);
    let signed_in = app.sign_in(ADA);
    let mut key = authenticator();
    key.manner.aaguid = 0xfbfc_3007_154e_4ecc_8c0b_6e02_0557_d7bd_u128.to_be_bytes();
    key.manner.backup_eligible = true;
    key.manner.backed_up = true;
    let (credential, codes) = register(&app, &signed_in, &mut key).unwrap();
    assert_eq!(codes.unwrap().codes.len(), 10);
    let CredentialState::Passkey(passkey) = &credential.state else {
        panic!("{credential:?}");
    };
    assert_eq!(passkey.authenticator(), Some("Apple Passwords"));
    assert!(passkey.backup_eligible && passkey.backed_up && passkey.user_verified);
    assert_eq!(passkey.transports, ["internal", "hybrid"]);
    assert_eq!(passkey.attestation_format, "none");
    assert!(matches!(
        app.mail_to(ADA),
        Notice::SecondFactorAdded {
            factor: Some(SecondFactor::Passkey)
        }
    ));
    let over = run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&other).expose()));
    assert!(matches!(over, Err(Error::SessionOver)));
    // A further one brings nothing and ends nothing, and asks for the first.
    let mut second = authenticator();
    let refused = register(&app, &signed_in, &mut second);
    assert!(matches!(
        refused,
        Err(Error::ReauthenticationRequired { .. })
    ));
    let signed_in = sign_in(&app, &mut key).unwrap();
    let (_, codes) = register(&app, &signed_in, &mut second).unwrap();
    assert!(codes.is_none());
    let events = app.events(signed_in.user.id);
    assert_eq!(events[0], "credential.added");
    // What it says of its backup is kept up to date.
    key.manner.backed_up = false;
    let signed_in = sign_in(&app, &mut key).unwrap();
    let account = run(app.zalt.users().find_account(signed_in.user.id)).unwrap();
    let backed_up: Vec<_> = account
        .passkeys()
        .map(|(_, passkey)| passkey.backed_up)
        .collect();
    assert_eq!(backed_up, [false, false]);
}

#[test]
fn a_passkey_is_renamed_and_removed_by_its_owner_only() {
    let app = App::new();
    let mut ada = owner(&app, ADA);
    let mut ben = owner(&app, BEN);
    let of_ada = check(&app, &sign_in(&app, &mut ada.authenticator).unwrap());
    let of_ben = check(&app, &sign_in(&app, &mut ben.authenticator).unwrap());
    let credentials = app.zalt.credentials();
    let name = Name::parse("Laptop").unwrap();
    let id = ada.credential.id;
    let foreign = run(credentials.rename(&request(), &of_ben, id, Some(name.clone())));
    assert!(matches!(foreign, Err(Error::NotFound)));
    let renamed = run(credentials.rename(&request(), &of_ada, id, Some(name.clone()))).unwrap();
    assert_eq!(kept(&app, &ada).0, renamed);
    assert_eq!(renamed.name, Some(name));
    let foreign = run(credentials.remove(&request(), &of_ben, id));
    assert!(matches!(foreign, Err(Error::NotFound)));
    run(credentials.remove(&request(), &of_ada, id)).unwrap();
    let account = run(app.zalt.users().find_account(of_ada.user().id)).unwrap();
    assert_eq!(account.credentials, [], "the recovery codes go too");
    assert!(matches!(
        app.mail_to(ADA),
        Notice::SecondFactorRemoved {
            factor: Some(SecondFactor::Passkey)
        }
    ));
    app.sign_in(ADA);
}

#[test]
fn a_change_of_passkeys_needs_one_proved_freshly() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let who = check(&app, &sign_in(&app, &mut owner.authenticator).unwrap());
    app.clock.advance(11 * MINUTE);
    let credentials = app.zalt.credentials();
    let id = owner.credential.id;
    let refusals = [
        run(credentials.begin_passkey(&request(), &who)).map(drop),
        run(credentials.rename(&request(), &who, id, None)).map(drop),
        run(credentials.remove(&request(), &who, id)),
    ];
    for refused in refusals {
        assert!(matches!(
            refused,
            Err(Error::ReauthenticationRequired { .. })
        ));
    }
}

#[test]
fn the_last_second_factor_stays_where_one_is_required() {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let mut owner = owner(&App::over(store.clone(), &keys, |_| {}), ADA);
    let app = App::over(store, &keys, |config| {
        config.second_factors.policy = SecondFactorPolicy::Required;
    });
    let signed_in = sign_in(&app, &mut owner.authenticator).unwrap();
    let who = check(&app, &signed_in);
    let credentials = app.zalt.credentials();
    let refused = run(credentials.remove(&request(), &who, owner.credential.id));
    assert!(matches!(refused, Err(Error::LastSecondFactor)));
    register(&app, &signed_in, &mut authenticator()).unwrap();
    run(credentials.remove(&request(), &who, owner.credential.id)).unwrap();
}

#[test]
fn the_last_way_in_stays() {
    let app = with(|config| {
        config.first_factors.email_code = false;
        config.first_factors.email_link = false;
        config.sign_up.password_required = false;
    });
    let mut owner = owner(&app, ADA);
    let id = owner.signed_in.user.id;
    let account = run(app.zalt.users().find_account(id)).unwrap();
    assert!(account.password.is_some(), "a password leads in too");
    let signed_in = sign_in(&app, &mut owner.authenticator).unwrap();
    let who = check(&app, &signed_in);
    let credentials = app.zalt.credentials();
    run(credentials.remove(&request(), &who, owner.credential.id)).unwrap();

    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let app = App::over(store.clone(), &keys, |config| {
        config.first_factors.password = false;
    });
    // Where a mailed code leads in, too.
    let without_password = zalt_core::attempt::NewSignUp {
        password: None,
        ..new_sign_up(BEN)
    };
    let sign_ups = app.zalt.sign_ups();
    let started = run(sign_ups.create(&request(), without_password)).unwrap();
    let (code, _) = code_and_link(&app.mail_to(BEN));
    let code = zalt_core::attempt::Proof::code(&code);
    let progress = run(sign_ups.attempt_proof(&request(), &started.token, &code)).unwrap();
    let signed_in = progress.into_session().unwrap();
    let mut key = authenticator();
    let (credential, _) = register(&app, &signed_in, &mut key).unwrap();
    let strict = App::over(store, &keys, |config| {
        // Nobody could come back who signs up by mail.
        config.sign_up.open = false;
        config.first_factors.password = false;
        config.first_factors.email_code = false;
        config.first_factors.email_link = false;
    });
    let signed_in = sign_in(&strict, &mut key).unwrap();
    let who = check(&strict, &signed_in);
    let credentials = strict.zalt.credentials();
    let refused = run(credentials.remove(&request(), &who, credential.id));
    assert!(matches!(refused, Err(Error::LastWayIn)));
    let mut second = authenticator();
    register(&strict, &signed_in, &mut second).unwrap();
    run(credentials.remove(&request(), &who, credential.id)).unwrap();
}

#[test]
fn an_account_has_so_many_credentials_and_no_more() {
    let app = App::new();
    let mut owner = owner(&app, ADA);
    let signed_in = sign_in(&app, &mut owner.authenticator).unwrap();
    for _ in 0..18 {
        register(&app, &signed_in, &mut authenticator()).unwrap();
    }
    let refused = register(&app, &signed_in, &mut authenticator());
    assert!(matches!(refused, Err(Error::TooManyCredentials)));
}
