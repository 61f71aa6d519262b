//! The dev inbox.

use axum::body::Body;
use http::{Request, StatusCode};

use super::browser::{ADA, PUBLIC, Server};

#[tokio::test]
async fn mail_is_listed_and_shown_in_a_frame_that_can_do_nothing() {
    let server = Server::new().await;
    server.signed_up().await;
    let mail = server.mail_to(ADA).await;
    let mut browser = server.browser();
    browser.open("/dev/inbox").await;
    assert!(browser.shows(&mail.subject) && browser.shows(mail.code().unwrap()));
    let reply = browser.open(&format!("/dev/inbox/{}", mail.id)).await;
    assert!(
        reply
            .header("content-security-policy")
            .contains("frame-src 'self'")
    );
    let reply = browser.open(&format!("/dev/inbox/{}/html", mail.id)).await;
    assert!(
        reply
            .header("content-security-policy")
            .starts_with("sandbox; default-src 'none'")
    );
    let reply = browser.open("/dev/inbox/msg_nonsense").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn programs_read_it_as_json() {
    let server = Server::new().await;
    server.signed_up().await;
    let code = server.code_for(ADA).await;
    let mut browser = server.browser();
    let reply = browser.open("/dev/inbox.json?to=ada@example.com").await;
    let body: serde_json::Value = serde_json::from_str(&reply.text).unwrap();
    assert_eq!(body["data"][0]["code"], code);
    assert_eq!(body["data"][0]["to"], ADA);
    let reply = browser.open("/dev/inbox.json?to=bob@example.com").await;
    assert_eq!(reply.text, "{\"data\":[]}");
}

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_reads_nothing() {
    let server = Server::new().await;
    for (path, host, status) in [
        ("/dev/inbox", "localhost:3000", StatusCode::OK),
        ("/dev/inbox.json", "localhost:3000", StatusCode::OK),
        ("/dev/inbox.json", "localhost:8080", StatusCode::OK),
        ("/dev/inbox.json", "[::1]", StatusCode::OK),
        ("/dev/inbox", "evil.example:3000", StatusCode::NOT_FOUND),
        (
            "/dev/inbox.json",
            "localhost.evil.example",
            StatusCode::NOT_FOUND,
        ),
    ] {
        let request = Request::get(path)
            .header("host", host)
            .body(Body::empty())
            .unwrap();
        assert_eq!(server.send(request).await.status, status, "{path} {host}");
    }
}

#[tokio::test]
async fn a_server_that_sends_mail_has_none() {
    let server = Server::with(PUBLIC, |_| {}).await;
    let mut browser = server.browser();
    for path in ["/dev/inbox", "/dev/inbox.json"] {
        assert_eq!(browser.open(path).await.status, StatusCode::NOT_FOUND);
    }
    browser.open("/").await;
    assert!(!browser.shows("Development mode"));
}
