use std::fmt;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Proxy, RequestBuilder, Response};
use url::Url;
use zalt_outbound::is_loopback;

use super::HttpSendError;
use crate::tls::{RootCertificates, client_config};

/// How to reach services over HTTP.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    timeout: Duration,
    roots: RootCertificates,
    proxy: Option<ServiceUrl>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15),
            roots: RootCertificates::default(),
            proxy: None,
        }
    }
}

impl HttpConfig {
    /// How long one request may take, connecting and reading the reply included; 15 seconds by default.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Trusts these certificate authorities beside those of the web.
    #[must_use]
    pub fn with_root_certificates(mut self, roots: RootCertificates) -> Self {
        self.roots = roots;
        self
    }

    /// Goes through this proxy. The environment (`HTTPS_PROXY` and the like) is not looked at.
    #[must_use]
    pub fn with_proxy(mut self, proxy: ServiceUrl) -> Self {
        self.proxy = Some(proxy);
        self
    }
}

/// A client for services over HTTP: TLS by rustls, no redirects, no proxy from the environment, a timeout on
/// everything. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct HttpClient(reqwest::Client);

/// Why an [`HttpClient`] could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSetupError {
    /// TLS could not be set up from the configured root certificates.
    #[error("TLS could not be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The client could not be built from the rest of the configuration.
    #[error("the HTTP client could not be set up")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HttpClient {
    /// A client of this configuration.
    ///
    /// # Errors
    /// [`HttpSetupError`].
    pub fn new(config: &HttpConfig) -> Result<Self, HttpSetupError> {
        let tls =
            client_config(&config.roots).map_err(|error| HttpSetupError::Tls(Box::new(error)))?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .timeout(config.timeout)
            // A redirect would carry codes and credentials to a place that nobody configured.
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("zalt-notify/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &config.proxy {
            builder = builder.proxy(Proxy::all(proxy.0.clone()).map_err(client_error)?);
        }
        Ok(Self(builder.build().map_err(client_error)?))
    }

    pub(crate) fn post(&self, url: Url) -> RequestBuilder {
        self.0.post(url)
    }
}

fn client_error(error: reqwest::Error) -> HttpSetupError {
    HttpSetupError::Client(Box::new(error.without_url()))
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient(..)")
    }
}

/// Sends a request; the status of the reply is the caller's to judge.
pub(crate) async fn send(request: RequestBuilder) -> Result<Response, HttpSendError> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(HttpSendError::NoRuntime);
    }
    request.send().await.map_err(HttpSendError::from_request)
}

/// The start of the reply, `limit` bytes at most; a service can't make us hold more. What breaks off counts as ended.
pub(crate) async fn read_start(mut response: Response, limit: usize) -> Vec<u8> {
    let mut start = Vec::new();
    while start.len() < limit {
        let Ok(Some(chunk)) = response.chunk().await else {
            break;
        };
        start.extend_from_slice(&chunk);
    }
    start.truncate(limit);
    start
}

/// The URL of a service: `https`, or `http` on this machine, and without credentials in it.
///
/// It comes from the operator, so it may lead into a private network. `Debug` shows its origin only, since a path or
/// query may hold a token.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl(Url);

/// Why a text is not a [`ServiceUrl`]. No variant repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceUrlError {
    /// Not an absolute URL.
    #[error("the URL of the service can't be read; it has the form https://host/path")]
    Url,
    /// `http` to another machine, or another scheme.
    #[error("the URL of the service must be https; http is for services on this machine only")]
    Scheme,
    /// Credentials in the URL.
    #[error("the URL of the service must not hold user and password")]
    Credentials,
    /// A fragment, which never reaches the service.
    #[error("the URL of the service must not have a fragment (#)")]
    Fragment,
}

impl ServiceUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`ServiceUrlError`].
    pub fn parse(text: &str) -> Result<Self, ServiceUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| ServiceUrlError::Url)?;
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) => {}
            ("http", Some(host)) if is_loopback(host) => {}
            _ => return Err(ServiceUrlError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ServiceUrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(ServiceUrlError::Fragment);
        }
        Ok(Self(url))
    }

    pub(crate) const fn as_url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/..", self.0.origin().ascii_serialization())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_https_or_on_this_machine() {
        for text in [
            "https://hooks.example.com/a?b=c",
            "http://localhost:8080/",
            "http://127.0.0.1/",
            "http://[::1]:1/",
        ] {
            assert!(ServiceUrl::parse(text).is_ok(), "{text}");
        }
        for (text, error) in [
            ("hooks.example.com", ServiceUrlError::Url),
            ("http://hooks.example.com/", ServiceUrlError::Scheme),
            ("http://localhost.example.com/", ServiceUrlError::Scheme),
            ("http://10.0.0.1/", ServiceUrlError::Scheme),
            ("ftp://localhost/", ServiceUrlError::Scheme),
            ("javascript:alert(1)", ServiceUrlError::Scheme),
            (
                "https://u:p@hooks.example.com/",
                ServiceUrlError::Credentials,
            ),
            ("https://hooks.example.com/#x", ServiceUrlError::Fragment),
        ] {
            assert_eq!(ServiceUrl::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn debug_hides_what_may_be_a_token() {
        let url = ServiceUrl::parse("https://hooks.example.com/T0KEN?k=T0KEN").unwrap();
        assert_eq!(format!("{url:?}"), "https://hooks.example.com/..");
    }
}
