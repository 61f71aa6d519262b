//! Mail: what goes out, and what happens while the mail server is away.

use serde_json::json;

use crate::support::{Client, Mailbox, PASSWORD, Place, Setup, Stage};

#[tokio::test]
async fn mail_has_what_mail_programs_want() {
    let stage = Stage::set().await;
    let client = stage.browser();
    let path = client.begin_sign_in("ada@example.com").await;
    let prepare = format!("{path}/prepare-first-factor");
    client
        .post(&prepare, json!({ "strategy": "email_link" }))
        .await
        .expect(200);
    client.sign_up(&stage.mailbox, "ada@example.com").await;
    let letters = stage.mailbox.letters();
    assert_eq!(
        letters.len(),
        1,
        "an address that nobody has gets no mail for a sign-in"
    );
    let letter = &letters[0];
    for header in [
        "From: Zalt <no-reply@example.com>",
        "To: ada@example.com",
        "Subject: ",
        "Date: ",
        "Message-ID: ",
        "MIME-Version: 1.0",
        "multipart/alternative",
        "text/plain",
        "text/html",
    ] {
        assert!(
            letter.text.contains(header),
            "{header} is not in {}",
            letter.text
        );
    }
    stage.server.stop().await.well();
}

#[tokio::test]
async fn mail_waits_for_the_mail_server_and_survives_a_restart() {
    // A port on which nobody listens yet.
    let mailbox = Mailbox::open().await;
    let away = Mailbox::closed();
    let mut place = Place::new(Setup::default().env("SMTP_URL", away));
    let server = place.start().await;
    let client = Client::by_cookie(server.origin());
    let attempt = client.begin_sign_up("ada@example.com", PASSWORD).await;
    client.get("/readyz").await.expect(200);
    server.kill().await;

    // The mail server is back, at another address.
    place.setup_mut().environment.clear();
    *place.setup_mut() = place.setup().clone().mail_to(&mailbox);
    let server = place.start().await;
    let code = mailbox.code("ada@example.com").await;
    let verify = format!("{attempt}/attempt-verification");
    client
        .post(&verify, json!({ "code": code }))
        .await
        .expect(200);
    server.stop().await.well();
}
