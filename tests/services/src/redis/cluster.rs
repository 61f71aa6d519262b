use super::{Redis, RedisOptions, SERVICE};
use crate::launch::run;
use crate::wait::{PATIENCE, poll};
use crate::{ServiceError, programs};

/// A Redis cluster of masters that share the slots, until it is dropped.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts that many nodes, three at least, and joins them. Takes a few seconds.
    pub fn start(nodes: usize) -> Result<Self, ServiceError> {
        let redis_cli = programs::find(programs::REDIS_CLI)?;
        let nodes = (0..nodes)
            .map(|_| Redis::start(&RedisOptions::cluster_node()))
            .collect::<Result<Vec<_>, _>>()?;
        let cluster = Self { nodes };
        let Some(first) = cluster.nodes.first() else {
            return Err(ServiceError::Stopped(SERVICE));
        };
        run(
            "redis-cli",
            first
                .home
                .command(&redis_cli)
                .args(["--cluster", "create"])
                .args(cluster.addresses())
                .args(["--cluster-replicas", "0", "--cluster-yes"]),
        )?;
        let joined = poll(PATIENCE, || {
            cluster.is_joined().map(|all| all.then_some(()))
        })?;
        joined
            .map(|()| cluster)
            .ok_or_else(|| ServiceError::TimedOut {
                waited_for: "the union of the Redis cluster".to_owned(),
                after: PATIENCE,
                log: String::new(),
            })
    }

    /// Where clients reach one of the nodes, which tells them of the others.
    pub fn url(&self) -> String {
        self.nodes.first().map(Redis::url).unwrap_or_default()
    }

    /// Where clients reach each of the nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The nodes, to stop or pause one.
    pub fn nodes(&mut self) -> &mut [Redis] {
        &mut self.nodes
    }

    fn addresses(&self) -> impl Iterator<Item = String> {
        self.nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
    }

    /// Whether every node knows all others and that all slots are served.
    fn is_joined(&self) -> Result<bool, ServiceError> {
        let known = format!("cluster_known_nodes:{}", self.nodes.len());
        for node in &self.nodes {
            let about = node.command("CLUSTER INFO")?;
            let holds = |wanted: &str| about.lines().any(|line| line == wanted);
            if !holds("cluster_state:ok") || !holds(&known) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
