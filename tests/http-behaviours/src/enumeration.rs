//! Nobody learns from an answer whether an identifier belongs to somebody. (That the same work is done, and so the same time
//! taken, is core's to prove.)

use http::Method;
use serde_json::{Value, json};

use crate::client::{Adapter, Browser, Reply};
use crate::world::{PASSWORD, World};

/// All of a reply that a stranger sees, without what differs from request to request.
fn seen(reply: &Reply, secrets: &[&str]) -> (u16, Vec<(String, String)>, Value) {
    let mut headers: Vec<_> = reply
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "date"))
        .map(|(name, value)| (name.to_string(), masked(value.to_str().unwrap(), secrets)))
        .collect();
    headers.sort();
    let mut json = reply.json.clone();
    mask(&mut json, secrets);
    (reply.status.as_u16(), headers, json)
}

/// Ids, tokens and the address that was asked about become a star; what is left has to be equal.
fn masked(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret, "*");
    }
    let opaque = |word: &str| word.contains("zat_");
    text.split(';')
        .map(|part| {
            if opaque(part) {
                part.split('=').next().unwrap()
            } else {
                part
            }
        })
        .collect::<Vec<_>>()
        .join(";")
}

fn mask(json: &mut Value, secrets: &[&str]) {
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                if matches!(name.as_str(), "id" | "request_id" | "attempt_token") {
                    *value = Value::Null;
                }
                mask(value, secrets);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, secrets)),
        Value::String(text) => *text = masked(text, secrets),
        _ => {}
    }
}

async fn sign_in(
    browser: &Browser<'_>,
    identifier: &str,
) -> Vec<(u16, Vec<(String, String)>, Value)> {
    let path = "/v1/client/sign-ins";
    let mut replies = Vec::new();
    let begun = browser
        .post(path, json!({ "identifier": identifier }))
        .await;
    let attempt = format!("{path}/{}", begun.text_at("/id"));
    replies.push(begun);
    let body = json!({ "identifier": identifier, "password": "not the password" });
    replies.push(browser.post(path, body).await);
    replies.push(browser.get(&attempt).await);
    for strategy in [
        "email_code",
        "email_link",
        "reset_password_email_code",
        "reset_password_email_link",
    ] {
        let body = json!({ "strategy": strategy });
        replies.push(
            browser
                .post(&format!("{attempt}/prepare-first-factor"), body)
                .await,
        );
    }
    for body in [
        json!({ "strategy": "password", "password": "not the password" }),
        json!({ "strategy": "email_code", "code": "not a code" }),
        json!({ "strategy": "reset_password_email_code", "code": "not a code" }),
        json!({ "strategy": "email_link", "token": "zlt_x" }),
    ] {
        replies.push(
            browser
                .post(&format!("{attempt}/attempt-first-factor"), body)
                .await,
        );
    }
    let body = json!({ "password": PASSWORD });
    replies.push(
        browser
            .post(&format!("{attempt}/reset-password"), body)
            .await,
    );
    // Two codes were wrong; the rest uses the attempt up.
    for _ in 0..4 {
        let body = json!({ "strategy": "email_code", "code": "not a code" });
        replies.push(
            browser
                .post(&format!("{attempt}/attempt-first-factor"), body)
                .await,
        );
    }
    replies.push(browser.get(&attempt).await);
    replies
        .iter()
        .map(|reply| seen(reply, &[identifier]))
        .collect()
}

pub(crate) async fn sign_in_answers_alike_for_known_and_unknown(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let known = sign_in(&world.browser(), "ada@example.com").await;
    let unknown = sign_in(&world.browser(), "eve@example.com").await;
    assert_eq!(known, unknown);
    assert!(known.iter().any(|(status, ..)| *status == 410), "{known:?}");
    // By another name, on a fresh application: what was guessed wrong counts for the account, whatever it is called.
    let world = World::new(adapter).await;
    let ada = world.signed_up("ada@example.com").await;
    let call = ada.call(Method::PUT, "/v1/client/me/username");
    call.json(&json!({ "username": "countess" }))
        .send()
        .await
        .is(200);
    let known = sign_in(&world.browser(), "countess").await;
    let unknown = sign_in(&world.browser(), "baroness").await;
    assert_eq!(known, unknown);
}

async fn sign_up(browser: &Browser<'_>, address: &str) -> Vec<(u16, Vec<(String, String)>, Value)> {
    let path = "/v1/client/sign-ups";
    let mut replies = Vec::new();
    let body = json!({ "email_address": address, "password": PASSWORD });
    let begun = browser.post(path, body).await;
    let attempt = format!("{path}/{}", begun.text_at("/id"));
    replies.push(begun);
    replies.push(browser.get(&attempt).await);
    for strategy in ["email_code", "email_link"] {
        let body = json!({ "strategy": strategy });
        replies.push(
            browser
                .post(&format!("{attempt}/prepare-verification"), body)
                .await,
        );
    }
    for _ in 0..6 {
        let body = json!({ "code": "not a code" });
        replies.push(
            browser
                .post(&format!("{attempt}/attempt-verification"), body)
                .await,
        );
    }
    replies
        .iter()
        .map(|reply| seen(reply, &[address]))
        .collect()
}

pub(crate) async fn sign_up_answers_alike_for_known_and_unknown(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let known = sign_up(&world.browser(), "ada@example.com").await;
    let unknown = sign_up(&world.browser(), "eve@example.com").await;
    assert_eq!(known, unknown);
    assert!(known.iter().any(|(status, ..)| *status == 410), "{known:?}");
}
