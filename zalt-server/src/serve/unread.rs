//! What a client still sends while it is already refused.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};

/// The most that is read and thrown away.
const MAX_BYTES: usize = 1024 * 1024;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body that hands itself over where its reader gives it up before its end.
///
/// A connection that is closed while the client still sends is reset, and the client never sees why it was refused. So
/// what it sends is read on for a while.
pub(super) struct Watched<B: Unpin> {
    body: Option<B>,
    left: Left<B>,
}

/// Where a body that was given up is found.
pub(super) struct Left<B>(Arc<Mutex<Option<B>>>);

impl<B: Body + Unpin> Watched<B> {
    pub(super) fn new(body: B) -> (Self, Left<B>) {
        let left = Left(Arc::default());
        let watched = Self {
            body: Some(body),
            left: Left(Arc::clone(&left.0)),
        };
        (watched, left)
    }
}

impl<B: Body + Unpin> Left<B>
where
    B::Data: bytes::Buf,
{
    /// Reads what is left of the body and throws it away, up to a bound.
    pub(super) async fn discard(self) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut body) = left.filter(|body| !body.is_end_stream()) else {
            return;
        };
        let read = async {
            let mut bytes = 0;
            while let Some(Ok(frame)) = body.frame().await {
                bytes += frame.data_ref().map_or(0, bytes::Buf::remaining);
                if bytes > MAX_BYTES {
                    return;
                }
            }
        };
        // Whoever sends more, or more slowly, may miss the answer.
        let _ = tokio::time::timeout(PATIENCE, read).await;
    }
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl<B: Unpin> Drop for Watched<B> {
    fn drop(&mut self) {
        let mut left = self.left.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = self.body.take();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;

    use super::*;

    /// A body of many pieces that counts the ones that were taken.
    struct Pieces {
        left: usize,
        taken: Arc<AtomicUsize>,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            self.left -= 1;
            self.taken.fetch_add(1, Ordering::Relaxed);
            let piece = Bytes::from(vec![0; 64 * 1024]);
            Poll::Ready(Some(Ok(Frame::data(piece))))
        }
    }

    async fn taken_after(left: usize, read: usize) -> usize {
        let taken = Arc::new(AtomicUsize::new(0));
        let pieces = Pieces {
            left,
            taken: Arc::clone(&taken),
        };
        let (mut watched, rest) = Watched::new(pieces);
        for _ in 0..read {
            watched.frame().await;
        }
        drop(watched);
        rest.discard().await;
        taken.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn what_nobody_read_is_thrown_away() {
        assert_eq!(taken_after(5, 0).await, 5);
        assert_eq!(taken_after(5, 2).await, 5);
        assert_eq!(taken_after(5, 6).await, 5);
    }

    #[tokio::test]
    async fn nobody_is_listened_to_for_ever() {
        assert_eq!(taken_after(1_000_000, 0).await, 17);
    }
}
