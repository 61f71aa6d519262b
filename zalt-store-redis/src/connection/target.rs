//! Where Redis is, and the way there.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    RedisResult, TlsCertificates, Value,
};

use super::options::{OptionsError, RedisOptions};

/// Commands that wait in this process for their turn on a connection; the caller of one more waits.
const QUEUE: usize = 1024;

/// A server, or the nodes of a cluster that are known from the start.
pub(crate) struct Target {
    servers: Vec<Client>,
    cluster: Option<ClusterClient>,
    connect_timeout: Duration,
    response_timeout: Duration,
}

/// A connection that any number of tasks use at once.
#[derive(Clone)]
pub(super) enum Wire {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Target {
    pub(super) fn new(url: &str, options: &RedisOptions) -> Result<Self, OptionsError> {
        let mut servers = Vec::new();
        for url in url.split(',').map(str::trim).filter(|url| !url.is_empty()) {
            servers.push(client(url, options.root_certificates.as_deref())?);
        }
        if servers.is_empty() {
            return Err(OptionsError::NoUrl);
        }
        let cluster = (options.cluster || servers.len() > 1)
            .then(|| cluster_client(&servers, options))
            .transpose()?;
        Ok(Self {
            servers,
            cluster,
            connect_timeout: options.connect_timeout,
            response_timeout: options.response_timeout,
        })
    }

    pub(crate) const fn is_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    /// A connection for commands of every kind.
    pub(super) async fn connect(&self) -> RedisResult<Wire> {
        if let Some(cluster) = &self.cluster {
            return cluster.get_async_connection().await.map(Wire::Cluster);
        }
        let server = self.servers.first().ok_or_else(no_server)?;
        self.connect_to(server, self.response_timeout)
            .await
            .map(Wire::One)
    }

    /// How many servers are known from the start.
    pub(crate) const fn servers(&self) -> usize {
        self.servers.len()
    }

    /// A connection of its own to one of the servers that are known from the start.
    pub(crate) async fn connect_to_server(
        &self,
        number: usize,
        response_timeout: Duration,
    ) -> RedisResult<MultiplexedConnection> {
        let server = self.servers.get(number).ok_or_else(no_server)?;
        self.connect_to(server, response_timeout).await
    }

    /// A connection of its own to the node of the cluster at this address, made as the others are.
    pub(crate) async fn connect_to_node(
        &self,
        address: &str,
        response_timeout: Duration,
    ) -> RedisResult<MultiplexedConnection> {
        let known = self.servers.first().ok_or_else(no_server)?;
        let info = known.get_connection_info().clone();
        let (host, port) = split_address(address).ok_or_else(no_server)?;
        // A node that does not know its own name leaves the host out: it is the one that was asked.
        let addr = match info.addr().clone() {
            ConnectionAddr::Tcp(asked, _) => {
                ConnectionAddr::Tcp(host.map_or(asked, str::to_owned), port)
            }
            ConnectionAddr::TcpTls {
                host: asked,
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host: host.map_or(asked, str::to_owned),
                port,
                insecure,
                tls_params,
            },
            other => other,
        };
        let server = Client::open(info.set_addr(addr))?;
        self.connect_to(&server, response_timeout).await
    }

    async fn connect_to(
        &self,
        server: &Client,
        response_timeout: Duration,
    ) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(response_timeout))
            .set_pipeline_buffer_size(QUEUE);
        server
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }
}

impl Wire {
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        let value = match self {
            Self::One(connection) => connection.req_packed_command(command).await,
            Self::Cluster(connection) => connection.req_packed_command(command).await,
        };
        value?.extract_error()
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Addresses only: the rest of a URL holds a password.
        let addresses: Vec<_> = self
            .servers
            .iter()
            .map(|server| server.get_connection_info().addr().to_string())
            .collect();
        f.debug_struct("Target")
            .field("servers", &addresses)
            .field("cluster", &self.is_cluster())
            .finish_non_exhaustive()
    }
}

fn client(url: &str, root_certificates: Option<&[u8]>) -> Result<Client, OptionsError> {
    let info: ConnectionInfo = url.into_connection_info().map_err(OptionsError::Url)?;
    let tcp = TcpSettings::default().set_nodelay(true);
    let info = info.set_tcp_settings(tcp);
    let ConnectionAddr::TcpTls { insecure, .. } = info.addr() else {
        if root_certificates.is_some() {
            return Err(OptionsError::CertificatesWithoutTls);
        }
        return Client::open(info).map_err(OptionsError::Url);
    };
    if *insecure {
        return Err(OptionsError::Unverified);
    }
    // The client asks for the provider of the process, and finds none where two are compiled in and none was chosen.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may be faster, and is right as well.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
    match root_certificates {
        Some(pem) => Client::build_with_tls(info, tls(pem)).map_err(OptionsError::Certificates),
        None => Client::open(info).map_err(OptionsError::Url),
    }
}

fn tls(root_certificates: &[u8]) -> TlsCertificates {
    TlsCertificates {
        client_tls: None,
        root_cert: Some(root_certificates.to_vec()),
    }
}

fn cluster_client(
    servers: &[Client],
    options: &RedisOptions,
) -> Result<ClusterClient, OptionsError> {
    let nodes = servers
        .iter()
        .map(|server| server.get_connection_info().clone());
    // Half of the time for one node, so that one which does not answer leaves some for the others.
    let mut builder = ClusterClient::builder(nodes)
        .connection_timeout(options.connect_timeout / 2)
        .response_timeout(options.response_timeout)
        .retries(3)
        .min_retry_wait(10)
        .max_retry_wait(100)
        .tcp_settings(TcpSettings::default().set_nodelay(true));
    if let Some(pem) = &options.root_certificates {
        builder = builder.certs(tls(pem));
    }
    builder.build().map_err(OptionsError::Url)
}

/// The host, where there is one, and the port of `host:port`.
fn split_address(address: &str) -> Option<(Option<&str>, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some(((!host.is_empty()).then_some(host), port.parse().ok()?))
}

fn no_server() -> redis::RedisError {
    (
        redis::ErrorKind::InvalidClientConfig,
        "there is no such server",
    )
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_perhaps_a_host() {
        assert_eq!(
            split_address("10.0.0.1:7000"),
            Some((Some("10.0.0.1"), 7000))
        );
        assert_eq!(split_address(":7000"), Some((None, 7000)));
        assert_eq!(split_address("::1:7000"), Some((Some("::1"), 7000)));
        assert_eq!(split_address("host"), None);
        assert_eq!(split_address("host:70000"), None);
    }

    #[test]
    fn several_urls_are_a_cluster() {
        let options = RedisOptions::default();
        let one = Target::new("redis://127.0.0.1:7000", &options).unwrap();
        assert!(!one.is_cluster());
        let urls = "redis://127.0.0.1:7000, redis://127.0.0.1:7001";
        let several = Target::new(urls, &options).unwrap();
        assert!(several.is_cluster() && several.servers() == 2);
    }
}
