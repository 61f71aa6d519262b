//! What other sites' pages may not do. The full table of headers is tested beside the check, in `zalt_http::origin`.

use http::Method;
use serde_json::json;
use zalt_http::HttpConfig;
use zalt_http::origin::AllowedOrigin;

use crate::client::Adapter;
use crate::world::World;

const ID: &str = "att_01h455vb4pex5vsknk084sn02q";

/// Every operation that changes something, from the document.
fn unsafe_operations(world: &World) -> Vec<(Method, String)> {
    let paths = world.open_api()["paths"].as_object().unwrap();
    let mut found = Vec::new();
    for (path, operations) in paths {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if operations
                .get(method.as_str().to_ascii_lowercase())
                .is_some()
            {
                found.push((method, path.replace("{id}", ID)));
            }
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

pub(crate) async fn every_unsafe_endpoint_refuses_other_sites(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let cookies = browser.cookies();
    for (method, path) in unsafe_operations(&world) {
        for headers in [
            &[("origin", "https://evil.test")][..],
            &[("origin", "null")],
            &[("origin", "https://evil-auth.example.com")],
            &[("origin", "https://auth.example.com.evil.test")],
            &[("origin", "http://auth.example.com")],
            &[
                ("origin", "https://app.auth.example.com"),
                ("sec-fetch-site", "same-site"),
            ],
            &[("sec-fetch-site", "cross-site")],
            &[
                ("origin", "https://auth.example.com"),
                ("sec-fetch-site", "cross-site"),
            ],
        ] {
            // With the person's cookie, and, for a sign-in that they did not ask for, without.
            for cookie in [Some(&cookies), None] {
                let mut call = world.call(method.clone(), &path).json(&json!({}));
                for (name, value) in headers {
                    call = call.header(name, value);
                }
                if let Some(cookie) = cookie {
                    call = call.header("cookie", cookie);
                }
                call.send().await.problem(403, "cross_origin");
            }
        }
    }
    // A page of ours whose referrer policy is `no-referrer` posts with a null origin.
    let call = browser
        .call(Method::POST, "/v1/client/tokens")
        .without("origin");
    call.header("origin", "null").send().await.is(200);
    browser.get("/v1/client/me").await.is(200);
}

pub(crate) async fn an_allowed_origin_gets_cors_and_nobody_else(adapter: &dyn Adapter) {
    let app = "https://app.example.com";
    let config = HttpConfig::default().allow_origin(AllowedOrigin::parse(app).unwrap());
    let world = World::with(adapter, |_| {}, config).await;
    let browser = world.signed_up("ada@example.com").await;
    let cookies = browser.cookies();
    let preflight = |origin: &str| {
        world
            .call(Method::OPTIONS, "/v1/client/tokens")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
            .send()
    };
    let post = |origin: &str| {
        world
            .call(Method::POST, "/v1/client/tokens")
            .header("origin", origin)
            .header("sec-fetch-site", "same-site")
            .header("cookie", &cookies)
            .send()
    };
    let allowed = preflight(app).await.is(204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(app));
    assert_eq!(
        allowed.header("access-control-allow-credentials"),
        Some("true")
    );
    assert!(
        allowed
            .header("access-control-allow-headers")
            .unwrap()
            .contains("content-type")
    );
    let reply = post(app).await.is(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some(app));
    assert_eq!(reply.header("vary"), Some("origin"));
    for origin in [
        "https://evil.test",
        "https://app.example.com.evil.test",
        "null",
        "https://app.example.com:8443",
    ] {
        let refused = preflight(origin).await.is(405);
        assert_eq!(refused.header("access-control-allow-origin"), None);
        let refused = post(origin).await.problem(403, "cross_origin");
        assert_eq!(refused.header("access-control-allow-origin"), None);
        assert_eq!(refused.header("vary"), Some("origin"));
    }
    let plain = World::new(adapter).await;
    let call = plain
        .call(Method::GET, "/.well-known/jwks.json")
        .header("origin", app);
    let reply = call.send().await.is(200);
    assert_eq!(reply.header("access-control-allow-origin"), None);
}

pub(crate) async fn a_program_with_a_cookie_sends_json(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let cookies = browser.cookies();
    let call = || {
        world
            .call(Method::POST, "/v1/client/tokens")
            .header("cookie", &cookies)
    };
    call().send().await.problem(403, "cross_origin");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let refused = call().body(content_type, "{}").send().await;
        refused.problem(403, "cross_origin");
    }
    call().json(&json!({})).send().await.is(200);
}
