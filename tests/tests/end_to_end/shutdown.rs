//! SIGTERM: what was accepted is finished, and nothing more is accepted.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{Client, PASSWORD, Stage, until};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_request_that_is_half_sent_is_still_answered() {
    let stage = Stage::set().await;
    stage
        .browser()
        .sign_up(&stage.mailbox, "ada@example.com")
        .await;
    let body = json!({ "identifier": "ada@example.com", "password": PASSWORD }).to_string();
    let (first, rest) = body.split_at(10);
    let head = format!(
        "POST /v1/client/sign-ins HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{first}",
        body.len()
    );
    let address = ("127.0.0.1", stage.place.port());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // An answer on a later connection shows that the server has taken the first one.
    stage.browser().get("/healthz").await.expect(200);

    stage.server.terminate().await;
    until("nothing more is accepted", PATIENCE, async || {
        TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer))
        .await
        .expect("the connection is closed after the answer")
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"status\":\"complete\""), "{answer}");
    stage.server.ended().await.well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ins_that_are_being_hashed_are_finished() {
    // As many tries as one account has at once.
    const CALLERS: usize = 10;
    let stage = Stage::set().await;
    stage
        .browser()
        .sign_up(&stage.mailbox, "ada@example.com")
        .await;
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let app = stage.app();
        callers.spawn(async move { (app.try_sign_in("ada@example.com", PASSWORD).await, app) });
    }
    // One answer is there, the others are in work.
    let (first, _) = callers.join_next().await.unwrap().unwrap();
    first.unwrap().expect(200);
    stage.server.terminate().await;
    let mut finished = Vec::new();
    while let Some(done) = callers.join_next().await {
        let (reply, app) = done.unwrap();
        // A connection that the server had not taken yet is refused; one that it took is answered.
        if let Ok(reply) = reply {
            reply.expect(200);
            finished.push(app);
        }
    }
    stage.server.ended().await.well();
    assert!(!finished.is_empty(), "no request was under way");

    let server = stage.place.start().await;
    for app in finished {
        let again = Client::by_tokens(server.origin());
        let kept = crate::refresh::refresh(&again, &app.refresh_token()).await;
        kept.expect(200);
    }
    server.stop().await.well();
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_it_up() {
    let stage = Stage::set().await;
    let address = ("127.0.0.1", stage.place.port());
    let mut idle = TcpStream::connect(address).await.unwrap();
    stage.browser().get("/healthz").await.expect(200);
    timeout(Duration::from_secs(5), stage.server.stop())
        .await
        .expect("it ends although somebody is connected")
        .well();
    let mut rest = Vec::new();
    let read = idle.read_to_end(&mut rest).await;
    assert!(read.is_err() || rest.is_empty());
}
