//! What happens as days go by. The clock of the server is moved by libfaketime; the test does not wait.

use serde_json::{Value, json};

use crate::support::{Client, Clock, Mailbox, PASSWORD, Place, Reply, Server, Setup};

const ADA: &str = "ada@example.com";

/// A place whose clock is in the test's hand.
struct Era {
    mailbox: Mailbox,
    place: Place,
    clock: Clock,
}

#[tokio::test]
async fn sessions_end_when_nobody_uses_them_and_at_their_latest() {
    let Some(era) = Era::begin().await else {
        return;
    };
    let server = era.start("+0").await;
    let (idle, busy) = (era.browser(&server), era.app(&server));
    busy.sign_up(&era.mailbox, ADA).await;
    idle.sign_in(ADA, PASSWORD).await.expect(200);
    server.stop().await.well();

    for (days, alive) in [
        ("+13d", true),
        ("+26d", true),
        ("+29d", true),
        ("+732h", false),
    ] {
        let server = era.start(days).await;
        let reply = refresh(&busy).await;
        if alive {
            reply.expect(200);
            busy.get("/v1/client/me").await.expect(200);
        } else {
            reply.problem(401, "session_over");
        }
        if days != "+13d" {
            assert_eq!(
                idle.get("/v1/client/me").await.status,
                401,
                "unused for 14 days, at {days}"
            );
        }
        server.stop().await.well();
    }
}

#[tokio::test]
async fn codes_links_and_attempts_end() {
    let Some(era) = Era::begin().await else {
        return;
    };
    let server = era.start("+0").await;
    let client = era.browser(&server);
    let attempt = client.begin_sign_up(ADA, PASSWORD).await;
    let code = era.mailbox.code(ADA).await;
    let verify = format!("{attempt}/attempt-verification");
    server.stop().await.well();

    let server = era.start("+11m").await;
    let late = client.post(&verify, json!({ "code": code })).await;
    late.problem(422, "code_incorrect");
    let prepare = format!("{attempt}/prepare-verification");
    client
        .post(&prepare, json!({ "strategy": "email_code" }))
        .await
        .expect(200);
    let code = era.mailbox.code(ADA).await;
    server.stop().await.well();

    let server = era.start("+61m").await;
    let late = client.post(&verify, json!({ "code": code })).await;
    late.problem(404, "attempt_not_found");
    server.stop().await.well();
}

#[tokio::test]
async fn access_tokens_end_and_changes_ask_for_the_password_again() {
    let Some(era) = Era::begin().await else {
        return;
    };
    let server = era.start("+0").await;
    let (app, browser) = (era.app(&server), era.browser(&server));
    app.sign_up(&era.mailbox, ADA).await;
    browser.sign_in(ADA, PASSWORD).await.expect(200);
    server.stop().await.well();

    let server = era.start("+15m").await;
    app.get("/v1/client/me")
        .await
        .problem(401, "unauthenticated");
    refresh(&app).await.expect(200);
    app.get("/v1/client/me").await.expect(200);

    let add = json!({ "email_address": "countess@example.org" });
    let path = "/v1/client/me/email-addresses";
    for client in [&app, &browser] {
        client
            .post(path, add.clone())
            .await
            .problem(403, "reauthentication_required");
        let again = json!({ "password": PASSWORD });
        client
            .post("/v1/client/reauthenticate", again)
            .await
            .expect(200);
    }
    app.post(path, add).await.expect(201);
    let other = json!({ "email_address": "lady@example.org" });
    browser.post(path, other).await.expect(201);
    server.stop().await.well();
}

#[tokio::test]
async fn signing_keys_rotate_and_old_tokens_still_verify() {
    let Some(era) = Era::begin().await else {
        return;
    };
    let mut known: Vec<Value> = Vec::new();
    for (days, at_least) in [
        ("+0", 1),
        ("+89d", 2),
        ("+91d", 1),
        ("+181d", 2),
        ("+183d", 1),
    ] {
        let server = era.start(days).await;
        let app = era.app(&server);
        if days == "+0" {
            app.sign_up(&era.mailbox, ADA).await;
        } else {
            app.sign_in(ADA, PASSWORD).await.expect(200);
        }
        let set = app.get("/.well-known/jwks.json").await;
        let keys = set.expect(200)["keys"].as_array().unwrap().clone();
        assert!(keys.len() >= at_least, "{days}: {}", set.text);
        for key in &keys {
            assert!(
                key["d"].is_null() && key["k"].is_null(),
                "public parts only"
            );
        }
        let signer = keys.iter().find(|key| key["kid"] == kid(&app));
        let signer = signer.expect("the key that signs is published").clone();
        app.get("/v1/client/me").await.expect(200);
        if !known.contains(&signer) {
            known.push(signer);
        }
        server.stop().await.well();
    }
    assert!(known.len() >= 3, "a key signs for 90 days: {known:?}");
}

#[tokio::test]
async fn waiting_gives_a_locked_account_back() {
    let Some(era) = Era::begin().await else {
        return;
    };
    let server = era.start("+0").await;
    let owner = era.browser(&server);
    owner.sign_up(&era.mailbox, ADA).await;
    let stranger = era.browser(&server);
    let mut refused = stranger.sign_in(ADA, "a wrong password").await;
    for _ in 0..20 {
        if refused.status == 429 {
            break;
        }
        refused = stranger.sign_in(ADA, "a wrong password").await;
    }
    refused.problem(429, "rate_limited");
    assert!(refused.headers.contains_key("retry-after"));
    stranger
        .sign_in(ADA, PASSWORD)
        .await
        .problem(429, "rate_limited");
    owner.get("/v1/client/me").await.expect(200);
    server.stop().await.well();

    // The count is kept over a restart, and so is the wait.
    let server = era.start("+1").await;
    stranger
        .sign_in(ADA, PASSWORD)
        .await
        .problem(429, "rate_limited");
    server.stop().await.well();
    let server = era.start("+2h").await;
    stranger.sign_in(ADA, PASSWORD).await.expect(200);
    server.stop().await.well();
}

#[tokio::test]
async fn a_clock_that_goes_back_breaks_nothing() {
    let Some(era) = Era::begin().await else {
        return;
    };
    let server = era.start("+1d").await;
    let (app, browser) = (era.app(&server), era.browser(&server));
    app.sign_up(&era.mailbox, ADA).await;
    browser.sign_in(ADA, PASSWORD).await.expect(200);
    server.stop().await.well();

    let server = era.start("+0").await;
    browser.get("/v1/client/me").await.expect(200);
    refresh(&app).await.expect(200);
    era.browser(&server)
        .sign_in(ADA, PASSWORD)
        .await
        .expect(200);
    server.stop().await.well();
}

impl Era {
    /// `None`, with the reason printed, where libfaketime is not installed and nobody promised that it is.
    async fn begin() -> Option<Self> {
        let clock = Clock::at("+0")?;
        let mailbox = Mailbox::open().await;
        let setup = Setup::default().mail_to(&mailbox);
        let place = Place::new(clock.applied_to(setup));
        Some(Self {
            mailbox,
            place,
            clock,
        })
    }

    /// Starts the server with its clock moved by this much.
    async fn start(&self, shift: &str) -> Server {
        self.clock.set(shift);
        self.place.start().await
    }

    #[expect(clippy::unused_self, reason = "reads as a visit in that era")]
    fn browser(&self, server: &Server) -> Client {
        Client::by_cookie(server.origin())
    }

    #[expect(clippy::unused_self, reason = "reads as a visit in that era")]
    fn app(&self, server: &Server) -> Client {
        Client::by_tokens(server.origin())
    }
}

async fn refresh(app: &Client) -> Reply {
    crate::refresh::refresh(app, &app.refresh_token()).await
}

/// The key id in the head of the access token, which is JSON in base64.
fn kid(app: &Client) -> String {
    use base64::Engine;
    let token = app.access_token();
    let (head, _) = token.split_once('.').unwrap();
    let head = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(head)
        .unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}
