//! Refresh tokens: many at once, and the replay of an old one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{Client, Reply, Setup, Stage, until};

const REFRESH: &str = "/v1/client/tokens/refresh";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_refreshes_at_once_end_in_one_live_successor() {
    const CALLERS: usize = 50;
    let stage = Stage::set().await;
    let app = Arc::new(stage.app());
    app.sign_up(&stage.mailbox, "ada@example.com").await;

    for _ in 0..5 {
        let token = app.refresh_token();
        let barrier = Arc::new(Barrier::new(CALLERS));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (app, barrier, token) = (app.twin(), Arc::clone(&barrier), token.clone());
            callers.spawn(async move {
                barrier.wait().await;
                refresh(&app, &token).await
            });
        }
        let mut successors = BTreeSet::new();
        while let Some(reply) = callers.join_next().await {
            let reply = reply.unwrap();
            let successor = reply.expect(200)["refresh_token"].as_str().unwrap();
            successors.insert(successor.to_owned());
        }
        assert_eq!(successors.len(), 1, "a token has one successor");
        let [successor] = successors
            .into_iter()
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        assert_ne!(successor, token);
        refresh(&app, &successor).await.expect(200);
        let sessions = app.get("/v1/client/sessions").await;
        assert_eq!(sessions.expect(200)["data"].as_array().unwrap().len(), 1);
    }
    stage.server.stop().await.well();
}

#[tokio::test]
async fn a_lost_reply_costs_nothing_within_the_grace() {
    let stage = Stage::set().await;
    let app = stage.app();
    app.sign_up(&stage.mailbox, "ada@example.com").await;
    let token = app.refresh_token();
    let lost = refresh(&app, &token).await;
    let again = refresh(&app, &token).await;
    assert_eq!(
        lost.expect(200)["refresh_token"],
        again.expect(200)["refresh_token"]
    );
    stage.server.stop().await.well();
}

#[tokio::test]
async fn a_replay_after_the_successor_was_used_ends_the_session() {
    let stage = Stage::set().await;
    let app = stage.app();
    app.sign_up(&stage.mailbox, "ada@example.com").await;
    let old = app.refresh_token();
    refresh(&app, &old).await.expect(200);
    let current = app.refresh_token();
    refresh(&app, &current).await.expect(200);

    refresh(&app.twin(), &old)
        .await
        .problem(401, "refresh_token_invalid");
    is_over(&stage, &app).await;
    stage.server.stop().await.well();
}

#[tokio::test]
async fn a_replay_after_the_grace_ends_the_session() {
    let stage = Stage::with(Setup::default().env("ZALT_SESSIONS_REFRESH_GRACE", "1s")).await;
    let app = stage.app();
    app.sign_up(&stage.mailbox, "ada@example.com").await;
    let old = app.refresh_token();
    refresh(&app, &old).await.expect(200);

    // Within the grace a replay does no harm, so it can be repeated until the grace is over.
    let thief = app.twin();
    let refused = until("the grace is over", Duration::from_secs(20), async || {
        let reply = refresh(&thief, &old).await;
        (reply.status != 200).then_some(reply)
    });
    refused.await.problem(401, "refresh_token_invalid");
    is_over(&stage, &app).await;
    stage.server.stop().await.well();
}

/// Nothing of the session works any more, and its owner finds out why.
async fn is_over(stage: &Stage, app: &Client) {
    let current = app.refresh_token();
    refresh(&app.twin(), &current)
        .await
        .problem(401, "session_over");
    let refused = app.get("/v1/client/me").await;
    refused.problem(401, "session_over");

    let owner = stage.app();
    let signed_in = owner
        .sign_in("ada@example.com", crate::support::PASSWORD)
        .await;
    signed_in.expect(200);
    let events = owner.get("/v1/client/me/events").await;
    let reused = events.expect(200)["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "session.refresh_token_reused")
        .count();
    assert_eq!(reused, 1, "{}", events.text);
}

pub(crate) async fn refresh(app: &Client, token: &str) -> Reply {
    app.post(REFRESH, json!({ "refresh_token": token })).await
}
