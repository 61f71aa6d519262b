use std::fmt;
use std::time::Duration;

use redis::RedisError;

use super::RedisConnection;
use super::target::Target;

/// How to reach Redis, and how long to wait for it.
#[derive(Clone)]
pub struct RedisOptions {
    pub(super) cluster: bool,
    pub(super) prefix: String,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) away_pause: Duration,
    pub(super) root_certificates: Option<Vec<u8>>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            cluster: false,
            prefix: "zalt:".to_owned(),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
            away_pause: Duration::from_secs(1),
            root_certificates: None,
        }
    }
}

impl RedisOptions {
    /// Whether the URL leads to a Redis Cluster, of which one node is enough to find the others. Several URLs mean a
    /// cluster anyway. Default: no.
    #[must_use]
    pub const fn cluster(mut self, cluster: bool) -> Self {
        self.cluster = cluster;
        self
    }

    /// What every key begins with: 1 to 64 letters, digits and any of `:`, `.`, `_`, `-`, `/`. Applications that share a
    /// Redis need one each, and all replicas of one application the same. Default: `zalt:`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long connecting may take, TLS and authentication included. Default: 1 s.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a command may take. Default: 1 s.
    #[must_use]
    pub const fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// How long nobody waits for Redis after it was found away; then one call tries, and the others follow once that had
    /// an answer. Default: 1 s.
    #[must_use]
    pub const fn away_pause(mut self, pause: Duration) -> Self {
        self.away_pause = pause;
        self
    }

    /// The certificates in PEM that a server's has to be issued by, in place of those that browsers trust.
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Checks the options and makes the connection, which connects when it is first used: a replica starts while Redis is
    /// away. [`RedisConnection::ready`] tells whether it is.
    ///
    /// `url` is `redis://user:password@host:port/database`, or `rediss://` for TLS; or several for a cluster, with commas
    /// between them.
    ///
    /// # Errors
    /// [`OptionsError`] says which option makes no sense.
    pub fn open(self, url: &str) -> Result<RedisConnection, OptionsError> {
        if !is_prefix(&self.prefix) {
            return Err(OptionsError::Prefix);
        }
        for (name, value) in [
            ("connect timeout", self.connect_timeout),
            ("response timeout", self.response_timeout),
            ("pause while Redis is away", self.away_pause),
        ] {
            if value < Duration::from_millis(1) || value > Duration::from_mins(1) {
                return Err(OptionsError::OutOfRange { name });
            }
        }
        let target = Target::new(url, &self)?;
        Ok(RedisConnection::new(target, self))
    }
}

/// Without braces, which would put all keys into one slot of a cluster, and without what a glob means.
fn is_prefix(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b":._-/".contains(&byte))
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("cluster", &self.cluster)
            .field("prefix", &self.prefix)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("away_pause", &self.away_pause)
            .field("root_certificates", &self.root_certificates.is_some())
            .finish()
    }
}

/// An option that makes no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The text is not a URL of Redis, or the URLs of a cluster contradict each other.
    #[error("not a URL of Redis: expected redis://host:port or rediss://host:port")]
    Url(#[source] RedisError),
    /// There is no URL in the text.
    #[error("there is no URL of Redis")]
    NoUrl,
    /// The URL asks for TLS that does not check with whom it speaks.
    #[error("TLS without a check of the certificate is not supported")]
    Unverified,
    /// There are certificates to check, and the URL has no TLS.
    #[error("root certificates need rediss:// URLs")]
    CertificatesWithoutTls,
    /// The certificates can't be read.
    #[error("the root certificates can't be read")]
    Certificates(#[source] RedisError),
    /// The prefix is empty, too long or has a character that it may not have.
    #[error("a prefix is 1 to 64 letters, digits and any of : . _ - /")]
    Prefix,
    /// A duration is too short or too long.
    #[error("the {name} is too short or too long")]
    OutOfRange {
        /// Which one.
        name: &'static str,
    },
    /// There is no tokio runtime to listen on.
    #[error("there is no tokio runtime to listen on")]
    NoRuntime,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: RedisOptions, url: &str) -> OptionsError {
        options.open(url).map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_prefix_that_would_gather_all_keys_in_one_slot_is_refused() {
        for prefix in ["", "{zalt}:", "a b", "zalt*", "ü", &"a".repeat(65)] {
            let options = RedisOptions::default().prefix(prefix);
            assert!(
                matches!(refused(options, "redis://127.0.0.1"), OptionsError::Prefix),
                "{prefix}"
            );
        }
    }

    #[test]
    fn what_is_no_url_of_redis_is_refused() {
        for url in ["127.0.0.1:6379", "http://127.0.0.1", "redis://127.0.0.1/x"] {
            let error = refused(RedisOptions::default(), url);
            assert!(matches!(error, OptionsError::Url(_)), "{url}");
        }
        let error = refused(RedisOptions::default(), " , ");
        assert!(matches!(error, OptionsError::NoUrl));
    }

    #[test]
    fn tls_that_checks_nothing_is_refused() {
        let error = refused(RedisOptions::default(), "rediss://127.0.0.1/#insecure");
        assert!(matches!(error, OptionsError::Unverified));
        let options = RedisOptions::default().root_certificates("");
        let error = refused(options, "redis://127.0.0.1");
        assert!(matches!(error, OptionsError::CertificatesWithoutTls));
        let pem = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        let options = RedisOptions::default().root_certificates(pem);
        let error = refused(options, "rediss://127.0.0.1");
        assert!(matches!(error, OptionsError::Certificates(_)));
    }

    #[test]
    fn a_timeout_of_zero_is_refused() {
        let options = RedisOptions::default().response_timeout(Duration::ZERO);
        let error = refused(options, "redis://127.0.0.1");
        assert!(matches!(
            error,
            OptionsError::OutOfRange {
                name: "response timeout"
            }
        ));
    }

    #[test]
    fn a_password_is_not_printed() {
        let connection = RedisOptions::default()
            .open("redis://zalt:hunter2@127.0.0.1:7000")
            .unwrap();
        let text = format!("{connection:?}");
        assert!(
            text.contains("127.0.0.1:7000") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
