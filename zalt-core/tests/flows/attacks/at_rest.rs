use std::time::Duration;

use zalt_core::budget::Budget;
use zalt_core::config::{AccessTokenSigning, ConfigError};
use zalt_core::jwt::SigningAlgorithm;
use zalt_core::secret::EncryptionKeys;
use zalt_core::session::Transport;
use zalt_core::store::memory::MemoryStore;
use zalt_core::{BuildError, Zalt};

use crate::faults::FaultyStore;
use crate::support::*;

#[test]
fn what_is_sealed_opens_for_its_kind_of_row_only() {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let app = App::over(store, &keys, |_| {});
    run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    let queued = run(app.zalt.store().due_messages(app.zalt.now(), 1)).unwrap();
    let message = &queued[0];
    let opens = |row: &[u8]| keys.open(row, &message.content).is_ok();
    assert!(opens(message.id.to_string().as_bytes()));
    assert!(!opens(message.id.as_bytes()));
    let signing_key = &run(app.zalt.store().signing_keys()).unwrap()[0];
    assert!(
        keys.open(signing_key.kid.as_bytes(), &signing_key.private_key)
            .is_err()
    );
}

#[test]
fn no_secret_of_a_session_or_its_credentials_shows_in_debug() {
    let app = App::new();
    let signed_in = app.sign_up_by("ada@example.com", Transport::Bearer);
    let shown = format!("{signed_in:?} {:?} {:?}", app.zalt, app.worker);
    let seed = signed_in.session.refresh.unwrap().seed;
    let (access, refresh) = bearer(&signed_in);
    assert!(!shown.contains(&format!("{seed:?}")));
    assert!(!shown.contains(&access) && !shown.contains(&refresh));
    let cookies = App::new().sign_up("ada@example.com");
    assert!(!format!("{cookies:?}").contains(&*cookie(&cookies).expose()));
}

#[test]
fn a_sign_up_that_came_to_nothing_leaves_no_hash_behind() {
    let app = App::new();
    let started = run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    app.clock.advance(HOUR + MINUTE);
    run(app.worker.tidy());
    assert_eq!(
        run(app.zalt.store().attempt(started.attempt.id)).unwrap(),
        None
    );
}

#[test]
fn replicas_that_disagree_on_the_algorithm_make_no_keys_without_end() {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let of = |algorithm| {
        App::over(store.clone(), &keys, |config| {
            config.access_tokens.signing = AccessTokenSigning::Rotating(algorithm);
        })
    };
    let (old, new) = (of(SigningAlgorithm::EdDsa), of(SigningAlgorithm::Es256));
    for _ in 0..20 {
        for app in [&old, &new] {
            app.clock.advance(Duration::from_secs(30));
            run(app.worker.tidy());
        }
    }
    let made = run(old.zalt.store().signing_keys()).unwrap();
    assert!(made.len() <= 3, "{} keys", made.len());
    // Once the old ones are gone the new algorithm prevails.
    for _ in 0..3 {
        new.clock.advance(DAY);
        run(new.worker.tidy());
    }
    let made = run(new.zalt.store().signing_keys()).unwrap();
    assert_eq!(made.last().unwrap().alg, "ES256");
}

#[test]
fn a_rate_that_would_never_come_back_is_refused() {
    let build = |network| {
        let keys: EncryptionKeys = fresh_keys();
        let builder = Zalt::builder(MemoryStore::new(), keys, "https://auth.example.com")
            .mailer(Outbox::default())
            .configure(|config| config.budgets.network = network);
        run(builder.build()).map(drop)
    };
    let failures = Budget::Failures {
        free: 10,
        wait: MINUTE,
        longest_wait: HOUR,
        ceiling: 100,
    };
    let none = Budget::Rate {
        tries: 0,
        period: MINUTE,
    };
    for network in [failures, none] {
        assert!(matches!(
            build(network),
            Err(BuildError::Config(ConfigError::RateBudget {
                setting: "budgets.network"
            }))
        ));
    }
}
