//! The life of an account, with its sessions held by cookies and by tokens.

use serde_json::{Value, json};

use crate::support::{Client, NEW_PASSWORD, PASSWORD, Stage};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn a_whole_life_by_cookie() {
    let stage = Stage::set().await;
    live(&stage, &stage.browser(), &stage.browser()).await;
    stage.server.stop().await.well();
}

#[tokio::test]
async fn a_whole_life_by_tokens() {
    let stage = Stage::set().await;
    live(&stage, &stage.app(), &stage.app()).await;
    stage.server.stop().await.well();
}

/// From the sign-up to the end, at a desk and with a phone.
async fn live(stage: &Stage, desk: &Client, phone: &Client) {
    sign_up(stage, desk).await;
    change_profile(desk).await;
    sign_in_elsewhere(stage, phone).await;
    end_the_other_session(desk, phone).await;
    change_addresses(stage, desk).await;
    change_password(stage, desk, phone).await;
    sign_out(desk).await;
    reset_password(stage, desk, phone).await;
    read_events(desk).await;
    delete(desk).await;
}

async fn sign_up(stage: &Stage, desk: &Client) {
    let attempt = desk.begin_sign_up("ada@Example.COM", PASSWORD).await;
    let seen = desk.get(&attempt).await;
    assert_eq!(seen.expect(200)["status"], "missing_requirements");
    assert_eq!(seen.body["unverified_fields"], json!(["email_address"]));
    desk.get("/v1/client/me")
        .await
        .problem(401, "unauthenticated");

    let verify = format!("{attempt}/attempt-verification");
    let first = stage.mailbox.code(ADA).await;
    let again = format!("{attempt}/prepare-verification");
    desk.post(&again, json!({ "strategy": "email_code" }))
        .await
        .expect(200);
    let second = stage.mailbox.code(ADA).await;
    desk.post(&verify, json!({ "code": other_than(&second) }))
        .await
        .problem(422, "code_incorrect");
    if first != second {
        let void = desk.post(&verify, json!({ "code": first })).await;
        void.problem(422, "code_incorrect");
    }
    let stranger = desk.twin();
    let done = desk.post(&verify, json!({ "code": second })).await;
    assert_eq!(done.expect(200)["status"], "complete");
    assert_eq!(done.body["user"]["email_addresses"][0]["verified"], true);
    let again = stranger.post(&verify, json!({ "code": second })).await;
    assert!(
        (400..500).contains(&again.status),
        "a code works once: {}",
        again.text
    );

    let me = desk.get("/v1/client/me").await;
    assert_eq!(me.expect(200)["id"], done.body["user"]["id"]);
    assert_eq!(me.headers["cache-control"], "no-store");
}

async fn change_profile(desk: &Client) {
    let profile = json!({ "first_name": "Ada", "last_name": "Lovelace", "unsafe_metadata": { "theme": "dark" } });
    let changed = desk.patch("/v1/client/me", profile).await;
    assert_eq!(changed.expect(200)["first_name"], "Ada");
    let changed = desk
        .patch("/v1/client/me", json!({ "last_name": null }))
        .await;
    assert_eq!(changed.expect(200)["first_name"], "Ada");
    assert_eq!(changed.body["last_name"], Value::Null);
    assert_eq!(changed.body["unsafe_metadata"]["theme"], "dark");
    let named = desk
        .put("/v1/client/me/username", json!({ "username": "ada_l" }))
        .await;
    assert_eq!(named.expect(200)["username"], "ada_l");
}

async fn sign_in_elsewhere(stage: &Stage, phone: &Client) {
    let wrong = phone.sign_in(ADA, "not the password at all").await;
    let unknown = phone.sign_in("nobody@example.com", PASSWORD).await;
    wrong.problem(422, "credentials_incorrect");
    unknown.problem(422, "credentials_incorrect");
    assert_eq!(wrong.body["detail"], unknown.body["detail"]);

    let attempt = phone.begin_sign_in("ada_l").await;
    let factor = format!("{attempt}/attempt-first-factor");
    let by_password = json!({ "strategy": "password", "password": PASSWORD });
    phone.post(&factor, by_password).await.expect(200);
    assert_eq!(me(phone).await["username"], "ada_l");

    let attempt = phone.begin_sign_in("ADA@EXAMPLE.COM").await;
    let prepare = format!("{attempt}/prepare-first-factor");
    let prepared = phone
        .post(&prepare, json!({ "strategy": "email_link" }))
        .await;
    assert_eq!(prepared.expect(200)["challenge"]["strategy"], "email_link");
    let token = stage.mailbox.link_token(ADA).await;
    let factor = format!("{attempt}/attempt-first-factor");
    let by_link = json!({ "strategy": "email_link", "token": token });
    stranger_of(stage)
        .post(&factor, by_link.clone())
        .await
        .problem(404, "attempt_not_found");
    phone.post(&factor, by_link).await.expect(200);
}

async fn end_the_other_session(desk: &Client, phone: &Client) {
    let sessions = desk.get("/v1/client/sessions").await;
    let list = sessions.expect(200)["data"].as_array().unwrap();
    let current: Vec<_> = list.iter().map(|one| &one["is_current"]).collect();
    assert_eq!(current.iter().filter(|&&it| it == true).count(), 1);
    for other in list.iter().filter(|one| one["is_current"] == false) {
        let id = other["id"].as_str().unwrap();
        let ended = desk.delete(&format!("/v1/client/sessions/{id}")).await;
        ended.expect(204);
    }
    let refused = phone.get("/v1/client/me").await;
    refused.problem(401, "session_over");
    desk.get("/v1/client/me").await.expect(200);
    let nobody = "/v1/client/sessions/sess_01h455vb4pex5vsknk084sn02q";
    desk.delete(nobody).await.problem(404, "not_found");
}

async fn change_addresses(stage: &Stage, desk: &Client) {
    let new = "countess@example.org";
    let path = "/v1/client/me/email-addresses";
    let added = desk.post(path, json!({ "email_address": new })).await;
    assert_eq!(added.expect(201)["verified"], false);
    let id = added.body["id"].as_str().unwrap();
    desk.post(&format!("{path}/{id}/make-primary"), json!({}))
        .await
        .problem(409, "identifier_not_verified");
    let prepare = format!("{path}/{id}/prepare-verification");
    let prepared = desk
        .post(&prepare, json!({ "strategy": "email_code" }))
        .await;
    let verification = &prepared.expect(200)["verification"]["id"];
    let code = stage.mailbox.code(new).await;
    let attempt = format!("{path}/{id}/attempt-verification");
    let proof = |code: &str| json!({ "verification_id": verification, "code": code });
    desk.post(&attempt, proof(&other_than(&code)))
        .await
        .problem(422, "code_incorrect");
    let verified = desk.post(&attempt, proof(&code)).await;
    assert_eq!(verified.expect(200)["verified"], true);
    stage.mailbox.about(ADA, new).await;

    let first = me(desk).await["primary_email_address_id"].clone();
    let moved = desk
        .post(&format!("{path}/{id}/make-primary"), json!({}))
        .await;
    assert_eq!(moved.expect(200)["primary_email_address_id"], id);
    let removed = desk
        .delete(&format!("{path}/{}", first.as_str().unwrap()))
        .await;
    removed.expect(204);
    let last = desk.delete(&format!("{path}/{id}")).await;
    last.problem(409, "last_identifier");

    // The first address is back for what follows.
    let added = desk.post(path, json!({ "email_address": ADA })).await;
    let id = added.expect(201)["id"].as_str().unwrap();
    let prepare = format!("{path}/{id}/prepare-verification");
    desk.post(&prepare, json!({ "strategy": "email_link" }))
        .await
        .expect(200);
    let token = stage.mailbox.link_token(ADA).await;
    let attempt = format!("{path}/{id}/attempt-verification");
    desk.post(&attempt, json!({ "token": token }))
        .await
        .expect(200);
}

async fn change_password(stage: &Stage, desk: &Client, phone: &Client) {
    phone.sign_in(ADA, PASSWORD).await.expect(200);
    let path = "/v1/client/me/password";
    let body = |current: &str| json!({ "current_password": current, "new_password": NEW_PASSWORD });
    let wrong = desk.post(path, body("not the password at all")).await;
    assert_eq!(
        wrong.problem(422, "credentials_incorrect")["field"],
        "current_password"
    );
    desk.post(path, body(PASSWORD)).await.expect(204);
    desk.get("/v1/client/me").await.expect(200);
    let ended = phone.get("/v1/client/me").await;
    ended.problem(401, "session_over");
    stage.mailbox.about(ADA, "password").await;
    stranger_of(stage)
        .sign_in(ADA, PASSWORD)
        .await
        .problem(422, "credentials_incorrect");
}

async fn sign_out(desk: &Client) {
    let before = desk.twin();
    desk.post("/v1/client/sign-out", json!({}))
        .await
        .expect(204);
    let after = desk.get("/v1/client/me").await;
    assert_eq!(after.status, 401, "{}", after.text);
    let kept = before.get("/v1/client/me").await;
    kept.problem(401, "session_over");
}

async fn reset_password(stage: &Stage, desk: &Client, phone: &Client) {
    phone.sign_in(ADA, NEW_PASSWORD).await.expect(200);
    let attempt = desk.begin_sign_in(ADA).await;
    let prepare = format!("{attempt}/prepare-first-factor");
    desk.post(&prepare, json!({ "strategy": "reset_password_email_code" }))
        .await
        .expect(200);
    let code = stage.mailbox.code(ADA).await;
    let factor = format!("{attempt}/attempt-first-factor");
    let by_code = json!({ "strategy": "reset_password_email_code", "code": code });
    let proved = desk.post(&factor, by_code).await;
    assert_eq!(proved.expect(200)["status"], "needs_new_password");
    let reset = format!("{attempt}/reset-password");
    let weak = desk.post(&reset, json!({ "password": "password1" })).await;
    weak.problem(422, "password_common");
    let done = desk.post(&reset, json!({ "password": PASSWORD })).await;
    assert_eq!(done.expect(200)["status"], "needs_first_factor");
    assert_eq!(
        desk.get("/v1/client/me").await.status,
        401,
        "a reset signs nobody in"
    );
    let ended = phone.get("/v1/client/me").await;
    ended.problem(401, "session_over");
    desk.sign_in(ADA, NEW_PASSWORD)
        .await
        .problem(422, "credentials_incorrect");
    desk.sign_in(ADA, PASSWORD).await.expect(200);

    reset_by_link(stage).await;
    desk.sign_in(ADA, NEW_PASSWORD).await.expect(200);
}

/// Asked for in one place and taken up in another.
async fn reset_by_link(stage: &Stage) {
    let attempt = stage.browser();
    let path = attempt.begin_sign_in(ADA).await;
    let prepare = format!("{path}/prepare-first-factor");
    let by_link = json!({ "strategy": "reset_password_email_link" });
    attempt.post(&prepare, by_link).await.expect(200);
    let token = stage.mailbox.link_token(ADA).await;

    let elsewhere = stage.browser();
    let claim = "/v1/client/sign-ins/claim-reset-link";
    let claimed = elsewhere.post(claim, json!({ "token": token })).await;
    assert_eq!(claimed.expect(200)["status"], "needs_new_password");
    let id = claimed.body["id"].as_str().unwrap();
    let reset = format!("/v1/client/sign-ins/{id}/reset-password");
    attempt
        .post(&reset, json!({ "password": "a password of whoever asked" }))
        .await
        .problem(404, "attempt_not_found");
    let body = json!({ "password": NEW_PASSWORD });
    elsewhere.post(&reset, body).await.expect(200);
    let again = stage.browser().post(claim, json!({ "token": token })).await;
    assert!(
        (400..500).contains(&again.status),
        "a link works once: {}",
        again.text
    );
}

async fn read_events(desk: &Client) {
    let mut types = Vec::new();
    let mut path = "/v1/client/me/events?limit=10".to_owned();
    loop {
        let page = desk.get(&path).await;
        for event in page.expect(200)["data"].as_array().unwrap() {
            types.push(event["type"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = page.body["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/client/me/events?limit=10&after={cursor}");
    }
    for expected in [
        "user.created",
        "user.updated",
        "identifier.added",
        "identifier.verified",
        "identifier.made_primary",
        "identifier.removed",
        "sign_in.failed",
        "session.created",
        "session.revoked",
        "password.changed",
        "password.reset_requested",
    ] {
        assert!(
            types.iter().any(|it| it == expected),
            "{expected} is not in {types:?}"
        );
    }
    assert_eq!(
        types.last().map(String::as_str),
        types
            .iter()
            .find(|it| *it == "user.created")
            .map(String::as_str)
    );
}

async fn delete(desk: &Client) {
    let before = desk.twin();
    desk.delete("/v1/client/me").await.expect(204);
    assert_eq!(before.get("/v1/client/me").await.status, 401);
    desk.sign_in(ADA, NEW_PASSWORD)
        .await
        .problem(422, "credentials_incorrect");
}

async fn me(client: &Client) -> Value {
    client.get("/v1/client/me").await.expect(200).clone()
}

fn stranger_of(stage: &Stage) -> Client {
    stage.browser()
}

/// Another code.
pub(crate) fn other_than(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}
