//! What no client of good will sends.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use crate::support::{Client, PASSWORD, Reply, Stage};

const SIGN_INS: &str = "/v1/client/sign-ins";

#[tokio::test]
async fn bodies_that_can_t_be_read() {
    let stage = Stage::set().await;
    let client = stage.browser();
    let huge = format!("{{\"identifier\":\"{}\"}}", "a".repeat(100_000));
    let deep = format!(
        "{{\"identifier\":{}{}}}",
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    let cases: &[(&[u8], u16, &str)] = &[
        (b"", 400, "malformed_body"),
        (b"{", 400, "malformed_body"),
        (b"null", 400, "malformed_body"),
        (b"[]", 400, "malformed_body"),
        (
            b"{\"identifier\":\"a@example.com\"} trailing",
            400,
            "malformed_body",
        ),
        (b"{\"identifier\":\"\xff\xfe\"}", 400, "malformed_body"),
        (b"{\"identifier\":\"\\ud800\"}", 400, "malformed_body"),
        (
            b"\xef\xbb\xbf{\"identifier\":\"a@example.com\"}",
            400,
            "malformed_body",
        ),
        (deep.as_bytes(), 422, "invalid_field"),
        (huge.as_bytes(), 413, "body_too_large"),
        (b"{}", 422, "missing_field"),
        (
            b"{\"identifier\":\"a@example.com\",\"admin\":true}",
            422,
            "unknown_field",
        ),
        (b"{\"identifier\":\"\"}", 422, "invalid_field"),
    ];
    for &(body, status, code) in cases {
        let reply = post_bytes(&client, SIGN_INS, "application/json", body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
        eprintln!("{shown} gets {}", reply.status);
        reply.problem(status, code);
    }
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ] {
        let reply = post_bytes(
            &client,
            SIGN_INS,
            media_type,
            b"{\"identifier\":\"a@example.com\"}",
        )
        .await;
        reply.problem(415, "unsupported_media_type");
    }
    let with_charset = post_bytes(
        &client,
        SIGN_INS,
        "Application/JSON; charset=utf-8",
        b"{\"identifier\":\"a@example.com\"}",
    );
    with_charset.await.expect(201);
    still_serves(&stage).await;
    stage.server.stop().await.well();
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let stage = Stage::set().await;
    let client = stage.browser();
    client
        .get("/v1/client/nothing")
        .await
        .problem(404, "not_found");
    client.get("//v1/client/me").await.expect_client_error();
    client
        .get("/v1/client/%2e%2e/client/me")
        .await
        .expect_client_error();
    client
        .get("/v1/client/sessions?limit=0")
        .await
        .expect_client_error();
    client
        .delete("/v1/client/sessions/%00")
        .await
        .expect_client_error();
    let wrong = client.get("/v1/client/sign-out").await;
    wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.headers["allow"], "POST");
    let traced = client
        .send(client.request(Method::TRACE, "/v1/client/me"))
        .await;
    traced.unwrap().expect_client_error();
    stage.server.stop().await.well();
}

#[tokio::test]
async fn cookies_that_were_tampered_with() {
    let stage = Stage::set().await;
    let client = stage.browser();
    client.sign_up(&stage.mailbox, "ada@example.com").await;
    let good = client.cookie("zalt_session").unwrap();
    let flipped = flip_last(&good);
    let long = "a".repeat(5_000);
    for bad in [
        "",
        "x",
        "%00",
        "\"",
        &flipped,
        &good[..good.len() - 1],
        &long,
    ] {
        let twin = client.twin();
        twin.set_cookie("zalt_session", bad);
        let reply = twin.get("/v1/client/me").await;
        assert_eq!(reply.status, 401, "{bad:.40}: {}", reply.text);
    }
    // Somebody else's cookie before ours, as a neighbouring host might set it.
    let request = stage
        .browser()
        .request(Method::GET, "/v1/client/me")
        .header(
            "cookie",
            format!("zalt_session={flipped}; zalt_session={good}"),
        );
    let twice = client.twin().send(request).await.unwrap();
    assert_eq!(twice.status, 401, "{}", twice.text);
    client.get("/v1/client/me").await.expect(200);
    stage.server.stop().await.well();
}

#[tokio::test]
async fn tokens_that_were_tampered_with() {
    let stage = Stage::set().await;
    let app = stage.app();
    app.sign_up(&stage.mailbox, "ada@example.com").await;
    let good = app.access_token();
    let parts: Vec<&str> = good.split('.').collect();
    // {"alg":"none"}, and the header of the good token.
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
    let cut = format!("{}.{}.", parts[0], parts[1]);
    let flipped = flip_last(&good);
    let refresh = app.refresh_token();
    for bad in ["", "x", "a.b.c", &unsigned, &cut, &flipped, &refresh] {
        let request = stage
            .browser()
            .request(Method::GET, "/v1/client/me")
            .header(AUTHORIZATION, format!("Bearer {bad}"));
        let reply = app.twin().send(request).await.unwrap();
        assert_eq!(reply.status, 401, "{bad:.40}: {}", reply.text);
    }
    for bad in ["", "zrt_nonsense", &flip_last(&refresh), &good] {
        let reply = crate::refresh::refresh(&app.twin(), bad).await;
        reply.problem(401, "refresh_token_invalid");
    }
    app.get("/v1/client/me").await.expect(200);
    stage.server.stop().await.well();
}

#[tokio::test]
async fn requests_from_other_sites() {
    let stage = Stage::set().await;
    let client = stage.browser();
    client.sign_up(&stage.mailbox, "ada@example.com").await;
    let same = stage.server.origin();
    for (origin, site, allowed) in [
        (Some(same), Some("same-origin"), true),
        (None, Some("same-origin"), true),
        (Some("https://evil.example"), None, false),
        (Some("https://evil.example"), Some("same-origin"), false),
        (Some("null"), None, false),
        (Some("http://localhost:1"), Some("same-site"), false),
        (Some("http://localhost.evil.example"), None, false),
        (None, Some("cross-site"), false),
        (None, Some("same-site"), false),
    ] {
        let twin = client.twin();
        let mut request = twin.request(Method::PATCH, "/v1/client/me");
        for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let reply = twin
            .send(request.json(&json!({ "first_name": "Ada" })))
            .await
            .unwrap();
        if allowed {
            reply.expect(200);
        } else {
            reply.problem(403, "cross_origin");
        }
        let readable = reply.headers.get("access-control-allow-origin");
        assert!(readable.is_none(), "{origin:?}: {readable:?}");
    }
    stage.server.stop().await.well();
}

/// Lengths that are no mistake of a person.
#[tokio::test]
async fn values_that_are_too_long() {
    let stage = Stage::set().await;
    let client = stage.browser();
    let long = "x".repeat(2_000);
    client
        .sign_in("ada@example.com", &long)
        .await
        .expect_client_error();
    client
        .sign_in(&format!("{long}@example.com"), PASSWORD)
        .await
        .expect_client_error();
    let body = json!({ "email_address": "ada@example.com", "password": long });
    client
        .post("/v1/client/sign-ups", body)
        .await
        .expect_client_error();
    let request = client
        .request(Method::GET, "/v1/client/me")
        .header("x-padding", "x".repeat(1_000_000));
    // Answered or cut off, as long as nothing else suffers.
    if let Ok(reply) = client.send(request).await {
        reply.expect_client_error();
    }
    still_serves(&stage).await;
    stage.server.stop().await.well();
}

impl Reply {
    #[track_caller]
    fn expect_client_error(&self) {
        assert!(
            (400..500).contains(&self.status),
            "{}: {}",
            self.status,
            self.text
        );
    }
}

async fn post_bytes(client: &Client, path: &str, media_type: &str, body: &[u8]) -> Reply {
    let mut request = client.request(Method::POST, path).body(body.to_vec());
    if !media_type.is_empty() {
        request = request.header(CONTENT_TYPE, media_type);
    }
    client.send(request).await.unwrap()
}

async fn still_serves(stage: &Stage) {
    stage.browser().get("/readyz").await.expect(200);
    stage.browser().begin_sign_in("ada@example.com").await;
}

/// The same text with another last letter. In base64 the last one may have spare bits, so the one before it changes too.
fn flip_last(text: &str) -> String {
    let (head, tail) = text.split_at(text.len() - 2);
    let other = |letter| if letter == 'A' { 'B' } else { 'A' };
    head.chars().chain(tail.chars().map(other)).collect()
}
