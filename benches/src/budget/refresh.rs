//! Refreshes on SQLite by 32 clients, durable, against one fsync for each write.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use zalt_core::RequestContext;
use zalt_core::attempt::SignInProgress;
use zalt_core::session::{SessionCredentials, Transport};

use super::report::Report;
use crate::app::{App, address, password};
use crate::load::closed_loop;

const CLIENTS: usize = 32;

pub(crate) async fn measure(report: &mut Report, time: Duration) {
    let app = App::new(true).await;
    app.users(CLIENTS).await;
    let mut tokens = Vec::new();
    for client in 0..CLIENTS {
        let signed_in = app
            .zalt
            .sign_ins()
            .with_password(
                &RequestContext::internal(),
                &address(client),
                password(),
                Transport::Bearer,
            )
            .await
            .and_then(SignInProgress::into_session)
            .unwrap();
        tokens.push(Mutex::new(refresh_token(&signed_in.credentials)));
    }
    let tokens = Arc::new(tokens);
    let zalt = app.zalt.clone();
    let load = closed_loop(CLIENTS, time, move |client| {
        let (zalt, tokens) = (zalt.clone(), tokens.clone());
        async move {
            let mut token = tokens[client].lock().await;
            let refreshed = zalt
                .sessions()
                .refresh(&RequestContext::internal(), &token)
                .await
                .unwrap();
            *token = refresh_token(&refreshed.credentials);
            Ok::<_, Infallible>(())
        }
    })
    .await;
    let single = fsyncs_per_second(app.folder.path(), time);
    let latencies = &load.latencies;
    let p95 = latencies.quantile(0.95);
    report.add(
        "refreshes per second, 32 clients, durable",
        format!(
            "{:.0}/s, {:.1} ×",
            load.per_second(),
            load.per_second() / single
        ),
        format!("{single:.0}/s with one fsync for each write"),
        "group commit: above 1 ×",
        load.per_second() > single,
    );
    report.add(
        "refresh p95 at 32 clients",
        format!(
            "{:.1} ms (p50 {:.1}, p99 {:.1})",
            p95.as_secs_f64() * 1e3,
            latencies.quantile(0.5).as_secs_f64() * 1e3,
            latencies.quantile(0.99).as_secs_f64() * 1e3
        ),
        format!("one durable commit, {:.2} ms", 1e3 / single),
        "< 10 ms",
        p95 < Duration::from_millis(10),
    );
}

fn refresh_token(credentials: &SessionCredentials) -> String {
    match credentials {
        SessionCredentials::Bearer { refresh_token, .. } => refresh_token.expose().to_string(),
        SessionCredentials::Cookie(_) => unreachable!("bearer tokens were asked for"),
    }
}

/// The same write without group commit: one update of one row, WAL, `synchronous=FULL`.
fn fsyncs_per_second(folder: &std::path::Path, time: Duration) -> f64 {
    let connection = rusqlite::Connection::open(folder.join("raw.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
             CREATE TABLE session (id BLOB PRIMARY KEY, generation INTEGER, padding BLOB) WITHOUT ROWID;",
        )
        .unwrap();
    for n in 0..CLIENTS {
        connection
            .execute(
                "INSERT INTO session VALUES (?1, 0, zeroblob(300))",
                [n.to_be_bytes()],
            )
            .unwrap();
    }
    let begun = Instant::now();
    let mut writes = 0_u32;
    while begun.elapsed() < time {
        let id = (writes as usize % CLIENTS).to_be_bytes();
        connection
            .prepare_cached("UPDATE session SET generation = generation + 1 WHERE id = ?1")
            .unwrap()
            .execute([id])
            .unwrap();
        writes += 1;
    }
    f64::from(writes) / begun.elapsed().as_secs_f64()
}
