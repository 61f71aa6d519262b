//! No secret reaches a log, at whatever level.

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::json;

use crate::support::{ADA, Application, PASSWORD, json_of};

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Capture;

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Captures everything that this process logs from now on.
pub(crate) fn captured() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(|| Capture)
            .init();
    });
}

#[test]
fn no_secret_is_logged() {
    captured();
    let application = Application::at("https://auth.example.com");
    let done = application.sign_up("bearer");
    let tokens = json_of(&done);
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let mut secrets = vec![
        PASSWORD.to_owned(),
        text("access_token"),
        text("refresh_token"),
    ];
    let body = json!({ "identifier": ADA, "password": PASSWORD });
    let cookie = application.post("/v1/client/sign-ins", &[], &body);
    let cookie = cookie.headers()["set-cookie"].to_str().unwrap().to_owned();
    let token = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    let cookie = format!("__Host-zalt_session={token}");
    secrets.push(token);

    let begin = json!({ "identifier": ADA, "transport": "bearer" });
    let begun = json_of(&application.post("/v1/client/sign-ins", &[], &begin));
    let attempt = begun["attempt_token"].as_str().unwrap();
    let path = format!("/v1/client/sign-ins/{}", begun["id"].as_str().unwrap());
    let header = [("zalt-attempt", attempt)];
    let body = json!({ "strategy": "reset_password_email_link" });
    application.post(&format!("{path}/prepare-first-factor"), &header, &body);
    let link = application.proof().1.unwrap();
    // Each secret where it belongs, where it does not, and broken.
    let planted = "planted-wrong-password-7391";
    for body in [
        json!({ "strategy": "password", "password": planted }),
        json!({ "strategy": "email_link", "token": link }),
        json!({ "strategy": planted, "password": planted }),
        json!({ "strategy": "email_code", "code": planted }),
        json!({ planted: planted }),
    ] {
        application.post(&format!("{path}/attempt-first-factor"), &header, &body);
    }
    let refresh = json!({ "refresh_token": format!("{}{planted}", text("refresh_token")) });
    application.post("/v1/client/tokens/refresh", &[], &refresh);
    application.post(
        "/v1/client/sign-out",
        &[("authorization", planted)],
        &json!({}),
    );
    application.post(
        "/v1/client/tokens",
        &[("cookie", &format!("{cookie}{planted}"))],
        &json!({}),
    );
    application.post("/v1/client/tokens", &[("cookie", &cookie)], &json!({}));
    secrets.extend([attempt.to_owned(), link, planted.to_owned()]);

    tracing::error!("the log is on");
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("the log is on"));
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} was logged");
        // A JWT's parts and the random part of a token neither.
        for part in secret.split(['.', '_']).filter(|part| part.len() > 20) {
            assert!(!log.contains(part), "a part of {secret} was logged");
        }
    }
}
