use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A way to a service on this machine that can be held up: what is sent then neither arrives nor fails, as when the machine
/// at the other end hangs.
pub(crate) struct Link {
    port: u16,
    flows: Arc<watch::Sender<bool>>,
    accepting: JoinHandle<()>,
}

impl Link {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let flows = Arc::new(watch::Sender::new(true));
        let accepting = tokio::spawn(accept(listener, port, Arc::clone(&flows)));
        Self {
            port: own,
            flows,
            accepting,
        }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Nothing arrives any more, on connections that are open and on new ones.
    pub(crate) fn hold_up(&self) {
        self.flows.send_replace(false);
    }

    /// What is sent from now on arrives. What was open before is broken off.
    pub(crate) fn let_flow(&self) {
        self.flows.send_replace(true);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, port: u16, flows: Arc<watch::Sender<bool>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(carry(stream, port, flows.subscribe()));
    }
}

async fn carry(mut near: TcpStream, port: u16, mut flows: watch::Receiver<bool>) {
    if *flows.borrow()
        && let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await
    {
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => return,
            _ = flows.wait_for(|flows| !flows) => {}
        }
    }
    // Held open and never answered, until the way is free again.
    let _ = flows.wait_for(|flows| *flows).await;
}
