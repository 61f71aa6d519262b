//! Signing up, signing in and setting a new password.

use std::time::Duration;

use http::{Method, StatusCode};

use super::browser::{ADA, PASSWORD, Server};

#[tokio::test]
async fn somebody_signs_up_and_is_led_to_where_they_wanted_to_go() {
    let server = Server::new().await;
    let mut browser = server.browser();
    browser.open("/account/emails").await;
    assert_eq!(browser.path, "/sign-in?return_to=%2Faccount%2Femails");
    browser.open("/sign-up?return_to=%2Faccount%2Femails").await;
    browser
        .submit(
            "/sign-up",
            &[
                ("email", ADA),
                ("password", PASSWORD),
                ("first_name", "Ada"),
                ("last_name", "Lovelace"),
                ("strategy", "password"),
            ],
        )
        .await;
    assert_eq!(
        browser.path,
        "/sign-up/verify?return_to=%2Faccount%2Femails"
    );
    let code = server.code_for(ADA).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let reply = browser.submit("/sign-up/verify", &[("code", wrong)]).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.shows("That code is not right"));
    assert!(!browser.is_signed_in());
    browser.submit("/sign-up/verify", &[("code", &code)]).await;
    assert_eq!(browser.path, "/account/emails");
    assert!(browser.is_signed_in());
    assert!(browser.shows("Welcome! Your account is ready."));
    assert!(browser.shows("Ada Lovelace"));
    browser.open("/account/emails").await;
    assert!(!browser.shows("Welcome!"), "a message is shown once");
}

#[tokio::test]
async fn a_sign_up_is_finished_by_its_link_in_the_same_browser_only() {
    let server = Server::new().await;
    let mut browser = server.browser();
    browser.open("/sign-up").await;
    let fields = [
        ("email", ADA),
        ("password", PASSWORD),
        ("strategy", "password"),
    ];
    browser.submit("/sign-up", &fields).await;
    let (path, token) = server.link_for(ADA).await;
    let mut other = server.browser();
    other.open(&path).await;
    assert!(other.shows("Go back to where you started"));
    other.submit("/sign-up/link", &[("token", &token)]).await;
    assert!(!other.is_signed_in());
    for _ in 0..3 {
        let reply = browser.open(&path).await;
        assert!(
            browser.shows("Finish signing up"),
            "opening it consumes nothing"
        );
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert!(browser.shows("content=\"no-referrer\""));
    }
    browser.submit("/sign-up/link", &[("token", &token)]).await;
    assert!(browser.is_signed_in());
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_up_stands_beside_its_field() {
    let server = Server::new().await;
    let mut browser = server.browser();
    browser.open("/sign-up").await;
    let fields = [
        ("email", "ada"),
        ("password", ""),
        ("first_name", "\u{202e}"),
        ("strategy", "password"),
    ];
    let reply = browser.submit("/sign-up", &fields).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    for id in ["email-error", "password-error", "first_name-error"] {
        assert!(browser.shows(&format!("id=\"{id}\"")), "{id}");
    }
    let fields = [
        ("email", ADA),
        ("password", "password1"),
        ("strategy", "password"),
    ];
    browser.submit("/sign-up", &fields).await;
    assert!(browser.shows("so it is tried first"));
    assert!(!browser.shows("password1"), "a password never comes back");
}

#[tokio::test]
async fn an_address_with_an_account_looks_like_any_other_at_sign_up() {
    let server = Server::new().await;
    server.signed_up().await;
    let sign_up = async |email: &str| {
        let mut browser = server.browser();
        browser.open("/sign-up").await;
        let fields = [
            ("email", email),
            ("password", PASSWORD),
            ("strategy", "password"),
        ];
        let reply = browser.submit("/sign-up", &fields).await;
        (reply.status, browser.path.clone(), browser.page.len())
    };
    assert_eq!(sign_up(ADA).await, sign_up("bob@example.com").await);
}

#[tokio::test]
async fn a_password_signs_in_and_a_wrong_one_says_nothing_about_the_account() {
    let server = Server::new().await;
    server.signed_up().await;
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.submit("/sign-in", &[("identifier", ADA)]).await;
    assert_eq!(browser.path, "/sign-in/password");
    let reply = browser
        .submit("/sign-in/password", &[("password", "wrong horse")])
        .await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.shows("That is not right."));
    let fields = [
        ("password", PASSWORD),
        ("identifier", "whatever@example.com"),
    ];
    browser.submit("/sign-in/password", &fields).await;
    assert_eq!(browser.path, "/account");

    let mut stranger = server.browser();
    stranger.open("/sign-in").await;
    stranger
        .submit("/sign-in", &[("identifier", "nobody@example.com")])
        .await;
    assert_eq!(stranger.path, "/sign-in/password");
    let reply = stranger
        .submit("/sign-in/password", &[("password", PASSWORD)])
        .await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(stranger.shows("That is not right."));
}

#[tokio::test]
async fn a_code_signs_in() {
    let server = Server::new().await;
    server.signed_up().await;
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.submit("/sign-in", &[("identifier", ADA)]).await;
    browser
        .submit("/sign-in/strategy", &[("strategy", "email_code")])
        .await;
    assert_eq!(browser.path, "/sign-in/code");
    let first = server.code_for(ADA).await;
    browser.submit("/sign-in/resend", &[]).await;
    assert!(browser.shows("Another message is on its way."));
    let second = server.code_for(ADA).await;
    if first != second {
        browser.submit("/sign-in/code", &[("code", &first)]).await;
        assert!(browser.shows("Only the newest one works."));
    }
    browser.submit("/sign-in/code", &[("code", &second)]).await;
    assert_eq!(browser.path, "/account");
}

#[tokio::test]
async fn a_link_signs_in_once_and_only_where_it_was_asked_for() {
    let server = Server::new().await;
    server.signed_up().await;
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.submit("/sign-in", &[("identifier", ADA)]).await;
    browser
        .submit("/sign-in/strategy", &[("strategy", "email_link")])
        .await;
    assert_eq!(browser.path, "/sign-in/link-sent");
    let (path, token) = server.link_for(ADA).await;
    let mut other = server.browser();
    other.open(&path).await;
    assert!(other.shows("Go back to where you started"));
    browser.open(&path).await;
    browser.submit("/sign-in/link", &[("token", &token)]).await;
    assert_eq!(browser.path, "/account");
    other.open("/sign-in").await;
    let reply = other.submit("/sign-in/link", &[("token", &token)]).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!other.is_signed_in());
}

#[tokio::test]
async fn whoever_opens_a_link_without_pressing_its_button_uses_up_neither_it_nor_its_code() {
    let server = Server::new().await;
    server.signed_up().await;
    for by_link in [true, false] {
        let mut browser = server.browser();
        browser.open("/sign-in").await;
        browser.submit("/sign-in", &[("identifier", ADA)]).await;
        browser
            .submit("/sign-in/strategy", &[("strategy", "email_link")])
            .await;
        let (path, token) = server.link_for(ADA).await;
        // A mail scanner, and a browser that loads pages ahead.
        for method in [Method::GET, Method::HEAD, Method::GET] {
            let mut scanner = server.browser();
            let reply = scanner.request(method.clone(), &path, None).await;
            assert_eq!(reply.status, StatusCode::OK);
            let reply = browser.request(method, &path, None).await;
            assert_eq!(reply.status, StatusCode::OK);
            assert!(!scanner.is_signed_in() && !browser.is_signed_in());
        }
        browser.open(&path).await;
        if by_link {
            browser.submit("/sign-in/link", &[("token", &token)]).await;
        } else {
            let code = server.code_for(ADA).await;
            browser.open("/sign-in/code").await;
            browser.submit("/sign-in/code", &[("code", &code)]).await;
        }
        assert!(browser.is_signed_in());
    }
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_code() {
    let server = Server::new().await;
    let mut signed_in = server.signed_up().await;
    let mut browser = server.browser();
    browser.open("/password/forgotten").await;
    browser
        .submit("/password/forgotten", &[("identifier", ADA)])
        .await;
    assert_eq!(browser.path, "/password/code");
    browser.open("/password/new").await;
    assert_eq!(
        browser.path, "/password/forgotten",
        "nothing was proved yet"
    );
    browser.open("/password/code").await;
    let code = server.code_for(ADA).await;
    browser.submit("/password/code", &[("code", &code)]).await;
    assert_eq!(browser.path, "/password/new");
    browser
        .submit("/password/new", &[("new_password", "short")])
        .await;
    assert!(browser.shows("Use at least 8 characters."));
    let fields = [
        ("new_password", "another good one"),
        ("sign_out_others", "true"),
    ];
    browser.submit("/password/new", &fields).await;
    assert_eq!(browser.path, "/password/done");
    assert!(browser.shows("You were signed out everywhere."));
    assert!(!browser.is_signed_in(), "a reset signs nobody in");
    signed_in.open("/account").await;
    assert!(signed_in.shows("Your session is over."));
}

#[tokio::test]
async fn whoever_set_a_new_password_signs_in_whatever_others_guess_meanwhile() {
    let server = Server::new().await;
    server.signed_up().await;
    let mut browser = server.browser();
    browser.open("/password/forgotten").await;
    browser
        .submit("/password/forgotten", &[("identifier", ADA)])
        .await;
    let code = server.code_for(ADA).await;
    browser.submit("/password/code", &[("code", &code)]).await;
    browser
        .submit("/password/new", &[("new_password", "another good one")])
        .await;
    let mut stranger = server.browser();
    stranger.open("/sign-in").await;
    stranger.submit("/sign-in", &[("identifier", ADA)]).await;
    for _ in 0..12 {
        stranger
            .submit("/sign-in/password", &[("password", "wrong horse")])
            .await;
    }
    assert!(stranger.shows("Too many tries."));
    assert_eq!(browser.path, "/password/done");
    assert!(browser.shows("href=\"/sign-in/password\""));
    browser.open("/sign-in/password").await;
    browser
        .submit("/sign-in/password", &[("password", "another good one")])
        .await;
    assert_eq!(browser.path, "/account");
}

#[tokio::test]
async fn a_link_for_a_new_password_works_in_any_browser_and_takes_the_attempt_along() {
    let server = Server::new().await;
    server.signed_up().await;
    let mut asked = server.browser();
    asked.open("/password/forgotten").await;
    asked
        .submit("/password/forgotten", &[("identifier", ADA)])
        .await;
    let code = server.code_for(ADA).await;
    let (path, token) = server.link_for(ADA).await;
    let mut opened = server.browser();
    opened.open(&path).await;
    assert!(opened.shows("Choose a new password"));
    opened.submit("/password/link", &[("token", &token)]).await;
    assert_eq!(opened.path, "/password/new");
    asked.submit("/password/code", &[("code", &code)]).await;
    assert_eq!(asked.path, "/password/forgotten");
    opened
        .submit("/password/new", &[("new_password", "another good one")])
        .await;
    assert_eq!(opened.path, "/password/done");
    assert!(!opened.shows("signed out everywhere"));
}

#[tokio::test]
async fn an_attempt_that_is_too_old_starts_again() {
    let server = Server::new().await;
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.submit("/sign-in", &[("identifier", ADA)]).await;
    server.advance(Duration::from_hours(2));
    browser
        .submit("/sign-in/password", &[("password", PASSWORD)])
        .await;
    assert_eq!(browser.path, "/sign-in");
    assert!(browser.shows("Start again."));
}

#[tokio::test]
async fn signing_out_ends_the_session_and_forgets_it() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    let before = browser.cookies.clone();
    let reply = browser.post("/sign-out", &[]).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
    assert_eq!(reply.header("clear-site-data"), "\"storage\"");
    assert!(!browser.is_signed_in());
    browser.open("/sign-in").await;
    assert!(browser.shows("You are signed out."));
    browser.cookies = before;
    browser.open("/account").await;
    assert!(
        browser.shows("Your session is over."),
        "the token is dead, not just forgotten"
    );
}

#[tokio::test]
async fn pages_and_the_api_share_the_session() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    let reply = browser.open("/v1/client/me").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.text.contains(ADA));
}

#[tokio::test]
async fn a_closed_sign_up_is_offered_nowhere() {
    let server = Server::with(super::browser::LOCAL, |config| config.sign_up.open = false).await;
    let mut browser = server.browser();
    browser.open("/").await;
    assert!(!browser.shows("/sign-up"));
    browser.open("/sign-up").await;
    assert_eq!(browser.path, "/sign-in");
    assert!(browser.shows("New accounts are not accepted here."));
}
