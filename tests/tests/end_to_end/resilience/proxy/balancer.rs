use std::net::Ipv4Addr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::health::{self, Health};
use super::relay;

/// Gives each connection to the next replica that is alive.
pub(crate) struct Balancer {
    port: u16,
    replicas: Vec<Replica>,
    _tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Replica {
    port: u16,
    health: watch::Receiver<Health>,
}

impl Balancer {
    /// In front of the replicas on these ports, whether they run yet or not.
    pub(crate) async fn in_front_of(ports: &[u16]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let local = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let mut replicas = Vec::new();
        for &port in ports {
            let (sender, health) = watch::channel(Health::Closed);
            tasks.spawn(health::watch(port, sender));
            replicas.push(Replica { port, health });
        }
        tasks.spawn(accept(listener, replicas.clone()));
        Self {
            port: local.port(),
            replicas,
            _tasks: tasks,
        }
    }

    /// What people open, whichever replica answers.
    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Those that are alive, as far as the balancer knows.
    pub(crate) fn alive(&self) -> Vec<String> {
        let alive = self.replicas.iter().filter(|replica| replica.is_up());
        alive
            .map(|replica| format!("http://localhost:{}", replica.port))
            .collect()
    }
}

impl Replica {
    fn is_up(&self) -> bool {
        *self.health.borrow() == Health::Up
    }
}

async fn accept(listener: TcpListener, mut replicas: Vec<Replica>) {
    while let Ok((client, _)) = listener.accept().await {
        replicas.rotate_left(1);
        let alive: Vec<_> = replicas
            .iter()
            .filter(|replica| replica.is_up())
            .cloned()
            .collect();
        tokio::spawn(pass_on(client, alive));
    }
}

/// Takes the first replica that can be connected to: one that died is not known to be dead at once. Without any, the
/// client is hung up on.
async fn pass_on(mut client: TcpStream, alive: Vec<Replica>) {
    for mut replica in alive {
        let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, replica.port));
        if let Ok(mut server) = connecting.await {
            let silent = async {
                let silent = |health: &Health| *health == Health::Silent;
                let _ = replica.health.wait_for(silent).await;
            };
            relay(&mut client, &mut server, silent).await;
            return;
        }
    }
}
