use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{interval, timeout};

use super::proxy::Balancer;
use crate::support::{Client, Mailbox, Place, Reply, Server, Setup};

/// How long replicas may take to serve again, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Replicas of one application, with the balancer in front of them.
pub(super) struct Cluster {
    replicas: Vec<Replica>,
    pub(super) balancer: Arc<Balancer>,
}

struct Replica {
    place: Place,
    server: Mutex<Option<Server>>,
    probe: Client,
}

impl Cluster {
    /// Starts one replica for each setup at the same moment, and waits until each is ready.
    pub(super) async fn start(mailbox: &Mailbox, setups: Vec<Setup>) -> Self {
        let cluster = Self::spawn_all(mailbox, setups).await;
        cluster.all_ready().await;
        cluster
    }

    /// Starts one replica for each setup at the same moment, and waits for nothing.
    pub(super) async fn spawn_all(mailbox: &Mailbox, setups: Vec<Setup>) -> Self {
        let mut places: Vec<_> = setups.into_iter().map(Place::new).collect();
        let ports: Vec<_> = places.iter().map(Place::port).collect();
        let balancer = Balancer::in_front_of(&ports).await;
        for place in &mut places {
            let setup = place.setup().clone().mail_to(mailbox);
            *place.setup_mut() = setup.env("ZALT_BASE_URL", balancer.origin());
        }
        let replicas = places.into_iter().map(|place| Replica {
            probe: Client::by_cookie(&format!("http://localhost:{}", place.port())),
            place,
            server: Mutex::default(),
        });
        let cluster = Self {
            replicas: replicas.collect(),
            balancer: Arc::new(balancer),
        };
        for index in 0..cluster.replicas.len() {
            cluster.spawn(index).await;
        }
        cluster
    }

    pub(super) fn origins(&self) -> Vec<String> {
        let ports = self.replicas.iter().map(|replica| replica.place.port());
        ports
            .map(|port| format!("http://localhost:{port}"))
            .collect()
    }

    /// Starts one and waits for nothing.
    pub(super) async fn spawn(&self, index: usize) {
        let replica = &self.replicas[index];
        let before = replica.server.lock().await.replace(replica.place.spawn());
        assert!(before.is_none(), "replica {index} runs already");
    }

    pub(super) async fn kill(&self, index: usize) {
        let server = self.replicas[index].server.lock().await.take();
        let ended = server.expect("the replica runs").kill().await;
        assert_eq!(ended.code, None, "it ended by itself: {}", ended.said);
    }

    /// Tells one to stop, which it does in order.
    pub(super) async fn stop_one(&self, index: usize) {
        let server = self.replicas[index].server.lock().await.take();
        server.expect("the replica runs").stop().await.well();
    }

    /// The server of a running replica.
    pub(super) async fn server(&self, index: usize) -> tokio::sync::MappedMutexGuard<'_, Server> {
        let server = self.replicas[index].server.lock().await;
        MutexGuard::map(server, |server| server.as_mut().expect("the replica runs"))
    }

    /// Waits until every replica says that it is ready and misses nothing.
    pub(super) async fn all_ready(&self) {
        self.all(|reply| reply.status == 200 && reply.body["status"] == "ready")
            .await;
    }

    /// Waits until every replica serves, though it may miss something.
    pub(super) async fn all_serve(&self) {
        self.all(|reply| reply.status == 200).await;
    }

    async fn all(&self, is_ready: fn(&Reply) -> bool) {
        for (index, replica) in self.replicas.iter().enumerate() {
            let asked = timeout(PATIENCE, async {
                let mut pace = interval(Duration::from_millis(10));
                loop {
                    pace.tick().await;
                    match replica.probe.try_get("/readyz").await {
                        Ok(reply) if is_ready(&reply) => return,
                        _ => {}
                    }
                }
            });
            let in_time = asked.await.is_ok();
            assert!(
                in_time,
                "replica {index} is not ready\n{}",
                self.logs().await
            );
        }
    }

    /// Tells every replica to stop, which each does in order.
    pub(super) async fn stop(self) {
        for replica in self.replicas {
            if let Some(server) = replica.server.into_inner() {
                server.stop().await.well();
            }
        }
    }

    /// What the replicas said, for whoever looks into a failure.
    pub(super) async fn logs(&self) -> String {
        let mut text = String::new();
        for (index, replica) in self.replicas.iter().enumerate() {
            if let Some(server) = &*replica.server.lock().await {
                text = format!("{text}--- replica {index}\n{}", server.log());
            }
        }
        text
    }
}
