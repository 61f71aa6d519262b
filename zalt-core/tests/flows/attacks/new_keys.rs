//! A new encryption key is put in front of the old one: what was made under the old one has to go on.

use zalt_core::Error;
use zalt_core::attempt::Proof;
use zalt_core::secret::EncryptionKeys;
use zalt_core::session::Transport;
use zalt_core::{SystemRng, Zalt};

use crate::faults::FaultyStore;
use crate::support::*;

fn key() -> String {
    EncryptionKeys::generate(&SystemRng).unwrap().to_string()
}

fn keys(text: &str) -> EncryptionKeys {
    EncryptionKeys::parse(text).unwrap()
}

#[test]
fn what_an_older_key_made_is_good_beside_the_new_one_and_not_without_it() {
    let (store, old, new) = (FaultyStore::default(), key(), key());
    let before = App::over(store.clone(), &keys(&old), |_| {});
    let (access, refresh) = bearer(&before.sign_up_by("ada@example.com", Transport::Bearer));
    let started = run(before
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("eve@example.com")))
    .unwrap();

    let after = App::over(store.clone(), &keys(&format!("{new},{old}")), |_| {});
    run(after.zalt.access_tokens().verify(&access)).unwrap();
    let next = bearer(&run(after.zalt.sessions().refresh(&request(), &refresh)).unwrap()).1;
    assert_ne!(next, refresh);
    // The message was sealed, and the code in it hashed, under the old key.
    let proof = Proof::code(&code_and_link(&after.mail_to("eve@example.com")).0);
    run(after
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &started.token, &proof))
    .unwrap();

    // Signing keys are sealed for as long as they live: without the old key nothing starts, and says why.
    let without = Zalt::builder(store, keys(&new), "https://auth.example.com")
        .mailer(Outbox::default())
        .build();
    assert!(matches!(
        run(without),
        Err(zalt_core::BuildError::SigningKeys(_))
    ));
}

#[test]
fn replicas_with_the_keys_in_another_order_agree_on_a_refresh_token() {
    let (store, old, new) = (FaultyStore::default(), key(), key());
    let before = App::over(store.clone(), &keys(&format!("{old},{new}")), |_| {});
    let after = App::over(store, &keys(&format!("{new},{old}")), |_| {});
    let (_, first) = bearer(&before.sign_up_by("ada@example.com", Transport::Bearer));
    let here = bearer(&run(before.zalt.sessions().refresh(&request(), &first)).unwrap()).1;
    // The reply was lost; the other replica gives its own spelling of the one successor.
    let there = bearer(&run(after.zalt.sessions().refresh(&request(), &first)).unwrap()).1;
    assert_ne!(here, there);
    run(after.zalt.sessions().refresh(&request(), &here)).unwrap();
    before.clock.advance(MINUTE);
    after.clock.advance(MINUTE);
    // Two spellings are one generation, so no second branch lives.
    assert!(matches!(
        run(before.zalt.sessions().refresh(&request(), &there)),
        Err(Error::RefreshTokenInvalid)
    ));
}
