use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use zalt_core::{Rng, RngError};

use crate::client_ip::TrustedProxies;

pub(crate) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: a trusted proxy's, so that both logs have the same, or a fresh one. A stranger does not choose it:
/// they could hide among the requests of somebody else.
pub(crate) fn of_request(
    headers: &HeaderMap,
    peer: Option<IpAddr>,
    proxies: &TrustedProxies,
    rng: &dyn Rng,
) -> Result<Arc<str>, RngError> {
    if peer.is_some_and(|peer| proxies.contains(peer))
        && let Some(id) = headers
            .get(&X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|id| is_plain(id))
    {
        return Ok(id.into());
    }
    let mut bytes = [0; 16];
    rng.fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)).into())
}

fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&id.len()) && id.bytes().all(plain)
}
