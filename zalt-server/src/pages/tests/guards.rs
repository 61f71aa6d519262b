//! What other sites, strangers and damaged requests can't do.

use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use http::{Method, Request, StatusCode};

use super::browser::{ADA, LOCAL, PASSWORD, PUBLIC, Server};

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_form_of_another_site_is_refused_even_with_the_cookies() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    browser.open("/account/sessions").await;
    let token = browser.hidden("csrf_token").unwrap();
    let cookies = || {
        let pairs = browser
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    };
    let post = |headers: &[(&'static str, &'static str)]| {
        let mut request = Request::post("/account/sessions/revoke-all")
            .header(CONTENT_TYPE, FORM)
            .header(COOKIE, cookies());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .body(Body::from(format!("csrf_token={token}")))
            .unwrap()
    };
    for headers in [
        &[
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[
            ("origin", "http://localhost:3001"),
            ("sec-fetch-site", "same-site"),
        ],
        &[("sec-fetch-site", "cross-site")],
    ] {
        let reply = server.send(post(headers)).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    browser.open("/account").await;
    assert_eq!(browser.path, "/account", "nothing was revoked");
}

#[tokio::test]
async fn a_form_without_the_token_of_this_browser_has_expired() {
    let server = Server::new().await;
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    let own = browser.hidden("csrf_token").unwrap();
    let mut other = server.browser();
    other.open("/sign-in").await;
    for body in [
        format!("identifier={ADA}"),
        format!("identifier={ADA}&csrf_token="),
        format!("identifier={ADA}&csrf_token={own}"),
    ] {
        let reply = other.request(Method::POST, "/sign-in", Some(body)).await;
        assert_eq!(reply.status.as_u16(), 419);
        assert!(reply.text.contains("This form has expired"));
    }
    browser.cookies.clear();
    let body = format!("identifier={ADA}&csrf_token={own}");
    let reply = browser.request(Method::POST, "/sign-in", Some(body)).await;
    assert_eq!(reply.status.as_u16(), 419);
}

#[tokio::test]
async fn an_older_browser_without_a_referrer_is_let_in_by_the_token_alone() {
    let server = Server::new().await;
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    let token = browser.hidden("csrf_token").unwrap();
    let cookie = format!("zalt_form={}", browser.cookies["zalt_form"]);
    let post = |token: &str| {
        Request::post("/sign-in")
            .header(CONTENT_TYPE, FORM)
            .header(COOKIE, &cookie)
            .header(ORIGIN, "null")
            .body(Body::from(format!("identifier={ADA}&csrf_token={token}")))
            .unwrap()
    };
    assert_eq!(
        server.send(post(&token)).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(server.send(post("forged")).await.status.as_u16(), 419);
}

#[tokio::test]
async fn a_redirect_never_leaves_this_server() {
    let server = Server::new().await;
    server.signed_up().await;
    for evil in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/%09/evil.example",
        "/%2f%2fevil.example",
        "javascript:alert(1)",
    ] {
        let mut browser = server.browser();
        let query: String = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect();
        browser.open(&format!("/sign-in?return_to={query}")).await;
        assert_eq!(browser.hidden("return_to"), None, "{evil}");
        browser
            .submit("/sign-in", &[("identifier", ADA), ("return_to", evil)])
            .await;
        browser
            .submit(
                "/sign-in/password",
                &[("password", PASSWORD), ("return_to", evil)],
            )
            .await;
        assert_eq!(browser.path, "/account", "{evil}");
    }
}

#[tokio::test]
async fn damaged_forms_are_told_so() {
    let server = Server::new().await;
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    let token = browser.hidden("csrf_token").unwrap();
    for (body, status) in [
        (format!("csrf_token={token}&identifier=a&extra=1"), 400),
        (format!("csrf_token={token}&identifier=a&identifier=b"), 400),
        (format!("csrf_token={token}&identifier=%ff%fe"), 400),
        (
            format!("csrf_token={token}&identifier={}", "a".repeat(40_000)),
            413,
        ),
    ] {
        let reply = browser.request(Method::POST, "/sign-in", Some(body)).await;
        assert_eq!(reply.status.as_u16(), status);
    }
    let request = Request::post("/sign-in")
        .header(CONTENT_TYPE, "text/plain")
        .header(ORIGIN, LOCAL)
        .body(Body::from(format!("csrf_token={token}&identifier=a")))
        .unwrap();
    assert_eq!(server.send(request).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_not_there_is_a_page_for_people_and_a_problem_for_programs() {
    let server = Server::new().await;
    let mut browser = server.browser();
    let reply = browser.open("/nowhere").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert!(browser.shows("This page doesn’t exist"));
    let reply = browser.open("/sign-out").await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.header("allow"), "POST");
    let reply = browser.open("/v1/nowhere").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let request = Request::get("/nowhere").header("accept", "application/json");
    let reply = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn every_page_has_its_headers() {
    let server = Server::with(PUBLIC, |_| {}).await;
    let mut browser = server.browser();
    for path in ["/", "/sign-in", "/sign-up", "/nowhere", "/account"] {
        let reply = browser.request(Method::GET, path, None).await;
        assert!(
            reply
                .header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{path}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("referrer-policy"), "same-origin");
        assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(
            reply.header("strict-transport-security"),
            "max-age=31536000"
        );
        assert!(!reply.header("x-request-id").is_empty());
        for line in reply.headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.starts_with("__Host-zalt_"), "{line}");
            assert!(
                line.contains("; Secure") && line.contains("; HttpOnly"),
                "{line}"
            );
        }
    }
}

#[tokio::test]
async fn assets_are_kept_by_browsers_for_ever() {
    let server = Server::new().await;
    let mut browser = server.browser();
    browser.open("/").await;
    let (_, rest) = browser.page.split_once("href=\"/assets/zalt.").unwrap();
    let path = format!("/assets/zalt.{}", rest.split('"').next().unwrap());
    let reply = browser.request(Method::GET, &path, None).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        reply.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(reply.header("content-type"), "text/css; charset=utf-8");
    let known = Request::get(&path).header("if-none-match", reply.header("etag"));
    let reply = server.send(known.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, StatusCode::NOT_MODIFIED);
    assert_eq!(
        browser.open("/assets/other.css").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn too_many_tries_say_when_to_come_back() {
    let server = Server::new().await;
    server.signed_up().await;
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.submit("/sign-in", &[("identifier", ADA)]).await;
    let mut last = StatusCode::OK;
    for _ in 0..12 {
        last = browser
            .submit("/sign-in/password", &[("password", "wrong horse")])
            .await
            .status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert!(browser.shows("Too many tries. Try again in"));
    browser
        .submit("/sign-in/strategy", &[("strategy", "email_link")])
        .await;
    let (path, token) = server.link_for(ADA).await;
    browser.open(&path).await;
    browser.submit("/sign-in/link", &[("token", &token)]).await;
    assert_eq!(browser.path, "/account", "another way in stays open");
}

#[tokio::test]
async fn another_name_of_this_machine_leads_to_the_base_url() {
    let server = Server::new().await;
    let get = |host: &str| {
        Request::get("/sign-in?return_to=%2Faccount")
            .header("host", host)
            .body(Body::empty())
            .unwrap()
    };
    for host in ["127.0.0.1:3000", "[::1]:3000"] {
        let reply = server.send(get(host)).await;
        assert_eq!(reply.status, StatusCode::FOUND);
        assert_eq!(
            reply.header("location"),
            "http://localhost:3000/sign-in?return_to=%2Faccount"
        );
    }
    for host in ["localhost:3000", "127.0.0.1:3001", "evil.example"] {
        assert_eq!(
            server.send(get(host)).await.status,
            StatusCode::OK,
            "{host}"
        );
    }
    let public = Server::with(PUBLIC, |_| {}).await;
    assert_eq!(
        public.send(get("127.0.0.1:3000")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_script_gets_a_problem_and_only_with_the_token_of_its_page() {
    let server = Server::new().await;
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    let token = browser.hidden("csrf_token").unwrap();
    let cookie = format!("zalt_form={}", browser.cookies["zalt_form"]);
    let ask = |origin: &'static str, token: &str| {
        Request::post("/sign-in/passkey/begin")
            .header(CONTENT_TYPE, FORM)
            .header("accept", "application/json")
            .header(COOKIE, &cookie)
            .header(ORIGIN, origin)
            .body(Body::from(format!("csrf_token={token}")))
            .unwrap()
    };
    for (origin, token, status, code) in [
        ("https://evil.example", token.as_str(), 403, "cross_origin"),
        (LOCAL, "forged", 403, "cross_origin"),
        // This application has nothing that checks passkeys.
        (LOCAL, token.as_str(), 403, "factor_not_allowed"),
    ] {
        let reply = server.send(ask(origin, token)).await;
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(reply.status.as_u16(), status, "{code}");
        assert!(
            reply.text.contains(&format!("\"{code}\"")),
            "{}",
            reply.text
        );
    }
    assert!(!browser.shows("passkey"), "nor does its page offer them");
}
