//! Sign-ins against bare Argon2id on as many threads; the same under load; memory and refusal when too many come at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::body::Body;
use tower::ServiceExt;
use zalt_core::session::Transport;
use zalt_core::{Error, RequestContext, Zalt};

use crate::app::{App, address, mib, password, resident};
use crate::driver::{closed_loop, median, open_loop};
use crate::report::Report;

const USERS: usize = 200;
const ROUNDS: u32 = 3;

pub(crate) async fn measure(report: &mut Report, time: Duration) {
    let app = App::new(true).await;
    app.users(USERS).await;
    let threads = app.zalt.config().hashing.threads.get();
    let (mut raw, mut through) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        raw.push(raw_per_second(threads, time));
        let zalt = app.zalt.clone();
        let load = closed_loop(threads * 4, time, move |client| {
            let zalt = zalt.clone();
            async move { sign_in(&zalt, client).await }
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
    let load = open_loop(0.7 * through, time * 2, move |index| {
        let zalt = zalt.clone();
        async move { sign_in(&zalt, index).await }
    })
    .await;
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
    overload(report, &app).await;
}

/// Fills the pool and its queue, measures the memory, and asks once more.
async fn overload(report: &mut Report, app: &App) {
    let threads = app.zalt.config().hashing.threads.get();
    let queue = app.zalt.config().hashing.queue.get();
    let before = resident(std::process::id());
    let waiting: Vec<_> = (0..threads + queue)
        .map(|index| {
            let zalt = app.zalt.clone();
            tokio::spawn(async move { sign_in(&zalt, index).await })
        })
        .collect();
    while app.zalt.waiting_hashes() < queue {
        tokio::task::yield_now().await;
    }
    let service = zalt_http::router(app.zalt.clone(), zalt_http::HttpConfig::default());
    let begun = Instant::now();
    let body = format!(
        r#"{{"identifier":"{}","password":"{}"}}"#,
        address(0),
        crate::app::PASSWORD
    );
    let request = axum::http::Request::post("/v1/client/sign-ins")
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap();
    let reply = service.oneshot(request).await.unwrap();
    let refused = begun.elapsed();
    let retry_after = reply
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("none");
    report.add(
        "answer past the queue's bound",
        format!(
            "{} with Retry-After {retry_after} in {:.1} ms",
            reply.status().as_u16(),
            millis(refused)
        ),
        format!("{queue} sign-ins waiting"),
        "503 within 50 ms",
        reply.status() == 503 && retry_after != "none" && refused < Duration::from_millis(50),
    );
    let stop = Arc::new(AtomicBool::new(false));
    let peak = Arc::new(AtomicU64::new(0));
    let watcher = {
        let (stop, peak) = (stop.clone(), peak.clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                peak.fetch_max(resident(std::process::id()), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        })
    };
    for task in waiting {
        task.await.expect("a sign-in runs to its end");
    }
    stop.store(true, Ordering::Relaxed);
    watcher.join().expect("the watcher ends");
    let permits = threads as u64 * u64::from(app.zalt.config().hashing.params.memory_kib()) * 1024;
    let grown = peak.load(Ordering::Relaxed).saturating_sub(before);
    report.add(
        "memory while 256 sign-ins wait",
        format!(
            "+ {:.1} MiB (from {:.1} MiB, with the pool's memory in it)",
            mib(grown),
            mib(before)
        ),
        format!("{threads} permits × 19 MiB = {:.1} MiB", mib(permits)),
        "+ 32 MiB at most",
        grown <= permits + 32 * 1024 * 1024,
    );
}

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
    match result {
        // Two clients may meet at one account, whose budget counts what is under way.
        Ok(_) | Err(Error::RateLimited { .. } | Error::Overloaded { .. }) => {}
        Err(error) => panic!("{error}"),
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
                            crate::app::PASSWORD.as_bytes(),
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
