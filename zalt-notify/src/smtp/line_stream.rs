use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP stream that hands out at most one line per read.
///
/// The SMTP client reads through a buffer that stays in place when STARTTLS upgrades the connection. Whatever an
/// attacker on the path sends in one packet with the server's "go ahead" would wait in that buffer and pass for
/// replies from inside the TLS session (the response injection known as NO STARTTLS, CVE-2011-0411 and kin). With this
/// stream the buffer is empty after each reply, and the injected bytes go to the TLS handshake, which fails on them.
#[derive(Debug)]
pub(super) struct LineStream {
    inner: TcpStream,
    ahead: Vec<u8>,
    taken: usize,
}

impl LineStream {
    pub(super) const fn new(inner: TcpStream) -> Self {
        Self {
            inner,
            ahead: Vec::new(),
            taken: 0,
        }
    }
}

impl AsyncRead for LineStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken >= self.ahead.len() {
            let mut chunk = [0; 4096];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut self.inner).poll_read(context, &mut chunk))?;
            self.ahead.clear();
            self.ahead.extend_from_slice(chunk.filled());
            self.taken = 0;
        }
        let waiting = self.ahead.get(self.taken..).unwrap_or_default();
        let line = waiting
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(waiting.len(), |end| end + 1)
            .min(into.remaining());
        into.put_slice(waiting.get(..line).unwrap_or_default());
        self.taken += line;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl AsyncTokioStream for LineStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.peer_addr()
    }
}
