//! Proxies that know connections, and nothing of what goes over them.

mod balancer;
mod gate;
mod health;

use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

pub(super) use balancer::Balancer;
pub(super) use gate::Gate;

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
enum Relayed {
    /// One of the two hung up.
    Closed,
    Interrupted,
}

/// Passes on what the two say to each other, until one hangs up or it is interrupted.
async fn relay(
    client: &mut TcpStream,
    server: &mut TcpStream,
    interruption: impl Future<Output = ()>,
) -> Relayed {
    // Either may be gone, which the next read finds out.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    tokio::select! {
        _ = copy_bidirectional(client, server) => Relayed::Closed,
        () = interruption => Relayed::Interrupted,
    }
}
