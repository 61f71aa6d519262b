//! Many threads at once: of all requests that redeem one secret, one gets what it is worth.

use std::sync::Barrier;
use std::thread;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use crate::support::{ADA, Application, PASSWORD, json_of};

const THREADS: usize = 50;

/// What `THREADS` threads get that send one request at the same moment.
fn at_once(send: impl Fn() -> Response<Bytes> + Sync) -> Vec<(u16, Value)> {
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let response = send();
                    (response.status().as_u16(), json_of(&response))
                })
            })
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.collect()
    })
}

fn count(replies: &[(u16, Value)], status: u16) -> usize {
    replies.iter().filter(|reply| reply.0 == status).count()
}

/// A sign-in that was begun: its path and token.
fn begin(application: &Application) -> (String, String) {
    let body = json!({ "identifier": ADA, "transport": "bearer" });
    let begun = json_of(&application.post("/v1/client/sign-ins", &[], &body));
    let text = |name: &str| begun[name].as_str().unwrap().to_owned();
    (
        format!("/v1/client/sign-ins/{}", text("id")),
        text("attempt_token"),
    )
}

fn prepare(application: &Application, path: &str, token: &str, strategy: &str) {
    let sent = application.post(
        &format!("{path}/prepare-first-factor"),
        &[("zalt-attempt", token)],
        &json!({ "strategy": strategy }),
    );
    assert_eq!(sent.status(), 200);
}

#[test]
fn fifty_refreshes_of_one_token_leave_one_live_successor() {
    let application = Application::at("https://auth.example.com");
    let tokens = json_of(&application.sign_up("bearer"));
    let path = "/v1/client/tokens/refresh";
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    let replies = at_once(|| application.post(path, &[], &body));
    assert_eq!(count(&replies, 200), THREADS, "{replies:?}");
    let mut successors: Vec<_> = replies
        .iter()
        .map(|(_, reply)| reply["refresh_token"].as_str().unwrap())
        .collect();
    successors.sort_unstable();
    successors.dedup();
    let [successor] = successors[..] else {
        panic!("{} successors", successors.len());
    };
    let body = json!({ "refresh_token": successor });
    assert_eq!(application.post(path, &[], &body).status(), 200);
}

#[test]
fn one_code_makes_one_session() {
    let application = Application::at("https://auth.example.com");
    application.sign_up("cookie");
    let (path, token) = begin(&application);
    prepare(&application, &path, &token, "email_code");
    let body = json!({ "strategy": "email_code", "code": application.proof().0 });
    let factor = format!("{path}/attempt-first-factor");
    let replies = at_once(|| application.post(&factor, &[("zalt-attempt", &token)], &body));
    assert_eq!(count(&replies, 200), 1, "{replies:?}");
}

#[test]
fn one_reset_link_goes_to_one_browser() {
    let application = Application::at("https://auth.example.com");
    application.sign_up("cookie");
    let (path, token) = begin(&application);
    prepare(&application, &path, &token, "reset_password_email_link");
    let body = json!({ "token": application.proof().1 });
    let claim = "/v1/client/sign-ins/claim-reset-link";
    let replies = at_once(|| application.post(claim, &[], &body));
    assert_eq!(count(&replies, 200), 1, "{replies:?}");
    assert_eq!(application.post(claim, &[], &body).status(), 422);
}

#[test]
fn guessing_in_parallel_gets_no_more_tries_than_in_turn() {
    let application = Application::at("https://auth.example.com");
    application.sign_up("cookie");
    let body = json!({ "identifier": ADA, "password": "not the password" });
    let replies = at_once(|| application.post("/v1/client/sign-ins", &[], &body));
    assert_eq!(count(&replies, 422), 11, "{replies:?}");
    assert_eq!(count(&replies, 429), THREADS - 11, "{replies:?}");
}

#[test]
fn two_who_sign_up_with_one_name_at_once_do_not_both_get_it() {
    let application = Application::at("https://auth.example.com");
    let begin = |address: &str| {
        let body = json!({
            "email_address": address, "password": PASSWORD, "username": "ada", "transport": "bearer",
        });
        let begun = json_of(&application.post("/v1/client/sign-ups", &[], &body));
        let code = application.proof_for(address).0;
        (begun, code)
    };
    let attempts = [begin("ada@example.com"), begin("eve@example.com")];
    let barrier = Barrier::new(attempts.len());
    let finish = |(begun, code): &(Value, String)| {
        let path = format!(
            "/v1/client/sign-ups/{}/attempt-verification",
            begun["id"].as_str().unwrap()
        );
        let token = begun["attempt_token"].as_str().unwrap();
        barrier.wait();
        let done = application.post(&path, &[("zalt-attempt", token)], &json!({ "code": code }));
        (done.status().as_u16(), json_of(&done))
    };
    let replies: Vec<_> = thread::scope(|scope| {
        let threads = attempts
            .each_ref()
            .map(|attempt| scope.spawn(|| finish(attempt)));
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(count(&replies, 200), 1, "{replies:?}");
    assert_eq!(count(&replies, 409), 1, "{replies:?}");
}
