//! Phone numbers, and codes that are sent: as first factor, as second factor, and to step up.

use std::time::Duration;

use http::StatusCode;
use zalt_core::Config;
use zalt_core::identifier::Region;

use super::browser::{ADA, Browser, LOCAL, Server, first_factor, recovery_codes};

const NUMBER: &str = "+436601234567";

fn with_texts(config: &mut Config) {
    config.phone_numbers.countries = vec![Region::parse("AT").unwrap()];
    config.first_factors.sms_code = true;
    config.second_factors.methods.sms_code = true;
    config.second_factors.methods.email_code = true;
}

/// Adds the number and verifies it.
async fn add_number(server: &Server, browser: &mut Browser<'_>) {
    browser.open("/account/phone-numbers").await;
    assert!(browser.shows("No number yet"));
    let typed = [("phone_number", "+43 660 / 1234567")];
    browser.submit("/account/phone-numbers", &typed).await;
    assert!(browser.path.starts_with("/account/phone-numbers/verify?"));
    assert!(browser.shows(NUMBER) && browser.shows("We sent a 6‑digit code"));
    let code = server.code_for(NUMBER).await;
    verify(browser, &code).await;
    assert!(browser.shows("The number is verified."));
}

async fn verify(browser: &mut Browser<'_>, code: &str) {
    let (id, attempt) = (
        browser.hidden("id").unwrap(),
        browser.hidden("attempt").unwrap(),
    );
    let fields = [("id", &*id), ("attempt", &*attempt), ("code", code)];
    browser
        .submit("/account/phone-numbers/verify", &fields)
        .await;
}

/// Turns codes to the first address or number on that gets none yet, and returns the recovery codes if there are some.
async fn turn_on(server: &Server, browser: &mut Browser<'_>, to: &str) -> Vec<String> {
    browser.open("/account/second-factors").await;
    let label = format!("aria-label=\"Turn on codes to {to}\"");
    let (before, _) = browser.page.split_once(&label).unwrap();
    let (_, id) = before.rsplit_once("name=\"id\" value=\"").unwrap();
    let id = id.split('"').next().unwrap().to_owned();
    browser
        .submit("/account/second-factors/messages", &[("id", &id)])
        .await;
    // What is queued together arrives in any order.
    server.mail_to(ADA).await;
    recovery_codes(browser)
}

/// Proves again who is there, with a wrong code before the right one.
async fn step_up(server: &Server, browser: &mut Browser<'_>, strategy: &str, to: &str) {
    let page = "/account/reauthenticate/second-factor";
    let strategy = ("strategy", strategy);
    browser.submit(&format!("{page}/send"), &[strategy]).await;
    let challenge = browser.hidden("challenge").unwrap();
    let named = ("challenge", &*challenge);
    let wrong = ("code", "000000");
    browser.submit(page, &[strategy, named, wrong]).await;
    assert!(browser.shows("id=\"code-error\""));
    let code = server.code_for(to).await;
    browser
        .submit(page, &[strategy, named, ("code", &code)])
        .await;
    assert!(browser.shows("Now repeat your change."));
}

#[tokio::test]
async fn a_number_is_added_verified_and_removed() {
    let server = Server::with(LOCAL, with_texts).await;
    let mut browser = server.signed_up().await;
    add_number(&server, &mut browser).await;
    assert!(browser.shows("Primary") && browser.shows("Verified"));

    for (typed, said) in [
        ("0660 1234567", "with its country code"),
        ("+44 7911 123456", "No text message can be sent"),
        (NUMBER, "in use already"),
    ] {
        let reply = browser
            .submit("/account/phone-numbers", &[("phone_number", typed)])
            .await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(browser.shows(said), "{typed}");
        assert!(browser.shows("id=\"phone_number-error\""), "{typed}");
    }
    let id = browser.hidden("id").unwrap();
    browser
        .submit("/account/phone-numbers/remove", &[("id", &id)])
        .await;
    assert!(browser.shows("The number is removed.") && browser.shows("No number yet"));
}

#[tokio::test]
async fn a_wrong_code_verifies_no_number_and_a_newer_one_voids_the_older() {
    let server = Server::with(LOCAL, with_texts).await;
    let mut browser = server.signed_up().await;
    browser.open("/account/phone-numbers").await;
    let typed = [("phone_number", NUMBER)];
    browser.submit("/account/phone-numbers", &typed).await;
    let first = server.code_for(NUMBER).await;
    let id = browser.hidden("id").unwrap();
    browser
        .submit("/account/phone-numbers/send", &[("id", &id)])
        .await;
    assert!(browser.shows("Another message is on its way"));
    let second = server.code_for(NUMBER).await;
    verify(&mut browser, &first).await;
    assert!(browser.shows("id=\"code-error\""));
    verify(&mut browser, &second).await;
    assert!(browser.shows("The number is verified."));
}

#[tokio::test]
async fn where_there_are_no_text_messages_nothing_speaks_of_them() {
    let server = Server::new().await;
    let mut browser = server.signed_up().await;
    assert!(!browser.shows("Phone numbers"));
    browser.open("/account/second-factors").await;
    assert!(!browser.shows("Sent codes"));
    browser.open("/account/phone-numbers").await;
    assert!(browser.shows("sends no text messages") && !browser.shows("Add a number"));
    let reply = browser
        .submit("/account/phone-numbers", &[("phone_number", NUMBER)])
        .await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut stranger = server.browser();
    stranger.open("/sign-in").await;
    assert!(!stranger.shows("phone number"));
    stranger.submit("/sign-in", &[("identifier", ADA)]).await;
    assert!(!stranger.shows("Text me a code"));
    let by_text = [("strategy", "sms_code")];
    stranger.submit("/sign-in/strategy", &by_text).await;
    assert!(stranger.shows("This way is not open here"));
}

#[tokio::test]
async fn a_text_message_signs_in_and_tells_nobody_who_has_a_number() {
    let server = Server::with(LOCAL, with_texts).await;
    let mut owner = server.signed_up().await;
    add_number(&server, &mut owner).await;

    let mut browser = server.browser();
    browser.open("/sign-in").await;
    assert!(browser.shows("E-mail address, phone number or username"));
    browser.submit("/sign-in", &[("identifier", ADA)]).await;
    let by_text = [("strategy", "sms_code")];
    browser.submit("/sign-in/strategy", &by_text).await;
    assert_eq!(browser.path, "/sign-in/code");
    let lead = "If this account has a phone number";
    assert!(browser.shows(lead) && !browser.shows(NUMBER));
    let code = server.code_for(NUMBER).await;
    browser.submit("/sign-in/code", &[("code", &code)]).await;
    assert_eq!(browser.path, "/account");

    let mut stranger = server.browser();
    stranger.open("/sign-in").await;
    let nobody = [("identifier", "nobody@example.com")];
    stranger.submit("/sign-in", &nobody).await;
    stranger.submit("/sign-in/strategy", &by_text).await;
    assert!(stranger.shows(lead));
}

#[tokio::test]
async fn a_code_by_text_message_is_a_second_factor() {
    let server = Server::with(LOCAL, with_texts).await;
    let mut owner = server.signed_up().await;
    owner.open("/account/second-factors").await;
    assert!(owner.shows("add a phone number</a> first"));
    add_number(&server, &mut owner).await;
    assert_eq!(turn_on(&server, &mut owner, NUMBER).await.len(), 10);
    owner.open("/account/second-factors").await;
    assert!(owner.shows("Turn off codes to +436601234567"));

    let mut browser = server.browser();
    first_factor(&mut browser).await;
    assert_eq!(browser.path, "/sign-in/second-factor");
    // Whoever has only the password is told little, and nothing is sent before they ask.
    assert!(browser.shows("the number ending in 67") && !browser.shows(NUMBER));
    assert!(!browser.shows("name=\"code\""));
    let send = "/sign-in/second-factor/send";
    let strategy = ("strategy", "sms_code");
    browser.submit(send, &[strategy]).await;
    assert_eq!(browser.path, "/sign-in/second-factor?use=sms_code");
    assert!(browser.shows("name=\"code\"") && !browser.shows("Another message"));
    let first = server.code_for(NUMBER).await;
    browser.submit(send, &[strategy, ("again", "true")]).await;
    assert!(browser.shows("Another message is on its way"));
    let page = "/sign-in/second-factor";
    browser.submit(page, &[strategy, ("code", &first)]).await;
    assert!(browser.shows("Only the newest one works"));
    let code = server.code_for(NUMBER).await;
    browser.submit(page, &[strategy, ("code", &code)]).await;
    assert_eq!(browser.path, "/account");

    browser.open("/account/second-factors").await;
    let label = "aria-label=\"Turn off codes";
    let (before, _) = browser.page.split_once(label).unwrap();
    let (_, id) = before.rsplit_once("name=\"id\" value=\"").unwrap();
    let id = id.split('"').next().unwrap().to_owned();
    browser
        .submit("/account/second-factors/remove", &[("id", &id)])
        .await;
    assert!(browser.shows("Turn on codes to +436601234567"));
    let mut third = server.browser();
    first_factor(&mut third).await;
    assert_eq!(third.path, "/account");
}

#[tokio::test]
async fn a_code_is_never_of_the_kind_of_the_first_factor() {
    let server = Server::with(LOCAL, with_texts).await;
    let mut owner = server.signed_up().await;
    add_number(&server, &mut owner).await;
    turn_on(&server, &mut owner, NUMBER).await;
    owner.open("/account/reauthenticate").await;
    step_up(&server, &mut owner, "sms_code", NUMBER).await;
    turn_on(&server, &mut owner, ADA).await;

    let mut browser = server.browser();
    first_factor(&mut browser).await;
    assert!(browser.shows("Get a code by e‑mail"));
    browser.open("/sign-in/second-factor?use=email_code").await;
    assert!(browser.shows("a…@example.com"));

    let mut by_mail = server.browser();
    by_mail.open("/sign-in").await;
    by_mail.submit("/sign-in", &[("identifier", ADA)]).await;
    let strategy = [("strategy", "email_code")];
    by_mail.submit("/sign-in/strategy", &strategy).await;
    let code = server.code_for(ADA).await;
    by_mail.submit("/sign-in/code", &[("code", &code)]).await;
    assert_eq!(by_mail.path, "/sign-in/second-factor");
    assert!(by_mail.shows("Confirm by text message"));
    assert!(!by_mail.shows("by e‑mail"));
    let reply = by_mail
        .submit("/sign-in/second-factor/send", &strategy)
        .await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(by_mail.shows("This way is not open here"));
}

#[tokio::test]
async fn a_session_steps_up_by_a_mailed_code() {
    let server = Server::with(LOCAL, with_texts).await;
    let mut owner = server.signed_up().await;
    turn_on(&server, &mut owner, ADA).await;
    let mut browser = server.browser();
    first_factor(&mut browser).await;
    let page = "/sign-in/second-factor";
    let strategy = ("strategy", "email_code");
    browser.submit(&format!("{page}/send"), &[strategy]).await;
    let code = server.code_for(ADA).await;
    browser.submit(page, &[strategy, ("code", &code)]).await;
    server.advance(Duration::from_mins(20));

    let address = [("email", "second@example.com")];
    browser.open("/account/emails").await;
    browser.submit("/account/emails", &address).await;
    assert!(browser.path.starts_with("/account/reauthenticate?"));
    assert!(browser.shows(ADA) && !browser.shows("name=\"code\""));
    step_up(&server, &mut browser, "email_code", ADA).await;
    assert_eq!(browser.path, "/account/emails");
    browser.submit("/account/emails", &address).await;
    assert!(browser.path.starts_with("/account/emails/verify"));
}

#[tokio::test]
async fn a_device_is_trusted_by_choice_and_forgotten() {
    let server = Server::with(LOCAL, |config| {
        with_texts(config);
        config.trusted_devices = Some(Duration::from_hours(30 * 24));
    })
    .await;
    let mut owner = server.signed_up().await;
    owner.open("/account/sessions").await;
    assert!(owner.shows("No trusted device"));
    let codes = turn_on(&server, &mut owner, ADA).await;

    let mut browser = server.browser();
    first_factor(&mut browser).await;
    browser
        .open("/sign-in/second-factor?use=recovery_code")
        .await;
    assert!(browser.shows("Don’t ask again on this device for 30 days"));
    let strategy = ("strategy", "recovery_code");
    let page = "/sign-in/second-factor";
    let trust = ("trust_device", "true");
    browser
        .submit(page, &[strategy, ("code", "wrong"), trust])
        .await;
    assert!(browser.shows("value=\"true\" checked"), "the tick is kept");
    browser
        .submit(page, &[strategy, ("code", &codes[0]), trust])
        .await;
    assert_eq!(browser.path, "/account");
    browser.submit("/sign-out", &[]).await;
    first_factor(&mut browser).await;
    assert_eq!(browser.path, "/account", "the device stands in");

    browser.open("/account/sessions").await;
    assert!(browser.shows("Trusted until"));
    let (_, form) = browser.page.split_once("forget-device").unwrap();
    let (_, id) = form.split_once("name=\"id\" value=\"").unwrap();
    let id = id.split('"').next().unwrap().to_owned();
    browser
        .submit("/account/sessions/forget-device", &[("id", &id)])
        .await;
    assert!(browser.shows("That device is forgotten."));
    browser.submit("/sign-out", &[]).await;
    first_factor(&mut browser).await;
    assert_eq!(browser.path, "/sign-in/second-factor");
}
