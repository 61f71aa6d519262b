//! How often something may be tried.

use std::time::Duration;

use serde_json::json;

use crate::client::{Adapter, Reply};
use crate::world::{PASSWORD, World};

const PATH: &str = "/v1/client/sign-ins";

async fn guess(world: &World, identifier: &str, password: &str) -> Reply {
    world
        .post(
            PATH,
            json!({ "identifier": identifier, "password": password }),
        )
        .await
}

/// Guesses until the answer is another one; how many were free.
async fn lock(world: &World, identifier: &str) -> (usize, Reply) {
    for free in 0..50 {
        let reply = guess(world, identifier, "not the password").await;
        if reply.status == 429 {
            return (free, reply);
        }
        reply.problem(422, "credentials_incorrect");
    }
    panic!("{identifier} is never locked");
}

pub(crate) async fn a_locked_password_leaves_sessions_and_links_alone(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let owner = world.signed_up("ada@example.com").await;
    let (free, locked) = lock(&world, "ada@example.com").await;
    assert_eq!(free, 11);
    let locked = locked.problem(429, "rate_limited");
    assert_eq!(locked.json["retry_after"], 30);
    // The right password does not help now.
    guess(&world, "ada@example.com", PASSWORD)
        .await
        .problem(429, "rate_limited");
    // Whoever is signed in stays so.
    owner.get("/v1/client/me").await.is(200);
    // And whoever holds the address gets in.
    let browser = world.browser();
    let begun = browser
        .post(PATH, json!({ "identifier": "ada@example.com" }))
        .await
        .is(201);
    let path = format!("{PATH}/{}", begun.text_at("/id"));
    let body = json!({ "strategy": "email_link" });
    browser
        .post(&format!("{path}/prepare-first-factor"), body)
        .await
        .is(200);
    let token = world.link("ada@example.com").await;
    let body = json!({ "strategy": "email_link", "token": token });
    browser
        .post(&format!("{path}/attempt-first-factor"), body)
        .await
        .is(200);
    // A wait later the password is taken again.
    world.advance(Duration::from_secs(30));
    guess(&world, "ada@example.com", PASSWORD).await.is(200);
}

pub(crate) async fn an_unknown_identifier_is_locked_alike(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let (known, locked) = lock(&world, "ada@example.com").await;
    let (unknown, also_locked) = lock(&world, "eve@example.com").await;
    assert_eq!(known, unknown);
    assert_eq!(locked.json["retry_after"], also_locked.json["retry_after"]);
    assert_eq!(locked.json["detail"], also_locked.json["detail"]);
}
