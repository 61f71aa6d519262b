//! What holds for every reply.

use http::Method;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use serde_json::Value;
use zalt_core::ErrorCode;

use crate::client::Reply;
use crate::world::World;

pub(crate) fn check(world: &World, method: &Method, path: &str, reply: &Reply) {
    headers(world, reply);
    cookies(reply);
    let is_error = reply.status.is_client_error() || reply.status.is_server_error();
    if is_error && *method != Method::HEAD {
        problem(reply);
    }
    documented(world.open_api(), method, path, reply);
}

fn headers(world: &World, reply: &Reply) {
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    let is_page = reply.header(CONTENT_TYPE.as_str()) == Some("text/html; charset=utf-8");
    let policy = reply.header("content-security-policy").unwrap();
    if is_page {
        // The one page of the API: it runs the one script that it has.
        assert!(
            policy.starts_with("default-src 'none'; script-src 'sha256-"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    } else {
        assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
    }
    let cache = reply.header("cache-control").unwrap();
    assert!(
        matches!(cache, "no-store" | "public, max-age=300"),
        "{cache}"
    );
    let https = world.origin().starts_with("https:");
    assert_eq!(reply.header("strict-transport-security").is_some(), https);
    let id = reply.header("x-request-id").unwrap();
    assert!((1..=64).contains(&id.len()), "{id}");
    if !reply.text.is_empty() && !is_page {
        let content_type = reply.header(CONTENT_TYPE.as_str()).unwrap();
        assert!(
            matches!(
                content_type,
                "application/json" | "application/problem+json"
            ),
            "{content_type}"
        );
    }
}

fn cookies(reply: &Reply) {
    for line in reply.headers.get_all(SET_COOKIE) {
        let line = line.to_str().unwrap();
        let (name, rest) = line.split_once('=').unwrap();
        assert!(name.starts_with("__Host-zalt_"), "{line}");
        let (_, attributes) = rest.split_once("; ").unwrap();
        let mut attributes: Vec<_> = attributes.split("; ").collect();
        let lifetime = attributes
            .iter()
            .position(|part| part.starts_with("Max-Age="))
            .unwrap();
        attributes.remove(lifetime);
        assert_eq!(
            attributes,
            ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"],
            "{line}"
        );
    }
}

fn problem(reply: &Reply) {
    assert_eq!(
        reply.header(CONTENT_TYPE.as_str()),
        Some("application/problem+json"),
        "{}",
        reply.text
    );
    let code = reply.text_at("/code");
    assert!(
        ErrorCode::ALL.iter().any(|known| known.as_str() == code),
        "{code}"
    );
    assert_eq!(reply.text_at("/type"), format!("urn:zalt:problem:{code}"));
    assert_eq!(reply.json["status"], reply.status.as_u16());
    assert!(!reply.text_at("/title").is_empty() && !reply.text_at("/detail").is_empty());
    assert_eq!(
        Some(reply.text_at("/request_id").as_str()),
        reply.header("x-request-id")
    );
    let retry_after = reply
        .header(RETRY_AFTER.as_str())
        .map(|text| text.parse::<u64>().unwrap());
    assert_eq!(reply.json["retry_after"].as_u64(), retry_after);
    assert_eq!(
        reply.header(WWW_AUTHENTICATE.as_str()).is_some(),
        reply.status == 401
    );
    assert_eq!(reply.header(ALLOW.as_str()).is_some(), reply.status == 405);
}

/// The document names every status that an endpoint answers with, and every code as an example.
fn documented(document: &Value, method: &Method, path: &str, reply: &Reply) {
    let Some(operation) = operation(document, method, path) else {
        // No endpoint, so nobody can have documented it.
        return;
    };
    let status = reply.status.as_str();
    let response = &operation["responses"][status];
    assert!(
        response.is_object(),
        "{method} {path}: {status} is not documented: {}",
        reply.text
    );
    if let Some(code) = reply.json["code"]
        .as_str()
        .filter(|_| reply.status.as_u16() >= 400)
    {
        let examples = &response["content"]["application/problem+json"]["examples"];
        assert!(
            examples[code].is_object(),
            "{method} {path}: {status} {code} is not documented"
        );
    }
}

fn operation<'d>(document: &'d Value, method: &Method, path: &str) -> Option<&'d Value> {
    let paths = document["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let (wanted, given) = (template.split('/'), path.split('/'));
        wanted.clone().count() == given.clone().count()
            && wanted.zip(given).all(|(wanted, given)| {
                wanted == given || (wanted.starts_with('{') && !given.is_empty())
            })
    };
    let mut found: Vec<_> = paths.keys().filter(|template| fits(template)).collect();
    // A path without a parameter wins over one with.
    found.sort_by_key(|template| template.matches('{').count());
    paths[*found.first()?].get(method.as_str().to_ascii_lowercase())
}
