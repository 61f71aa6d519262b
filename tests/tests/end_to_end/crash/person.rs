use serde_json::{Value, json};

use super::ledger::{Ledger, User};
use crate::support::{Client, Mailbox, Random, Reply};

/// Signs up, uses the account for a while and begins again, until a request fails.
pub(super) async fn live(origin: &str, mailbox: &Mailbox, ledger: &Ledger, mut random: Random) {
    while let Some(user) = sign_up(origin, mailbox, ledger).await {
        let mut alive = true;
        while alive {
            let done = match random.below(8) {
                0..=1 => break,
                2..=5 => user.refresh(origin).await,
                6 => user.change_password(origin).await,
                _ => {
                    alive = false;
                    user.sign_out(origin).await
                }
            };
            if done.is_none() {
                return;
            }
        }
    }
}

/// `None` once the server is gone.
async fn sign_up(origin: &str, mailbox: &Mailbox, ledger: &Ledger) -> Option<std::sync::Arc<User>> {
    let app = Client::by_tokens(origin);
    let user = ledger.newcomer();
    let body = json!({ "email_address": user.email(), "password": user.password(), "transport": "bearer" });
    let begun = send(&app, "/v1/client/sign-ups", body).await?;
    let id = begun.expect(201)["id"].as_str()?.to_owned();
    user.begun();
    let code = mailbox.code(user.email()).await;
    let verify = format!("/v1/client/sign-ups/{id}/attempt-verification");
    let done = send(&app, &verify, json!({ "code": code })).await?;
    user.signed_up(
        done.expect(200)["refresh_token"].as_str()?,
        app.access_token(),
    );
    Some(user)
}

impl User {
    async fn refresh(&self, origin: &str) -> Option<()> {
        let token = self.begin_refresh();
        let app = Client::by_tokens(origin);
        let reply = send(
            &app,
            "/v1/client/tokens/refresh",
            json!({ "refresh_token": token }),
        )
        .await?;
        reply.expect(200);
        self.refreshed(&app.refresh_token(), app.access_token());
        Some(())
    }

    async fn change_password(&self, origin: &str) -> Option<()> {
        let (old, new) = self.begin_change();
        let body =
            json!({ "current_password": old, "new_password": new, "sign_out_others": false });
        let reply = self.send(origin, "/v1/client/me/password", body).await?;
        reply.expect(204);
        self.changed();
        Some(())
    }

    async fn sign_out(&self, origin: &str) -> Option<()> {
        self.begin_sign_out();
        let reply = self.send(origin, "/v1/client/sign-out", json!({})).await?;
        reply.expect(204);
        self.signed_out();
        Some(())
    }

    async fn send(&self, origin: &str, path: &str, body: Value) -> Option<Reply> {
        let app = Client::by_tokens(origin);
        let request = app
            .request(reqwest::Method::POST, path)
            .bearer_auth(self.access_token());
        app.send(request.json(&body)).await.ok()
    }
}

async fn send(app: &Client, path: &str, body: Value) -> Option<Reply> {
    app.try_post(path, body).await.ok()
}
