use std::sync::Arc;

use zalt_core::config::AccessTokenSigning;
use zalt_core::jwt::{JwtError, SigningAlgorithm};
use zalt_core::session::Transport;

use crate::support::*;

#[test]
fn keys_rotate_on_schedule_and_old_tokens_verify_until_they_end() {
    for algorithm in [SigningAlgorithm::EdDsa, SigningAlgorithm::Es256] {
        let app = App::with(|config| {
            config.access_tokens.signing = AccessTokenSigning::Rotating(algorithm);
            config.access_tokens.rotation = 10 * DAY;
            config.sessions.lifetime = 300 * DAY;
            config.sessions.idle_timeout = 300 * DAY;
        });
        let tokens = app.zalt.access_tokens();
        let signed_in = app.sign_up_by("ada@example.com", Transport::Bearer);
        assert_eq!(tokens.key_set().keys().len(), 1);
        // Published a day before it signs.
        app.clock.advance(9 * DAY);
        run(app.worker.tidy());
        assert_eq!(tokens.key_set().keys().len(), 2);
        app.clock.advance(DAY.checked_sub(MINUTE).unwrap());
        let old = tokens.issue(&signed_in.session).unwrap().0;
        app.clock.advance(MINUTE);
        let new = tokens.issue(&signed_in.session).unwrap().0;
        assert_ne!(kid(&old), kid(&new));
        run(app.worker.tidy());
        assert!(run(tokens.verify(&old)).is_ok());
        assert!(run(tokens.verify(&new)).is_ok());
        app.clock.advance(HOUR);
        run(app.worker.tidy());
        assert_eq!(tokens.key_set().keys().len(), 1);
        assert!(matches!(
            run(tokens.verify(&old)),
            Err(JwtError::UnknownKid)
        ));
    }
}

#[test]
fn the_first_key_signs_where_the_clock_was_set_back_before_it() {
    let app = App::new();
    app.clock.set_back(DAY);
    run(app.worker.tidy());
    let signed_in = app.sign_up_by("ada@example.com", Transport::Bearer);
    let tokens = app.zalt.access_tokens();
    let token = tokens.issue(&signed_in.session).unwrap().0;
    assert!(run(tokens.verify(&token)).is_ok());
}

#[test]
fn a_shared_secret_signs_and_publishes_nothing() {
    let app = App::with(|config| {
        config.access_tokens.signing = AccessTokenSigning::SharedSecret(vec![7; 32].into());
    });
    let signed_in = app.sign_up_by("ada@example.com", Transport::Bearer);
    let (access, _) = bearer(&signed_in);
    assert!(run(app.zalt.access_tokens().verify(&access)).is_ok());
    assert!(app.zalt.access_tokens().key_set().keys().is_empty());
}

#[test]
fn a_token_of_another_application_is_refused() {
    let (one, other) = (App::new(), App::new());
    let (access, _) = bearer(&one.sign_up_by("ada@example.com", Transport::Bearer));
    assert!(matches!(
        run(other.zalt.access_tokens().verify(&access)),
        Err(JwtError::UnknownKid)
    ));
}

#[test]
fn an_application_is_shared_by_reference_and_by_clone() {
    let app = App::new();
    let shared: Arc<zalt_core::Zalt> = Arc::new(app.zalt.clone());
    std::thread::spawn(move || shared.now()).join().unwrap();
}

fn kid(token: &str) -> String {
    use base64::Engine;
    let header = token.split('.').next().unwrap();
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(header)
        .unwrap();
    serde_json::from_slice::<serde_json::Value>(&json)
        .unwrap()
        .get("kid")
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}
