use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::target::Target;

/// Connections to one server. Cheap to clone; the clones share them.
///
/// A connection is used by one request at a time and again by the next one. When all are in use the request waits, which
/// counts as its latency.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    target: Target,
    host: HeaderValue,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

type Connection = SendRequest<Full<Bytes>>;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, out of whatever encoding it came in.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Nobody took the connection.
    #[error("can't connect: {0}")]
    Connect(#[source] std::io::Error),
    /// The connection broke, or what came through it was no HTTP.
    #[error("{0}")]
    Http(#[from] hyper::Error),
}

impl Client {
    /// At most `connections` at once to this server. None is opened yet.
    pub fn new(target: Target, connections: usize) -> Self {
        // A host that the URL parser took is a header value.
        let host = HeaderValue::from_str(target.host()).unwrap();
        Self {
            shared: Arc::new(Shared {
                target,
                host,
                idle: Mutex::default(),
                permits: Semaphore::new(connections),
            }),
        }
    }

    /// Where it sends to.
    pub fn target(&self) -> &Target {
        &self.shared.target
    }

    /// Sends a request, whose URI is a path, and reads the answer.
    ///
    /// A connection that the server closed while it was idle is replaced, and the request sent through another one.
    pub async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Reply, SendError> {
        let _permit = self.shared.permits.acquire().await.unwrap();
        let host = self.shared.host.clone();
        request.headers_mut().entry(HOST).or_insert(host);
        while let Some(idle) = self.next_idle() {
            match self.send_through(idle, request).await {
                Err((Some(unsent), _)) => request = unsent,
                Err((None, error)) => return Err(error.into()),
                Ok(reply) => return Ok(reply),
            }
        }
        let fresh = self.connect().await?;
        let sent = self.send_through(fresh, request).await;
        sent.map_err(|(_, error)| error.into())
    }

    /// The error holds the request if it never left.
    async fn send_through(
        &self,
        mut connection: Connection,
        request: Request<Full<Bytes>>,
    ) -> Result<Reply, (Option<Request<Full<Bytes>>>, hyper::Error)> {
        if let Err(closed) = connection.ready().await {
            return Err((Some(request), closed));
        }
        let response = connection.try_send_request(request).await;
        let response = response.map_err(|mut error| (error.take_message(), error.into_error()))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| (None, error))?;
        self.idle().push(connection);
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    async fn connect(&self) -> Result<Connection, SendError> {
        let stream = TcpStream::connect(self.shared.target.address())
            .await
            .map_err(SendError::Connect)?;
        stream.set_nodelay(true).map_err(SendError::Connect)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends when the sender is dropped, and of what it fails the sender is told.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn next_idle(&self) -> Option<Connection> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        let idle = &self.shared.idle;
        idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
