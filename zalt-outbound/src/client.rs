use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use reqwest::redirect::Policy;
use url::Url;

use crate::host::is_loopback;
use crate::resolver::{Allowed, BlockedName, FilteringResolver};
use crate::tls::{RootCertificates, client_config};

/// How a [`GuardedClient`] reaches others.
#[derive(Debug, Clone)]
pub struct OutboundConfig {
    timeout: Duration,
    max_body: usize,
    roots: RootCertificates,
    private_hosts: BTreeSet<String>,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            max_body: 256 * 1024,
            roots: RootCertificates::default(),
            private_hosts: BTreeSet::new(),
        }
    }
}

impl OutboundConfig {
    /// How long one request may take, connecting and reading the answer included; 10 seconds by default.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many bytes an answer may have; 256 KiB by default.
    #[must_use]
    pub const fn with_max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Trusts these certificate authorities beside those of the web.
    #[must_use]
    pub fn with_root_certificates(mut self, roots: RootCertificates) -> Self {
        self.roots = roots;
        self
    }

    /// Lets this host, by its exact name, have addresses of a private network (RFC 1918, RFC 6598, RFC 4193). Link-local
    /// addresses and those of this machine stay out of reach.
    #[must_use]
    pub fn with_private_host(mut self, host: &str) -> Self {
        self.private_hosts.insert(host.to_ascii_lowercase());
        self
    }
}

/// How far a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// To the internet, and to the private hosts that the operator named.
    Internet,
    /// To this machine too, over `http` or `https`: for what is itself configured to be on this machine.
    InternetAndThisMachine,
}

/// An HTTP client for addresses that others have a say in. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct GuardedClient {
    public: reqwest::Client,
    private: reqwest::Client,
    loopback: reqwest::Client,
    private_hosts: Arc<BTreeSet<String>>,
    max_body: usize,
}

/// Why a [`GuardedClient`] could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// TLS could not be set up from the configured root certificates.
    #[error("TLS could not be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// The client could not be built from the rest of the configuration.
    #[error("the HTTP client could not be set up")]
    Client(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The address is not one that may be connected to, or not by this scheme.
    #[error("the address is not one that may be connected to")]
    Blocked,
    /// The request could not be put together.
    #[error("the request could not be put together")]
    Request,
    /// Not called on a Tokio runtime.
    #[error("HTTP needs a Tokio runtime, and there is none here")]
    NoRuntime,
    /// It took longer than the configured timeout.
    #[error("no answer came in time")]
    TimedOut,
    /// Nobody answers there, or the connection broke.
    #[error("the connection failed")]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    /// The answer has more bytes than are read.
    #[error("the answer is too large")]
    TooLarge,
}

impl GuardedClient {
    /// A client of this configuration.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(config: &OutboundConfig) -> Result<Self, SetupError> {
        let client = |allowed| build(config, allowed);
        Ok(Self {
            public: client(Allowed::Public)?,
            private: client(Allowed::PublicAndPrivate)?,
            loopback: client(Allowed::Loopback)?,
            private_hosts: Arc::new(config.private_hosts.clone()),
            max_body: config.max_body,
        })
    }

    /// Sends a request and reads the whole answer, whatever its status; a redirect is an answer like any other.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(
        &self,
        request: Request<Vec<u8>>,
        reach: Reach,
    ) -> Result<Response<Vec<u8>>, SendError> {
        let request = reqwest::Request::try_from(request).map_err(|_| SendError::Request)?;
        let client = self.client_for(request.url(), reach)?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(SendError::NoRuntime);
        }
        let mut answer = client.execute(request).await.map_err(SendError::of)?;
        let mut whole = Response::builder().status(answer.status());
        if let Some(headers) = whole.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(SendError::of)? {
            if body.len() + chunk.len() > self.max_body {
                return Err(SendError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        whole.body(body).map_err(|_| SendError::Request)
    }

    fn client_for(&self, url: &Url, reach: Reach) -> Result<&reqwest::Client, SendError> {
        let host = url.host_str().ok_or(SendError::Blocked)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SendError::Blocked);
        }
        if is_loopback(host) {
            let allowed =
                reach == Reach::InternetAndThisMachine && matches!(url.scheme(), "http" | "https");
            return if allowed {
                Ok(&self.loopback)
            } else {
                Err(SendError::Blocked)
            };
        }
        if url.scheme() != "https" {
            return Err(SendError::Blocked);
        }
        let (allowed, client) = if self.private_hosts.contains(&host.to_ascii_lowercase()) {
            (Allowed::PublicAndPrivate, &self.private)
        } else {
            (Allowed::Public, &self.public)
        };
        // An address in the place of a name is not looked up, so no resolver sees it.
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        match literal.parse::<IpAddr>() {
            Ok(address) if !allowed.contains(address) => Err(SendError::Blocked),
            _ => Ok(client),
        }
    }
}

impl SendError {
    /// The URL is dropped from the error: it may hold a token.
    fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut source: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(cause) = source {
            if cause.is::<BlockedName>() {
                return Self::Blocked;
            }
            source = cause.source();
        }
        if error.is_timeout() {
            Self::TimedOut
        } else if error.is_builder() {
            Self::Request
        } else {
            Self::Connection(Box::new(error))
        }
    }
}

fn build(config: &OutboundConfig, allowed: Allowed) -> Result<reqwest::Client, SetupError> {
    let tls = client_config(&config.roots).map_err(|error| SetupError::Tls(Box::new(error)))?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(config.timeout)
        // A redirect would carry codes and credentials to a place that nobody checked.
        .redirect(Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(FilteringResolver(allowed)))
        .user_agent(concat!("zalt/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| SetupError::Client(Box::new(error.without_url())))
}

impl fmt::Debug for GuardedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedClient")
            .field("private_hosts", &self.private_hosts)
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(url: &str, reach: Reach) -> Result<(), SendError> {
        let config = OutboundConfig::default().with_private_host("IdP.corp.example");
        let config = config.with_private_host("10.1.2.3");
        let client = GuardedClient::new(&config).unwrap();
        client
            .client_for(&Url::parse(url).unwrap(), reach)
            .map(|_| ())
    }

    #[test]
    fn only_https_to_public_addresses_is_the_internet() {
        for url in [
            "https://login.example.com/a?b",
            "https://8.8.8.8/",
            "https://[2606:4700:4700::1111]/",
            "https://idp.corp.example/",
            "https://10.1.2.3/",
        ] {
            assert!(verdict(url, Reach::Internet).is_ok(), "{url}");
        }
        for url in [
            "http://login.example.com/",
            "http://8.8.8.8/",
            "http://idp.corp.example/",
            "https://user:pass@login.example.com/",
            "https://localhost/",
            "http://localhost:8080/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.100.100.200/",
            "https://[fd00:ec2::254]/",
            "https://0.0.0.0/",
            "ftp://login.example.com/",
            "file:///etc/passwd",
        ] {
            assert!(
                matches!(verdict(url, Reach::Internet), Err(SendError::Blocked)),
                "{url}"
            );
        }
    }

    #[test]
    fn this_machine_is_reached_only_by_who_asked_for_it() {
        let reach = Reach::InternetAndThisMachine;
        for url in [
            "http://localhost:3000/",
            "http://127.0.0.1/",
            "https://[::1]/",
        ] {
            assert!(verdict(url, reach).is_ok(), "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "https://192.168.1.1/",
            "http://login.example.com/",
        ] {
            assert!(
                matches!(verdict(url, reach), Err(SendError::Blocked)),
                "{url}"
            );
        }
    }
}
