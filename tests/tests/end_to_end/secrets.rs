//! Secrets are nowhere but where they belong: not in the log, not in the database, not in the wrong mail.

use std::fmt::Write;
use std::fs;

use serde_json::json;

use crate::support::{Client, NEW_PASSWORD, PASSWORD, Setup, Stage};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn passwords_codes_and_tokens_reach_neither_log_nor_disk() {
    let stage = Stage::with(Setup::default().env("ZALT_LOG_FILTER", "debug")).await;
    let mut planted = vec![PASSWORD.to_owned(), NEW_PASSWORD.to_owned()];
    for client in [stage.browser(), stage.app()] {
        live(&stage, &client, &mut planted).await;
    }
    // Pages log too, and a link carries its secret in the address.
    let page = stage
        .browser()
        .get("/password/link?token=zlt_planted-in-the-address")
        .await;
    assert!(page.status < 500, "{}", page.text);
    planted.push("zlt_planted-in-the-address".to_owned());

    let folder = stage.place.data().clone();
    let key = fs::read_to_string(folder.join("encryption.key")).unwrap();
    let mut pieces = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("encryption.key") {
            pieces.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    planted.push(key.trim().to_owned());
    if let Some(dump) = stage.place.kept().dump().await {
        pieces.push(("the database".to_owned(), dump.into_bytes()));
        // Columns of bytes are dumped so.
        let hexadecimal: Vec<String> = planted.iter().map(|secret| hexadecimal(secret)).collect();
        planted.extend(hexadecimal);
    }
    let ended = stage.server.stop().await;
    ended.well();
    pieces.push(("the log".to_owned(), ended.said.into_bytes()));
    for (place, bytes) in &pieces {
        for secret in &planted {
            assert!(!holds(bytes, secret), "{secret} is in {place}");
        }
    }
    // The search itself finds what is there.
    assert!(pieces.iter().any(|(_, bytes)| holds(bytes, ADA)));
}

/// A sign-up, a wrong password, a sign-in by link and a new password, and every secret of it.
async fn live(stage: &Stage, client: &Client, planted: &mut Vec<String>) {
    let email = format!("{}{ADA}", planted.len());
    let attempt = client.begin_sign_up(&email, PASSWORD).await;
    planted.extend(client.secrets());
    let code = stage.mailbox.code(&email).await;
    let verify = format!("{attempt}/attempt-verification");
    client
        .post(&verify, json!({ "code": code }))
        .await
        .expect(200);
    planted.extend(client.secrets());

    let wrong = "a wrong password that was planted";
    client.sign_in(&email, wrong).await.expect(422);
    planted.push(wrong.to_owned());

    let attempt = client.begin_sign_in(&email).await;
    let prepare = format!("{attempt}/prepare-first-factor");
    client
        .post(&prepare, json!({ "strategy": "email_link" }))
        .await
        .expect(200);
    let token = stage.mailbox.link_token(&email).await;
    planted.push(token.clone());
    let factor = format!("{attempt}/attempt-first-factor");
    let proof = json!({ "strategy": "email_link", "token": token });
    client.post(&factor, proof).await.expect(200);
    planted.extend(client.secrets());

    let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    client
        .post("/v1/client/me/password", change)
        .await
        .expect(204);
    for letter in stage.mailbox.letters() {
        assert!(!letter.text.contains(PASSWORD) && !letter.text.contains(NEW_PASSWORD));
    }
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
