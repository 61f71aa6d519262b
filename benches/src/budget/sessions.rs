//! A handler behind a session check against the same handler without one, over real sockets.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use zalt_core::RequestContext;
use zalt_core::attempt::SignInProgress;
use zalt_core::session::{SessionCredentials, Transport};

use super::report::Report;
use crate::app::{App, address, password};
use crate::load::{Outcome, closed_loop, median};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 3;

pub(crate) async fn measure(report: &mut Report, time: Duration) {
    let cached = Target::new(true).await;
    let stored = Target::new(false).await;
    let (mut plain, mut with_cache, mut from_store) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let unchecked = cached.load("/plain", time).await.per_second();
        plain.push(unchecked);
        with_cache.push(cached.load("/session", time).await.per_second() / unchecked);
        from_store.push(stored.load("/session", time).await.per_second() / unchecked);
    }
    let limit = format!("{:.0}/s without a check", median(plain));
    for (what, ratio, least, budget) in [
        ("cached", median(with_cache), 0.8, "≥ 80 %"),
        ("from SQLite", median(from_store), 0.5, "≥ 50 %"),
    ] {
        report.add(
            &format!("session check in an axum handler, {what}"),
            format!("{:.0} % of the requests", ratio * 100.0),
            limit.clone(),
            budget,
            ratio >= least,
        );
    }
}

struct Target {
    _app: App,
    port: u16,
    cookie: String,
}

impl Target {
    async fn new(cached: bool) -> Self {
        let app = App::new(cached).await;
        app.users(1).await;
        let signed_in = app
            .zalt
            .sign_ins()
            .with_password(
                &RequestContext::internal(),
                &address(0),
                password(),
                Transport::Cookie,
            )
            .await
            .and_then(SignInProgress::into_session)
            .unwrap();
        let SessionCredentials::Cookie(token) = signed_in.credentials else {
            unreachable!("a cookie was asked for")
        };
        let router = Router::new()
            .route("/session", get(async |_: zalt_axum::SignedIn| "hello"))
            .layer(zalt_axum::ZaltAxum::new(app.zalt.clone()).layer())
            .route("/plain", get(async || "hello"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            _app: app,
            port,
            cookie: format!("zalt_session={}", *token.expose()),
        }
    }

    async fn load(&self, path: &'static str, time: Duration) -> Outcome {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
            stream.set_nodelay(true).unwrap();
            connections.push(Mutex::new(BufReader::new(stream)));
        }
        let connections = std::sync::Arc::new(connections);
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {}\r\n\r\n",
            self.cookie
        );
        let request: std::sync::Arc<str> = request.into();
        closed_loop(CONNECTIONS, time, move |client| {
            let (connections, request) = (connections.clone(), request.clone());
            async move {
                let mut connection = connections[client].lock().await;
                connection
                    .get_mut()
                    .write_all(request.as_bytes())
                    .await
                    .unwrap();
                read_reply(&mut connection).await;
                Ok::<_, Infallible>(())
            }
        })
        .await
    }
}

async fn read_reply(connection: &mut BufReader<TcpStream>) {
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        connection.read_line(&mut line).await.unwrap();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.unwrap();
}
