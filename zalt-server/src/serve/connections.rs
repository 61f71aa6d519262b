//! The connections: how many, how long, and how they end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;
use zalt_http::PeerAddr;

use super::unread::Watched;

/// How long a client may take to send the head of a request. It also ends connections on which nothing comes any more.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest head of a request: the cookies of a host beside ours, and no more.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The most headers of a request.
const MAX_HEADERS: usize = 100;
/// The pause after an error that the next `accept` would meet again, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `stop`, then lets requests that are under way finish within `grace`.
pub(super) async fn accept(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    stop: impl Future<Output = ()>,
    grace: Duration,
) {
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(max_connections));
    let mut stop = pin!(stop);
    loop {
        // Only what can be served is accepted; the rest waits in the queue of the system.
        let permit = tokio::select! {
            permit = permits.clone().acquire_owned() => permit,
            () = &mut stop => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = graceful.watch(connection(stream, peer, router.clone()));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    tracing::info!("stopping: requests that are under way may finish");
    if tokio::time::timeout(grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish in time");
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    // Small replies are to leave at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %peer, "TCP_NODELAY could not be set");
    }
    let service =
        service_fn(move |request: Request<Incoming>| respond(router.clone(), peer, request));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
}

async fn respond(
    router: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let (body, unread) = Watched::new(body);
    let mut request = Request::from_parts(parts, Body::new(body));
    request.extensions_mut().insert(PeerAddr(peer));
    let response = router.oneshot(request).await;
    unread.discard().await;
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::{Notify, oneshot};
    use tokio::task::JoinHandle;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    /// A server with one page that takes until it is told to end.
    struct Slow {
        address: SocketAddr,
        began: Arc<Notify>,
        end: Arc<Notify>,
        stop: oneshot::Sender<()>,
        server: JoinHandle<()>,
    }

    impl Slow {
        async fn new(max_connections: usize, grace: Duration) -> Self {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let (began, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let page = {
                let (began, end) = (began.clone(), end.clone());
                move || {
                    let (began, end) = (began.clone(), end.clone());
                    async move {
                        began.notify_one();
                        end.notified().await;
                        "done"
                    }
                }
            };
            let router = Router::new().route("/", get(page));
            let (stop, stopped) = oneshot::channel();
            let stopped = async {
                let _ = stopped.await;
            };
            let server = tokio::spawn(accept(listener, router, max_connections, stopped, grace));
            Self {
                address,
                began,
                end,
                stop,
                server,
            }
        }

        async fn ask(&self) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(REQUEST).await.unwrap();
            stream
        }
    }

    async fn reply(mut stream: TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn a_request_that_is_under_way_finishes_and_no_other_begins() {
        let slow = Slow::new(8, Duration::from_mins(1)).await;
        let stream = slow.ask().await;
        slow.began.notified().await;
        slow.stop.send(()).unwrap();
        // The port is free once nothing is accepted any more.
        while TcpStream::connect(slow.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        slow.end.notify_one();
        let text = reply(stream).await;
        assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
        assert!(text.ends_with("done"), "{text}");
        slow.server.await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_does_not_end_does_not_hold_up_the_end() {
        let slow = Slow::new(8, Duration::ZERO).await;
        let _stream = slow.ask().await;
        slow.began.notified().await;
        slow.stop.send(()).unwrap();
        slow.server.await.unwrap();
    }

    #[tokio::test]
    async fn past_the_bound_connections_wait_and_are_served_later() {
        let slow = Slow::new(1, Duration::from_mins(1)).await;
        let first = slow.ask().await;
        slow.began.notified().await;
        let second = slow.ask().await;
        slow.end.notify_one();
        let mut first = first;
        let mut head = [0; 15];
        first.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        drop(first);
        slow.began.notified().await;
        slow.stop.send(()).unwrap();
        slow.end.notify_one();
        assert!(reply(second).await.ends_with("done"));
        slow.server.await.unwrap();
    }
}
