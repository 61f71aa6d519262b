//! Checking an access token against one bare signature check with the same parsed key.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zalt_core::RequestContext;
use zalt_core::attempt::SignInProgress;
use zalt_core::session::{SessionCredentials, Transport};

use super::report::Report;
use crate::app::{App, address, password};

const CHECKS: u32 = 4_000;
const ROUNDS: usize = 9;

pub(crate) async fn measure(report: &mut Report) {
    let app = App::new(false).await;
    app.users(1).await;
    let signed_in = app
        .zalt
        .sign_ins()
        .with_password(
            &RequestContext::internal(),
            &address(0),
            password(),
            Transport::Bearer,
        )
        .await
        .and_then(SignInProgress::into_session)
        .unwrap();
    let SessionCredentials::Bearer { access_token, .. } = signed_in.credentials else {
        unreachable!("bearer tokens were asked for")
    };
    let (signed, signature) = access_token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = app.zalt.access_tokens().key_set().keys()[0]
        .verifying_key()
        .unwrap();

    let (mut bare, mut checked) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(timed(|| {
            assert!(key.verifies(signed.as_bytes(), &signature));
        }));
        checked.push(timed(|| {
            app.zalt
                .access_tokens()
                .verify_with_known_keys(&access_token)
                .unwrap();
        }));
    }
    bare.sort_unstable();
    checked.sort_unstable();
    let (bare, checked) = (bare[ROUNDS / 2], checked[ROUNDS / 2]);
    let ratio = checked.as_secs_f64() / bare.as_secs_f64();
    report.add(
        "access-token check",
        format!("{:.1} µs, {ratio:.2} ×", micros(checked)),
        format!("one Ed25519 verification, {:.1} µs", micros(bare)),
        "≤ 1.3 ×",
        ratio <= 1.3,
    );
}

fn timed(check: impl Fn()) -> Duration {
    let begun = Instant::now();
    for _ in 0..CHECKS {
        check();
    }
    begun.elapsed() / CHECKS
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
