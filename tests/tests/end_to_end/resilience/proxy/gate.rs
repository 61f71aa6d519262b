use std::future::pending;
use std::net::Ipv4Addr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Relayed, relay};

/// An address that leads to one port at a time: what a name in the DNS or a floating address is to a database.
pub(crate) struct Gate {
    port: u16,
    target: watch::Sender<Target>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy)]
struct Target {
    port: u16,
    /// What becomes of the connections that lead elsewhere.
    others: Others,
}

#[derive(Debug, Clone, Copy)]
enum Others {
    Cut,
    Stranded,
}

impl Gate {
    pub(crate) async fn to(port: u16) -> Self {
        let others = Others::Cut;
        let (target, watched) = watch::channel(Target { port, others });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self {
            port: listener.local_addr().unwrap().port(),
            target,
            accepting: tokio::spawn(accept(listener, watched)),
        }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Leads to another port from now on, and cuts what leads to the one before.
    pub(crate) fn point_to(&self, port: u16) {
        let others = Others::Cut;
        self.target.send_replace(Target { port, others });
    }

    /// Leads to another port from now on. What leads to the one before stays open, and nothing comes through any more: as
    /// if the machine there had lost its network.
    pub(crate) fn strand_for(&self, port: u16) {
        let others = Others::Stranded;
        self.target.send_replace(Target { port, others });
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, mut target: watch::Receiver<Target>) {
    while let Ok((client, _)) = listener.accept().await {
        let port = target.borrow_and_update().port;
        tokio::spawn(pass_on(client, port, target.clone()));
    }
}

async fn pass_on(mut client: TcpStream, port: u16, mut target: watch::Receiver<Target>) {
    // Where nobody listens, the client is hung up on.
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
        return;
    };
    let moved = async {
        // Without a gate there is nobody to move anything.
        if target.changed().await.is_err() {
            pending::<()>().await;
        }
    };
    if relay(&mut client, &mut server, moved).await == Relayed::Interrupted
        && matches!(target.borrow().others, Others::Stranded)
    {
        // Both ends stay open until the gate is gone.
        while target.changed().await.is_ok() {}
    }
}
