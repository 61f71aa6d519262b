//! The account pages.

use std::time::Duration;

use http::StatusCode;

use super::browser::{ADA, PASSWORD, Server};

const SECOND: &str = "countess@example.com";
const LATER: Duration = Duration::from_mins(11);

#[tokio::test]
async fn a_profile_is_changed_as_a_whole_or_not_at_all() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    let fields = [
        ("first_name", "Ada"),
        ("last_name", "King"),
        ("username", "!"),
        ("image_url", ""),
    ];
    let reply = browser.submit("/account", &fields).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.shows("id=\"username-error\""));
    browser.open("/account").await;
    assert!(!browser.shows("King"));
    let fields = [
        ("first_name", "Ada"),
        ("last_name", "King"),
        ("username", "ada_k"),
        ("image_url", ""),
    ];
    browser.submit("/account", &fields).await;
    assert!(browser.shows("Your changes are saved."));
    assert!(browser.shows("Ada King") && browser.shows("ada_k"));

    let mut other = server.browser();
    other.open("/sign-in").await;
    other.submit("/sign-in", &[("identifier", "ADA_K")]).await;
    other
        .submit("/sign-in/password", &[("password", PASSWORD)])
        .await;
    assert_eq!(other.path, "/account", "a username signs in as well");
}

#[tokio::test]
async fn an_address_is_added_verified_made_primary_and_removed() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    browser.open("/account/emails").await;
    browser
        .submit("/account/emails", &[("email", SECOND)])
        .await;
    assert!(browser.path.starts_with("/account/emails/verify?id=idn_"));
    let (id, attempt) = (
        browser.hidden("id").unwrap(),
        browser.hidden("attempt").unwrap(),
    );
    let code = server.code_for(SECOND).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let fields = [("code", wrong), ("id", &id), ("attempt", &attempt)];
    browser.submit("/account/emails/verify", &fields).await;
    assert!(browser.shows("id=\"code-error\""));
    let fields = [("code", code.as_str()), ("id", &id), ("attempt", &attempt)];
    browser.submit("/account/emails/verify", &fields).await;
    assert_eq!(browser.path, "/account/emails");
    assert!(browser.shows("The address is verified."));
    browser
        .submit("/account/emails/primary", &[("id", &id)])
        .await;
    assert!(browser.shows("Messages go to that address from now on."));
    browser
        .submit("/account/emails/remove", &[("id", &id)])
        .await;
    assert!(browser.shows("The address is removed."));
    assert!(!browser.shows(SECOND));
}

#[tokio::test]
async fn a_link_verifies_an_address_only_in_the_session_that_added_it() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    browser.open("/account/emails").await;
    browser
        .submit("/account/emails", &[("email", SECOND)])
        .await;
    let (path, token) = server.link_for(SECOND).await;
    let mut stranger = server.browser();
    stranger.open(&path).await;
    assert!(stranger.shows("Go back to where you started"));
    browser.open(&path).await;
    browser
        .submit("/account/emails/link", &[("token", &token)])
        .await;
    assert!(browser.shows("The address is verified."));
}

#[tokio::test]
async fn an_important_change_asks_for_the_password_first() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    browser.open("/account/emails").await;
    server.advance(LATER);
    browser
        .submit("/account/emails", &[("email", SECOND)])
        .await;
    assert_eq!(
        browser.path,
        "/account/reauthenticate?return_to=%2Faccount%2Femails"
    );
    assert!(browser.shows("Nothing was changed yet"));
    browser
        .submit("/account/reauthenticate", &[("password", "wrong horse")])
        .await;
    assert!(browser.shows("That is not right."));
    let before = browser.cookies.clone();
    browser
        .submit("/account/reauthenticate", &[("password", PASSWORD)])
        .await;
    assert_eq!(browser.path, "/account/emails");
    assert_ne!(browser.cookies, before, "the session has a new token");
    browser
        .submit("/account/emails", &[("email", SECOND)])
        .await;
    assert!(browser.path.starts_with("/account/emails/verify"));
}

#[tokio::test]
async fn whoever_has_no_password_proves_it_by_code() {
    let server = Server::with(super::browser::LOCAL, |config| {
        config.sign_up.password_required = false;
    })
    .await;
    let mut browser = server.browser();
    browser.open("/sign-up").await;
    browser
        .submit("/sign-up", &[("email", ADA), ("strategy", "email_code")])
        .await;
    let code = server.code_for(ADA).await;
    browser.submit("/sign-up/verify", &[("code", &code)]).await;
    server.advance(LATER);
    browser.open("/account/password").await;
    browser
        .submit("/account/password", &[("new_password", PASSWORD)])
        .await;
    assert!(browser.path.starts_with("/account/reauthenticate"));
    browser.submit("/account/reauthenticate/code", &[]).await;
    assert_eq!(
        browser.path,
        "/sign-in/code?return_to=%2Faccount%2Fpassword"
    );
    let code = server.code_for(ADA).await;
    browser.submit("/sign-in/code", &[("code", &code)]).await;
    assert_eq!(browser.path, "/account/password");
    browser
        .submit("/account/password", &[("new_password", PASSWORD)])
        .await;
    assert!(browser.shows("Your password is set."));
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_the_old_one() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    browser.open("/account/password").await;
    let fields = [
        ("current_password", "wrong horse"),
        ("new_password", "another good one"),
    ];
    browser.submit("/account/password", &fields).await;
    assert!(browser.shows("id=\"current_password-error\""));
    let fields = [("current_password", PASSWORD), ("new_password", "ada")];
    browser.submit("/account/password", &fields).await;
    assert!(browser.shows("id=\"new_password-error\""));
    let fields = [
        ("current_password", PASSWORD),
        ("new_password", "another good one"),
        ("sign_out_others", "true"),
    ];
    browser.submit("/account/password", &fields).await;
    assert!(browser.shows("Your password is changed."));
}

#[tokio::test]
async fn sessions_are_seen_and_ended() {
    let server = Server::new().await;
    let mut one = server.signed_up().await;
    let mut two = server.browser();
    two.open("/sign-in").await;
    two.submit("/sign-in", &[("identifier", ADA)]).await;
    two.submit("/sign-in/password", &[("password", PASSWORD)])
        .await;
    one.open("/account/sessions").await;
    assert!(one.shows("Firefox on Linux") && one.shows("This device"));
    let id = one.hidden("id").unwrap();
    one.submit("/account/sessions/revoke", &[("id", &id)]).await;
    assert!(one.shows("That session is ended."));
    two.open("/account").await;
    assert!(two.path.starts_with("/sign-in"));
    two.submit("/sign-in", &[("identifier", ADA)]).await;
    two.submit("/sign-in/password", &[("password", PASSWORD)])
        .await;
    two.submit("/account/sessions/revoke-others", &[]).await;
    assert!(two.shows("All your other sessions are ended."));
    one.open("/account").await;
    assert!(one.path.starts_with("/sign-in"));
    two.submit("/account/sessions/revoke-all", &[]).await;
    assert!(two.shows("You are signed out everywhere."));
    assert!(!two.is_signed_in());
}

#[tokio::test]
async fn another_users_session_and_address_are_out_of_reach() {
    let server = Server::new().await;
    let mut ada = server.signed_up().await;
    ada.open("/account/emails").await;
    ada.submit("/account/emails", &[("email", SECOND)]).await;
    let (id, attempt) = (ada.hidden("id").unwrap(), ada.hidden("attempt").unwrap());
    let code = server.code_for(SECOND).await;
    let mut eve = server.browser();
    eve.open("/sign-up").await;
    let fields = [
        ("email", "eve@example.com"),
        ("password", PASSWORD),
        ("strategy", "password"),
    ];
    eve.submit("/sign-up", &fields).await;
    let own = server.code_for("eve@example.com").await;
    eve.submit("/sign-up/verify", &[("code", &own)]).await;
    let fields = [("code", code.as_str()), ("id", &id), ("attempt", &attempt)];
    eve.submit("/account/emails/verify", &fields).await;
    assert_eq!(eve.path, "/account/emails");
    let reply = eve.submit("/account/emails/remove", &[("id", &id)]).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    ada.open("/account/emails").await;
    assert!(ada.shows("Not verified"));
}

#[tokio::test]
async fn activity_is_listed_in_parts() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    for _ in 0..30 {
        let fields = [
            ("first_name", "Ada"),
            ("last_name", ""),
            ("username", ""),
            ("image_url", ""),
        ];
        browser.submit("/account", &fields).await;
    }
    browser.open("/account/activity").await;
    assert!(browser.shows("Profile changed"));
    let (_, rest) = browser
        .page
        .split_once("href=\"/account/activity?after=")
        .unwrap();
    let next = format!(
        "/account/activity?after={}",
        rest.split('"').next().unwrap()
    );
    browser.open(&next).await;
    assert!(browser.shows("Account created"));
    let reply = browser.open("/account/activity?after=garbled").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_account_is_deleted_by_whoever_types_its_address() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    browser.open("/account/delete").await;
    browser
        .submit("/account/delete", &[("confirmation", "eve@example.com")])
        .await;
    assert!(browser.shows("id=\"confirmation-error\""));
    browser
        .submit("/account/delete", &[("confirmation", ADA)])
        .await;
    assert_eq!(browser.path, "/");
    assert!(browser.shows("Your account is deleted."));
    assert!(!browser.is_signed_in());
    browser.open("/sign-in").await;
    browser.submit("/sign-in", &[("identifier", ADA)]).await;
    browser
        .submit("/sign-in/password", &[("password", PASSWORD)])
        .await;
    assert!(browser.shows("That is not right."));
}
