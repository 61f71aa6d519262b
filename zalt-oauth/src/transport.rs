use std::fmt;

use async_trait::async_trait;
use http::{Request, Response};
use zalt_outbound::{GuardedClient, Reach, SendError};

/// What carries requests to providers: a [`GuardedClient`], unless a host brings its own.
///
/// Addresses come from settings that may be changed at run time and from what providers answer, so whoever brings another
/// has to keep requests out of its own networks, follow no redirect, and bound the time and size of an answer.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`SendError`].
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        reach: Reach,
    ) -> Result<Response<Vec<u8>>, SendError>;
}

#[async_trait]
impl Transport for GuardedClient {
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        reach: Reach,
    ) -> Result<Response<Vec<u8>>, SendError> {
        Self::send(self, request, reach).await
    }
}
