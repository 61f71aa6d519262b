use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, TcpListener};

use crate::ServiceError;

/// Below the range from which the system takes the ports of outgoing connections (32768 and up on Linux). A client that
/// tries to reach a service while it is down could otherwise be given the service's own port to come from, and would
/// connect to itself.
const FIRST: u16 = 10_240;
const COUNT: u16 = 11_000;
const TRIES: u16 = 200;

/// A port on 127.0.0.1 that nobody listens on, and nobody on the one `beside` numbers further on either.
///
/// Somebody else may take it before the service does: a start that fails for that reason tries another one.
pub(crate) fn free(beside: &[u16]) -> Result<u16, ServiceError> {
    let random = RandomState::new().build_hasher().finish() % u64::from(COUNT);
    let start = u16::try_from(random).unwrap_or_default();
    (0..TRIES)
        .map(|step| FIRST + (start + step) % COUNT)
        .find(|port| is_free(*port) && beside.iter().all(|further| is_free(port + further)))
        .ok_or(ServiceError::NoPort)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
