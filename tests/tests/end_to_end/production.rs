//! Production refuses what is unsafe, and says what to set.

use crate::support::{Client, Mailbox, Place, Setup};

/// 32 bytes in base64.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

#[tokio::test]
async fn nothing_set_is_refused_with_the_whole_list() {
    let setup = Setup::default()
        .env("ZALT_ENV", "production")
        .env("ZALT_BASE_URL", "");
    let place = Place::new(setup);
    for command in [&["serve"][..], &[], &["doctor"]] {
        let ended = place.run(command).await;
        ended.refused(&["ZALT_BASE_URL", "https", "ENCRYPTION_KEY", "SMTP_URL"]);
    }
    assert!(!place.data().exists(), "nothing was made");
}

#[tokio::test]
async fn a_base_url_that_others_reach_means_production() {
    let place = Place::new(Setup::default().env("ZALT_BASE_URL", "https://auth.example.com"));
    place
        .run(&["serve"])
        .await
        .refused(&["ENCRYPTION_KEY", "SMTP_URL"]);
    let setup = Setup::default()
        .env("ZALT_BASE_URL", "https://auth.example.com")
        .env("ZALT_ENV", "development");
    place_refuses(setup, &["ZALT_ENV", "auth.example.com"]).await;
}

#[tokio::test]
async fn each_unsafe_setting_is_refused_by_name() {
    let good = || production("smtps://mail.example.com?from=no-reply@example.com");
    for (name, value, words) in [
        (
            "ZALT_BASE_URL",
            "http://auth.example.com",
            &["ZALT_BASE_URL", "https"][..],
        ),
        (
            "ZALT_BASE_URL",
            "https://auth.example.com/path",
            &["ZALT_BASE_URL"],
        ),
        ("ENCRYPTION_KEY", "c2hvcnQ=", &["ENCRYPTION_KEY", "32"]),
        ("ENCRYPTION_KEY", "not base64!", &["ENCRYPTION_KEY"]),
        ("JWT_SECRET", "short", &["JWT_SECRET", "32"]),
        (
            "SMTP_URL",
            "smtp://mail.example.com?tls=none&from=a@example.com",
            &["SMTP_URL", "tls"],
        ),
        (
            "SMTP_URL",
            "smtps://mail.example.com",
            &["SMTP_URL", "from"],
        ),
        ("ZALT_LISTEN", "everywhere", &["ZALT_LISTEN"]),
        ("ZALT_ENV", "staging", &["ZALT_ENV", "production"]),
        (
            "ZALT_HASHING_MEMORY_KIB",
            "64",
            &["ZALT_HASHING_MEMORY_KIB"],
        ),
    ] {
        let setup = good().env(name, value);
        place_refuses(setup, words).await;
    }
}

#[tokio::test]
async fn a_setting_out_of_its_range_is_refused_with_the_range() {
    let setup = Setup::default().env("ZALT_SESSIONS_REFRESH_GRACE", "3d");
    let ended = Place::new(setup).run(&["serve"]).await;
    ended.refused(&["sessions.refresh_grace", "120s"]);
}

#[tokio::test]
async fn unknown_keys_of_the_file_are_refused_with_a_suggestion() {
    let setup = Setup::default().config("listne = \"127.0.0.1:1\"\n[sessions]\nidle_time = \"1d\"");
    place_refuses(setup, &["listne", "listen", "sessions.idle_time"]).await;
    place_refuses(Setup::default().config("listen = "), &["zalt.toml"]).await;
    let missing = Setup::default().env("ZALT_CONFIG", "/nowhere/zalt.toml");
    place_refuses(missing, &["/nowhere/zalt.toml"]).await;
}

#[tokio::test]
async fn a_refusal_never_repeats_a_secret() {
    let setup = production("smtps://user:planted-secret@mail.example.com/path?from=a@example.com")
        .env("JWT_SECRET", "planted-secret")
        .env("ENCRYPTION_KEY", "planted-secret");
    let ended = Place::new(setup).run(&["serve"]).await;
    ended.refused(&["SMTP_URL", "JWT_SECRET", "ENCRYPTION_KEY"]);
    assert!(!ended.said.contains("planted"), "{}", ended.said);
}

#[tokio::test]
async fn a_safe_configuration_serves_strictly() {
    let mailbox = Mailbox::open().await;
    let place = Place::new(production(&mailbox.url()));
    let mut server = place.spawn();
    server.ready().await;
    let browser = Client::by_cookie(server.origin());

    browser.get("/dev/inbox").await.expect(404);
    let page = browser.get("/sign-in").await;
    page.expect(200);
    assert!(
        page.headers["strict-transport-security"]
            .to_str()
            .unwrap()
            .contains("max-age=31536000")
    );
    assert!(!page.text.contains("Development mode"));

    // The mail links to the configured address, whatever the client calls the server.
    let attempt = browser.begin_sign_in("nobody@example.com").await;
    let cookie = browser.cookie("__Host-zalt_sign_in");
    assert!(
        cookie.is_some(),
        "{attempt} is held by a cookie with the prefix"
    );
    browser
        .begin_sign_up("ada@example.com", crate::support::PASSWORD)
        .await;
    mailbox.code("ada@example.com").await;
    let log = server.log();
    let lines = log.lines().filter(|line| line.starts_with('{')).count();
    assert!(lines > 0, "the log is JSON: {log}");
    assert!(
        !place.data().join("encryption.key").exists(),
        "the key stays where the operator keeps it"
    );
    server.stop().await.well();
}

fn production(smtp: &str) -> Setup {
    Setup::default()
        .env("ZALT_ENV", "production")
        .env("ZALT_BASE_URL", "https://auth.example.com")
        .env("ENCRYPTION_KEY", KEY)
        .env("SMTP_URL", smtp)
}

async fn place_refuses(setup: Setup, words: &[&str]) {
    let place = Place::new(setup);
    place.run(&["serve"]).await.refused(words);
    assert!(!place.data().exists(), "nothing was made");
}
