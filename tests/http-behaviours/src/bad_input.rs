//! What is not a request that an endpoint can answer.

use http::Method;
use serde_json::json;
use zalt_http::HttpConfig;

use crate::client::Adapter;
use crate::world::{PASSWORD, World};

const SIGN_INS: &str = "/v1/client/sign-ins";

#[expect(clippy::too_many_lines, reason = "one table")]
pub(crate) async fn each_fault_has_its_status_and_code(adapter: &dyn Adapter) {
    const JSON: &str = "application/json";
    let world = World::new(adapter).await;
    let good = json!({ "identifier": "ada@example.com" }).to_string();
    let huge = format!("{{\"identifier\":\"{}\"}}", "a".repeat(64 * 1024));
    let deep = format!(
        "{{\"identifier\":{}{}}}",
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    let deep_metadata = format!(
        "{{\"email_address\":\"ada@example.com\",\"unsafe_metadata\":{}{}}}",
        "{\"a\":".repeat(500),
        "1".to_owned() + &"}".repeat(500)
    );
    for (path, content_type, body, status, code) in [
        (SIGN_INS, JSON, good.clone().into_bytes(), 201, ""),
        (
            SIGN_INS,
            "application/json; charset=utf-8",
            good.clone().into_bytes(),
            201,
            "",
        ),
        (
            SIGN_INS,
            "text/plain",
            good.clone().into_bytes(),
            415,
            "unsupported_media_type",
        ),
        (
            SIGN_INS,
            "application/json; charset=utf-16",
            good.clone().into_bytes(),
            415,
            "unsupported_media_type",
        ),
        (
            SIGN_INS,
            "application/x-www-form-urlencoded",
            b"identifier=ada".to_vec(),
            415,
            "unsupported_media_type",
        ),
        (SIGN_INS, JSON, Vec::new(), 400, "malformed_body"),
        (
            SIGN_INS,
            JSON,
            b"{\"identifier\":".to_vec(),
            400,
            "malformed_body",
        ),
        (
            SIGN_INS,
            JSON,
            b"{\"identifier\":\"\xff\xfe\"}".to_vec(),
            400,
            "malformed_body",
        ),
        (
            SIGN_INS,
            JSON,
            b"{\"identifier\":\"\\ud800\"}".to_vec(),
            400,
            "malformed_body",
        ),
        (
            SIGN_INS,
            JSON,
            b"[\"ada@example.com\"]".to_vec(),
            400,
            "malformed_body",
        ),
        (SIGN_INS, JSON, b"null".to_vec(), 400, "malformed_body"),
        (
            SIGN_INS,
            JSON,
            format!("{good}{good}").into_bytes(),
            400,
            "malformed_body",
        ),
        (
            SIGN_INS,
            JSON,
            b"{\"identifier\":\"a\",\"identifier\":\"b\"}".to_vec(),
            400,
            "malformed_body",
        ),
        (SIGN_INS, JSON, b"{}".to_vec(), 422, "missing_field"),
        (
            SIGN_INS,
            JSON,
            b"{\"identifier\":null}".to_vec(),
            422,
            "invalid_field",
        ),
        (
            SIGN_INS,
            JSON,
            b"{\"identifier\":{}}".to_vec(),
            422,
            "invalid_field",
        ),
        (
            SIGN_INS,
            JSON,
            b"{\"identifier\":\"ada\",\"admin\":true}".to_vec(),
            422,
            "unknown_field",
        ),
        (
            SIGN_INS,
            JSON,
            b"{\"identifier\":\"\\u0000\"}".to_vec(),
            422,
            "invalid_field",
        ),
        (SIGN_INS, JSON, deep.into_bytes(), 422, "invalid_field"),
        (SIGN_INS, JSON, huge.into_bytes(), 413, "body_too_large"),
        (
            "/v1/client/sign-ups",
            JSON,
            deep_metadata.into_bytes(),
            400,
            "malformed_body",
        ),
        (
            "/v1/client/sign-out",
            "text/plain",
            b"{}".to_vec(),
            415,
            "unsupported_media_type",
        ),
        (
            "/v1/client/sign-out",
            JSON,
            b"{\"all\":true}".to_vec(),
            422,
            "unknown_field",
        ),
    ] {
        let shown = String::from_utf8_lossy(&body)
            .chars()
            .take(60)
            .collect::<String>();
        let reply = world
            .call(Method::POST, path)
            .body(content_type, body)
            .send()
            .await;
        assert_eq!(reply.status.as_u16(), status, "{shown}: {}", reply.text);
        assert!(
            code.is_empty() || reply.json["code"] == code,
            "{shown}: {}",
            reply.text
        );
    }
    let call = world.call(Method::POST, SIGN_INS).body(JSON, good);
    let zipped = call.header("content-encoding", "gzip").send().await;
    zipped.problem(415, "unsupported_media_type");
    // A value is never echoed: it may be a password in the wrong place.
    let body = json!({ "identifier": { "password": PASSWORD } });
    let reply = world
        .post(SIGN_INS, body)
        .await
        .problem(422, "invalid_field");
    assert!(!reply.text.contains(PASSWORD));

    let mut small = HttpConfig::default();
    small.max_body_bytes = 32;
    let world = World::with(adapter, |_| {}, small).await;
    let body = json!({ "identifier": "somebody@example.com" });
    world
        .post(SIGN_INS, body)
        .await
        .problem(413, "body_too_large");
}

pub(crate) async fn no_spelling_of_a_path_leads_past_a_check(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    for path in [
        "/v1/client//me",
        "/v1/client/./me",
        "/v1/client/../client/me",
        "/v1/client/me/",
        "/v1/client/%6de",
        "/v1/client/me%2f",
        "/v1/client/ME",
        "/v1/client/me;a=b",
        "/v1/client/sessions/../me",
        "/v1/client/",
        "/v1/client",
        "/v1/client/nothing",
    ] {
        browser.get(path).await.problem(404, "not_found");
        // Wherever it leads, another site's page does not get there.
        let call = world.call(Method::POST, path).json(&json!({}));
        let crossed = call.header("origin", "https://evil.test").send().await;
        crossed.problem(403, "cross_origin");
    }
    // A query is no part of the path, and one that nobody asked for changes nothing.
    browser.get("/v1/client/me?id=user_x").await.is(200);
}

pub(crate) async fn other_methods_are_405_with_allow(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for (method, path, allowed) in [
        (Method::GET, "/v1/client/sign-ins", "POST"),
        (Method::DELETE, "/v1/client/sign-ins", "POST"),
        (Method::PUT, "/v1/client/me", "DELETE,GET,HEAD,PATCH"),
        (Method::POST, "/.well-known/jwks.json", "GET,HEAD"),
        (Method::OPTIONS, "/v1/client/me", "DELETE,GET,HEAD,PATCH"),
    ] {
        let reply = world.call(method.clone(), path).send().await;
        let reply = reply.problem(405, "method_not_allowed");
        let mut names: Vec<_> = reply
            .header("allow")
            .unwrap()
            .split(',')
            .map(str::trim)
            .collect();
        names.sort_unstable();
        assert_eq!(names.join(","), allowed, "{method} {path}");
    }
}

pub(crate) async fn lists_refuse_what_is_no_cursor(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    for query in [
        "after=x",
        "after=",
        "limit=x",
        "limit=-1",
        "limit=99999999999",
        "offset=1",
        "limit=1&limit=2",
    ] {
        let path = format!("/v1/client/sessions?{query}");
        browser.get(&path).await.problem(422, "invalid_field");
    }
    for query in ["limit=0", "limit=1000", ""] {
        browser
            .get(&format!("/v1/client/sessions?{query}"))
            .await
            .is(200);
    }
}

pub(crate) async fn foreign_ids_are_404(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let ada = world.signed_up("ada@example.com").await;
    let eve = world.signed_up("eve@example.com").await;
    let session = eve
        .get("/v1/client/sessions")
        .await
        .is(200)
        .text_at("/data/0/id");
    let address = eve
        .get("/v1/client/me/email-addresses")
        .await
        .is(200)
        .text_at("/data/0/id");
    for id in [
        session.as_str(),
        "sess_01h455vb4pex5vsknk084sn02q",
        "user_01h455vb4pex5vsknk084sn02q",
        "x",
        "%ff",
    ] {
        let refused = ada.delete(&format!("/v1/client/sessions/{id}")).await;
        refused.problem(404, "not_found");
    }
    for id in [address.as_str(), "idn_01h455vb4pex5vsknk084sn02q", "x"] {
        let path = format!("/v1/client/me/email-addresses/{id}");
        ada.delete(&path).await.problem(404, "not_found");
        ada.post(&format!("{path}/make-primary"), json!({}))
            .await
            .problem(404, "not_found");
        let body = json!({ "strategy": "email_code" });
        let prepared = ada
            .post(&format!("{path}/prepare-verification"), body)
            .await;
        prepared.problem(404, "not_found");
    }
    eve.get("/v1/client/me").await.is(200);
}
