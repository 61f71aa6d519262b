//! Sign-ins against bare Argon2id on as many threads; the same under load; memory and refusal when too many come at once.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::body::Body;
use futures_util::future::join_all;
use tower::ServiceExt;
use zalt_core::session::Transport;
use zalt_core::{RequestContext, Zalt};

use super::report::Report;
use crate::app::{App, PASSWORD, address, password};
use crate::drive::PATIENCE;
use crate::load::{Arrivals, Schedule, closed_loop, median, open_loop};
use crate::process::{Process, mib};

const USERS: usize = 200;
const ROUNDS: u32 = 3;

pub(crate) async fn measure(report: &mut Report, time: Duration) {
    let app = App::new(true).await;
    let before = resident();
    app.users(USERS).await;
    overload(report, &app, before).await;
    let threads = app.zalt.config().hashing.threads.get();
    let (mut raw, mut through) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        raw.push(raw_per_second(threads, time));
        let zalt = app.zalt.clone();
        let load = closed_loop(threads * 4, time, move |client| {
            let zalt = zalt.clone();
            async move { signed_in(&zalt, client).await }
        });
        through.push(load.await.per_second());
    }
    let (raw, through) = (median(raw), median(through));
    report.add(
        "password sign-ins per second",
        format!("{through:.1}/s, {:.1} %", 100.0 * through / raw),
        format!("{raw:.1}/s bare Argon2id on {threads} threads"),
        "≥ 95 %",
        through >= 0.95 * raw,
    );

    let zalt = app.zalt.clone();
    let schedule = Schedule {
        arrivals: Arrivals::Constant,
        rate: 0.7 * through,
        time: time * 2,
        most: usize::MAX,
        seed: 0,
    };
    let load = open_loop(&schedule, PATIENCE, move |index| {
        let zalt = zalt.clone();
        async move { signed_in(&zalt, index).await }
    })
    .await
    .latencies;
    let one_hash = Duration::from_secs_f64(threads as f64 / raw);
    let p95 = load.quantile(0.95);
    report.add(
        "sign-in p95 at 70 % of that load",
        format!(
            "{:.0} ms (p50 {:.0} ms)",
            millis(p95),
            millis(load.quantile(0.5))
        ),
        format!("one hash, {:.0} ms", millis(one_hash)),
        "≤ 3 ×, < 200 ms",
        p95 <= one_hash * 3 && p95 < Duration::from_millis(200),
    );
}

/// Requests that come when the queue is full. A few slots get free while they are on their way.
const LATE: usize = 32;

/// Fills the pool and its queue, measures the memory, and asks some more.
async fn overload(report: &mut Report, app: &App, before: u64) {
    let threads = app.zalt.config().hashing.threads.get();
    let queue = app.zalt.config().hashing.queue.get();
    let waiting: Vec<_> = (0..threads + queue)
        .map(|index| {
            let zalt = app.zalt.clone();
            tokio::spawn(async move { sign_in(&zalt, index).await })
        })
        .collect();
    while app.zalt.waiting_hashes() < queue - 2 {
        tokio::task::yield_now().await;
    }
    let service = zalt_http::router(app.zalt.clone(), zalt_http::HttpConfig::default());
    let replies = join_all((0..LATE).map(|index| late_request(service.clone(), index))).await;
    let mut refused: Vec<_> = replies
        .iter()
        .filter(|(status, retry_after, _)| *status == 503 && retry_after.is_some())
        .collect();
    refused.sort_by_key(|(_, _, took)| *took);
    let slowest = refused.last().map_or(Duration::MAX, |(_, _, took)| *took);
    report.add(
        "answer past the queue's bound",
        format!(
            "{} of {LATE} refused with 503 and Retry-After {}, the slowest in {:.1} ms",
            refused.len(),
            refused
                .last()
                .and_then(|(_, retry_after, _)| retry_after.as_deref())
                .unwrap_or("none"),
            millis(slowest)
        ),
        format!("{queue} sign-ins waiting"),
        "503 within 50 ms",
        refused.len() > LATE / 2 && slowest < Duration::from_millis(50),
    );
    let peak = peak_until(waiting).await;
    let permits = threads as u64 * u64::from(app.zalt.config().hashing.params.memory_kib()) * 1024;
    let grown = peak.saturating_sub(before);
    report.add(
        "memory while 256 sign-ins wait",
        format!("+ {:.1} MiB (from {:.1} MiB)", mib(grown), mib(before)),
        format!("{threads} permits × 19 MiB = {:.1} MiB", mib(permits)),
        "+ 32 MiB at most",
        grown <= permits + 32 * 1024 * 1024,
    );
}

/// The memory of this process.
fn resident() -> u64 {
    let memory = Process::own().memory();
    memory.expect("this process runs").resident
}

async fn late_request(service: axum::Router, index: usize) -> (u16, Option<String>, Duration) {
    let body = format!(
        r#"{{"identifier":"{}","password":"{}"}}"#,
        address(index),
        PASSWORD
    );
    let request = http::Request::post("/v1/client/sign-ins")
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap();
    let begun = Instant::now();
    let reply = service.oneshot(request).await.unwrap();
    let took = begun.elapsed();
    let retry_after = reply.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    (reply.status().as_u16(), retry_after, took)
}

/// The most memory that the process has until all the sign-ins are done.
async fn peak_until(waiting: Vec<tokio::task::JoinHandle<()>>) -> u64 {
    let done = join_all(waiting);
    tokio::pin!(done);
    let mut peak = 0;
    loop {
        peak = peak.max(resident());
        tokio::select! {
            _ = &mut done => return peak,
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    }
}

async fn signed_in(zalt: &Zalt, index: usize) -> Result<(), Infallible> {
    sign_in(zalt, index).await;
    Ok(())
}

/// Signs in. Anything but success would make the figures better than they are.
async fn sign_in(zalt: &Zalt, index: usize) {
    let result = zalt
        .sign_ins()
        .with_password(
            &RequestContext::internal(),
            &address(index % USERS),
            password(),
            Transport::Cookie,
        )
        .await;
    if let Err(error) = result {
        panic!("a sign-in failed: {error}");
    }
}

/// What the machine can do: the same parameters, each thread with memory of its own that it keeps.
fn raw_per_second(threads: usize, time: Duration) -> f64 {
    let begun = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            std::thread::spawn(move || {
                let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
                let mut memory = vec![Block::default(); params.block_count()];
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                let mut out = [0; 32];
                let mut count = 0_u32;
                while begun.elapsed() < time {
                    argon2
                        .hash_password_into_with_memory(
                            PASSWORD.as_bytes(),
                            b"0123456789abcdef",
                            &mut out,
                            &mut memory,
                        )
                        .unwrap();
                    count += 1;
                }
                f64::from(count)
            })
        })
        .collect();
    let hashes: f64 = workers
        .into_iter()
        .map(|worker| worker.join().expect("a thread ends"))
        .sum();
    hashes / begun.elapsed().as_secs_f64()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
