//! The second factor on the pages.

use std::time::Duration;

use http::StatusCode;
use zalt_core::config::{FirstFactor, FirstFactors, SecondFactorMethods, SecondFactorPolicy};
use zalt_core::credential::TotpSecret;

use super::browser::{ADA, Browser, LOCAL, PASSWORD, Server, first_factor, recovery_codes};

const STEP: Duration = Duration::from_secs(30);

/// The secret that a page shows.
fn secret(browser: &Browser<'_>) -> TotpSecret {
    let (_, after) = browser.page.split_once("id=\"totp-secret\">").unwrap();
    let (shown, _) = after.split_once("</code>").unwrap();
    TotpSecret::from_base32(shown).unwrap()
}

async fn set_up(server: &Server, browser: &mut Browser<'_>) -> (TotpSecret, Vec<String>) {
    browser.open("/account/second-factors").await;
    assert!(browser.shows("No app yet"));
    browser
        .submit("/account/second-factors/add", &[("name", "Ada's")])
        .await;
    let (secret, id) = (secret(browser), browser.hidden("id").unwrap());
    assert!(browser.shows("<svg xmlns="));
    let code = secret.code_at(server.now());
    browser
        .submit(
            "/account/second-factors/confirm",
            &[("id", &id), ("code", &code)],
        )
        .await;
    let codes = recovery_codes(browser);
    assert_eq!(codes.len(), 10);
    server.advance(STEP);
    (secret, codes)
}

#[tokio::test]
async fn an_app_is_set_up_asked_for_and_removed() {
    let server = Server::new().await;
    let mut owner = server.signed_up().await;
    let (secret, codes) = set_up(&server, &mut owner).await;
    let mut browser = server.browser();
    first_factor(&mut browser).await;
    assert_eq!(browser.path, "/sign-in/second-factor");
    assert!(!browser.is_signed_in());
    let page = "/sign-in/second-factor";
    let wrong = [("strategy", "totp"), ("code", "000000")];
    let reply = browser.submit(page, &wrong).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.shows("id=\"code-error\""));
    browser
        .open("/sign-in/second-factor?use=recovery_code")
        .await;
    assert!(browser.shows("Enter a recovery code"));
    let by_code = [("strategy", "recovery_code"), ("code", codes[0].as_str())];
    browser.submit(page, &by_code).await;
    assert_eq!(browser.path, "/account");
    browser.open("/account/second-factors").await;
    assert!(browser.shows("9 codes are left."));

    let mut other = server.browser();
    first_factor(&mut other).await;
    let code = secret.code_at(server.now());
    other
        .submit(page, &[("strategy", "totp"), ("code", &code)])
        .await;
    assert_eq!(other.path, "/account");
    other.open("/account/second-factors").await;
    let id = other.hidden("id").unwrap();
    other
        .submit("/account/second-factors/remove", &[("id", &id)])
        .await;
    assert!(other.shows("It is removed."));
    let mut third = server.browser();
    first_factor(&mut third).await;
    assert_eq!(third.path, "/account");
}

#[tokio::test]
async fn an_important_change_asks_for_the_second_factor() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    let (secret, _) = set_up(&server, &mut browser).await;
    browser.open("/account/emails").await;
    let address = [("email", "second@example.com")];
    browser.submit("/account/emails", &address).await;
    assert_eq!(
        browser.path,
        "/account/reauthenticate?return_to=%2Faccount%2Femails"
    );
    assert!(browser.shows("Enter the code from your app"));
    let page = "/account/reauthenticate/second-factor";
    let wrong = [("strategy", "totp"), ("code", "000000")];
    browser.submit(page, &wrong).await;
    assert!(browser.shows("That code is not right"));
    let code = secret.code_at(server.now());
    browser
        .submit(page, &[("strategy", "totp"), ("code", &code)])
        .await;
    assert_eq!(browser.path, "/account/emails");
    browser.submit("/account/emails", &address).await;
    assert!(browser.path.starts_with("/account/emails/verify"));
}

#[tokio::test]
async fn where_everybody_needs_one_it_is_set_up_on_the_way_in() {
    for gives_up in [false, true] {
        let server = Server::with(LOCAL, |config| {
            config.second_factors.policy = SecondFactorPolicy::Required;
        })
        .await;
        let mut browser = server.verified().await;
        assert_eq!(browser.path, "/sign-in/set-up");
        assert!(!browser.is_signed_in());
        if gives_up {
            browser = server.browser();
            first_factor(&mut browser).await;
            assert_eq!(browser.path, "/sign-in/set-up");
        }
        browser.submit("/sign-in/set-up", &[]).await;
        let (secret, id) = (secret(&browser), browser.hidden("id").unwrap());
        let confirm = "/sign-in/set-up/confirm";
        let wrong = [("id", id.as_str()), ("code", "000000")];
        browser.submit(confirm, &wrong).await;
        assert!(!browser.is_signed_in());
        assert!(browser.shows("That code is not right"));
        let code = secret.code_at(server.now());
        browser
            .submit(confirm, &[("id", &id), ("code", &code)])
            .await;
        assert_eq!(recovery_codes(&browser).len(), 10);
        assert!(browser.is_signed_in());
        browser.open("/account").await;
        assert_eq!(browser.path, "/account");
    }
}

#[tokio::test]
async fn a_policy_that_reaches_live_sessions_leads_to_setting_one_up() {
    let server = Server::with(LOCAL, |config| {
        let second = &mut config.second_factors;
        second.policy = SecondFactorPolicy::Required;
        second.applies_to_live_sessions = true;
        second.grace_until = Some(zalt_core::Timestamp::from_unix_seconds(1_800_003_600));
    })
    .await;
    let mut browser = server.signed_up().await;
    let mut other = server.browser();
    first_factor(&mut other).await;
    assert_eq!(other.path, "/account");
    server.advance(Duration::from_hours(1));
    browser.open("/account").await;
    assert_eq!(browser.path, "/account/second-factors");
    assert!(browser.shows("Everybody needs a second step"));
    // It was a while ago that anything was proved.
    let add = [("name", "")];
    browser.submit("/account/second-factors/add", &add).await;
    assert!(browser.path.starts_with("/account/reauthenticate"));
    let password = [("password", PASSWORD)];
    browser.submit("/account/reauthenticate", &password).await;
    set_up(&server, &mut browser).await;
    browser.open("/account").await;
    assert_eq!(browser.path, "/account");
    other.submit("/sign-out", &[]).await;
    assert!(!other.is_signed_in());
}

#[tokio::test]
async fn pages_offer_what_is_allowed_and_nothing_else() {
    let server = Server::with(LOCAL, |config| {
        config.first_factors = FirstFactors::only(&[FirstFactor::EmailCode]);
        config.second_factors.methods = SecondFactorMethods::NONE;
    })
    .await;
    let mut browser = server.browser();
    browser.open("/sign-up").await;
    assert!(!browser.shows("type=\"password\""));
    browser.open("/sign-in").await;
    browser.submit("/sign-in", &[("identifier", ADA)]).await;
    assert!(browser.shows("E-mail me a code"));
    assert!(!browser.shows("E-mail me a link"));
    assert!(!browser.shows("type=\"password\""));
    let reply = browser.open("/password/forgotten").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}
