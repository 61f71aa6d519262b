use std::time::Duration;

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::secret::Secret;
use crate::tls::RootCertificates;
use zalt_outbound::is_loopback;

/// How to reach a mail server and in whose name to write; checked when parsed.
///
/// `Debug` never shows the password.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: SmtpSecurity,
    pub(super) credentials: Option<SmtpCredentials>,
    pub(super) from: Mailbox,
    pub(super) hello: Option<String>,
    pub(super) timeout: Duration,
    pub(super) max_connections: usize,
    pub(super) roots: RootCertificates,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SmtpSecurity {
    /// TLS from the first byte (RFC 8314), `smtps://`. The one to prefer.
    Tls,
    /// Begins in clear and is upgraded before anything is said; a server that can't is refused. `smtp://`.
    StartTls,
    /// No protection; for a server on this machine only. `smtp://…?tls=none`.
    Plain,
}

#[derive(Debug, Clone)]
pub(super) struct SmtpCredentials {
    pub(super) user: String,
    pub(super) password: Secret,
}

/// Why a text is not an SMTP configuration. No variant repeats the text, which holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpConfigError {
    /// Not a URL.
    #[error(
        "the SMTP URL can't be read; it has the form smtp://user:password@host:587, and in user and password the \
         characters : / ? # @ % must be percent-encoded (@ as %40)"
    )]
    Url,
    /// A scheme other than `smtp` and `smtps`.
    #[error("the SMTP URL must begin with smtps:// (TLS) or smtp:// (STARTTLS)")]
    Scheme,
    /// No host.
    #[error("the SMTP URL names no host; it has the form smtp://user:password@host:587")]
    Host,
    /// A path or fragment, which mean nothing here.
    #[error(
        "the SMTP URL has something after the host that means nothing; percent-encode / ? # in the password as \
         %2F %3F %23"
    )]
    Path,
    /// A user without a password, or a password without a user.
    #[error("the SMTP URL needs both a user and a password, or neither")]
    Credentials,
    /// Credentials that are not UTF-8 after percent-decoding, or that have control characters.
    #[error("user or password in the SMTP URL is not valid text after percent-decoding")]
    CredentialsEncoding,
    /// An option that is not known. It is not repeated: after a bare `?` it may be the rest of a password.
    #[error(
        "the SMTP URL has an option that is not known; known are from, tls and hello, and a ? in the password is \
         written %3F"
    )]
    UnknownOption,
    /// An option given twice.
    #[error("the SMTP URL has the option {0:?} twice")]
    RepeatedOption(&'static str),
    /// A value of `tls` that is not known or does not fit the scheme.
    #[error("the option tls can be starttls or none, and only with smtp://")]
    Tls,
    /// `tls=none` for another machine.
    #[error(
        "tls=none is for a mail server on this machine only: passwords and codes would cross the network in clear; \
         use smtps:// or leave tls=none out"
    )]
    PlainAcrossNetwork,
    /// A name for EHLO that is no host name.
    #[error("the option hello must be a host name")]
    Hello,
    /// No sender.
    #[error(
        "no sender is set; add ?from=no-reply@example.com to the SMTP URL or configure it beside the URL"
    )]
    MissingFrom,
    /// A sender that is no address.
    #[error(
        "the sender is not an ASCII address such as no-reply@example.com or \"Acme <no-reply@example.com>\"; write \
         an international domain in its xn-- form"
    )]
    From,
}

impl SmtpConfig {
    /// Reads `smtps://user:password@host:465` or `smtp://user:password@host:587`, each port being the default.
    ///
    /// User and password are percent-decoded. `from` is the sender, with or without a name; without it the option
    /// `from` of the URL counts. Options after a `?`:
    ///
    /// - `from`: the sender, if the argument is `None`;
    /// - `tls`: `starttls` (the default of `smtp://`) or `none`, which only a server on this machine may have;
    /// - `hello`: the host name to greet the server with, if this machine's own is not fit for it.
    ///
    /// ```
    /// # use zalt_notify::smtp::{SmtpConfig, SmtpSecurity};
    /// let config = SmtpConfig::parse(
    ///     "smtp://acme:p%40ss@mail.example.com?from=no-reply@example.com",
    ///     None,
    /// )?;
    /// assert_eq!(config.security(), SmtpSecurity::StartTls);
    /// assert_eq!(config.port(), 587);
    /// assert!(!format!("{config:?}").contains("p@ss"));
    /// # Ok::<(), zalt_notify::smtp::SmtpConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`SmtpConfigError`] says what to change and never repeats the URL.
    pub fn parse(url: &str, from: Option<&str>) -> Result<Self, SmtpConfigError> {
        let url = Url::parse(url.trim()).map_err(|_| SmtpConfigError::Url)?;
        let implicit_tls = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(SmtpConfigError::Scheme),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SmtpConfigError::Path);
        }
        let host = host(&url)?;
        let options = Options::read(&url)?;
        let security = match (implicit_tls, options.tls.as_deref()) {
            (true, None) => SmtpSecurity::Tls,
            (false, None | Some("starttls")) => SmtpSecurity::StartTls,
            (false, Some("none")) if is_loopback(&host) => SmtpSecurity::Plain,
            (false, Some("none")) => return Err(SmtpConfigError::PlainAcrossNetwork),
            _ => return Err(SmtpConfigError::Tls),
        };
        let from = from
            .or(options.from.as_deref())
            .ok_or(SmtpConfigError::MissingFrom)?;
        Ok(Self {
            port: url.port().unwrap_or(if implicit_tls { 465 } else { 587 }),
            host,
            security,
            credentials: credentials(&url)?,
            from: sender(from)?,
            hello: options.hello,
            timeout: Duration::from_secs(30),
            max_connections: 4,
            roots: RootCertificates::default(),
        })
    }

    /// How long handing over one mail may take, connecting included; 30 seconds by default.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many connections may be open at once; 4 by default, at least 1.
    #[must_use]
    pub const fn with_max_connections(mut self, connections: usize) -> Self {
        self.max_connections = if connections == 0 { 1 } else { connections };
        self
    }

    /// Trusts these certificate authorities beside those of the web.
    #[must_use]
    pub fn with_root_certificates(mut self, roots: RootCertificates) -> Self {
        self.roots = roots;
        self
    }

    /// The mail server.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How the connection is protected.
    pub const fn security(&self) -> SmtpSecurity {
        self.security
    }

    /// The sender, as `name <address>` or the bare address.
    pub fn from(&self) -> String {
        self.from.to_string()
    }
}

fn host(url: &Url) -> Result<String, SmtpConfigError> {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let valid = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte));
    if valid {
        Ok(host.to_owned())
    } else {
        Err(SmtpConfigError::Host)
    }
}

fn credentials(url: &Url) -> Result<Option<SmtpCredentials>, SmtpConfigError> {
    let decode = |text: &str| {
        let text = percent_decode_str(text)
            .decode_utf8()
            .map_err(|_| SmtpConfigError::CredentialsEncoding)?;
        // NUL separates the fields of AUTH PLAIN (RFC 4616); the others have no business in a password either.
        if text.chars().any(char::is_control) {
            return Err(SmtpConfigError::CredentialsEncoding);
        }
        Ok(text.into_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None | Some("")) => Err(SmtpConfigError::Credentials),
        (user, Some(password)) => Ok(Some(SmtpCredentials {
            user: decode(user)?,
            password: Secret::new(decode(password)?),
        })),
    }
}

/// A sender whose address is ASCII: servers that take no other are too many to risk every mail on it.
fn sender(text: &str) -> Result<Mailbox, SmtpConfigError> {
    let clean = !text.chars().any(char::is_control);
    let mailbox: Mailbox = text.trim().parse().map_err(|_| SmtpConfigError::From)?;
    let address: &str = mailbox.email.as_ref();
    if clean && address.is_ascii() {
        Ok(mailbox)
    } else {
        Err(SmtpConfigError::From)
    }
}

#[derive(Default)]
struct Options {
    from: Option<String>,
    tls: Option<String>,
    hello: Option<String>,
}

impl Options {
    fn read(url: &Url) -> Result<Self, SmtpConfigError> {
        let mut options = Self::default();
        for (name, value) in url.query_pairs() {
            let (name, slot) = match name.as_ref() {
                "from" => ("from", &mut options.from),
                "tls" => ("tls", &mut options.tls),
                "hello" => ("hello", &mut options.hello),
                _ => return Err(SmtpConfigError::UnknownOption),
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(SmtpConfigError::RepeatedOption(name));
            }
        }
        let is_name = |name: &String| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        };
        if options.hello.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(SmtpConfigError::Hello);
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: Option<&str> = Some("Acme <no-reply@example.com>");

    fn parse(url: &str) -> Result<SmtpConfig, SmtpConfigError> {
        SmtpConfig::parse(url, FROM)
    }

    #[test]
    fn scheme_port_and_security_have_their_defaults() {
        let config = parse("smtps://mail.example.com").unwrap();
        assert_eq!((config.port(), config.security()), (465, SmtpSecurity::Tls));
        let config = parse("smtp://mail.example.com").unwrap();
        assert_eq!(
            (config.port(), config.security()),
            (587, SmtpSecurity::StartTls)
        );
        let config = parse("smtp://[::1]:2525/?tls=none").unwrap();
        assert_eq!(
            (config.host(), config.port(), config.security()),
            ("::1", 2525, SmtpSecurity::Plain)
        );
    }

    #[test]
    fn credentials_are_percent_decoded_and_never_shown() {
        let config = parse("smtp://user%40example.com:p%3A%2F%3F%23%25%C3%A9@h").unwrap();
        let credentials = config.credentials.as_ref().unwrap();
        assert_eq!(credentials.user, "user@example.com");
        assert_eq!(credentials.password.expose(), "p:/?#%é");
        assert!(!format!("{config:?}").contains("p:/?"));
    }

    #[test]
    fn plain_connections_stay_on_this_machine() {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            assert!(parse(&format!("smtp://{host}?tls=none")).is_ok(), "{host}");
        }
        for host in ["mail.example.com", "10.0.0.1", "localhost.example.com"] {
            assert_eq!(
                parse(&format!("smtp://{host}?tls=none")).unwrap_err(),
                SmtpConfigError::PlainAcrossNetwork
            );
        }
    }

    #[test]
    fn each_mistake_has_its_own_answer() {
        use SmtpConfigError as E;
        for (url, error) in [
            ("mail.example.com", E::Url),
            ("smtp://user:s3/cret@mail.example.com", E::Url),
            ("smtp://mail.example.com:99999", E::Url),
            ("http://mail.example.com", E::Scheme),
            ("mail.example.com:587", E::Scheme),
            ("smtp:mail.example.com", E::Path),
            ("smtp:", E::Host),
            ("smtp://a b/", E::Url),
            ("smtp://h/path", E::Path),
            ("smtp://h#x", E::Path),
            ("smtp://user:12?s3cret@h", E::UnknownOption),
            ("smtp://user@h", E::Credentials),
            ("smtp://user:@h", E::Credentials),
            ("smtp://:s3cret@h", E::Credentials),
            ("smtp://user:%ff@h", E::CredentialsEncoding),
            ("smtp://user:a%00b@h", E::CredentialsEncoding),
            ("smtp://h?form=x@y.z", E::UnknownOption),
            ("smtp://h?tls=none&tls=none", E::RepeatedOption("tls")),
            ("smtp://h?tls=maybe", E::Tls),
            ("smtps://localhost?tls=none", E::Tls),
            ("smtp://h?hello=a%20b", E::Hello),
        ] {
            let refused = parse(url).unwrap_err();
            assert_eq!(refused, error, "{url}");
            assert!(!refused.to_string().contains("s3"), "{url}");
        }
    }

    #[test]
    fn the_sender_comes_from_the_argument_or_the_url() {
        let config = SmtpConfig::parse("smtp://h?from=a%40example.com", None).unwrap();
        assert_eq!(config.from(), "a@example.com");
        let config = SmtpConfig::parse("smtp://h?from=a@example.com", FROM).unwrap();
        assert_eq!(config.from(), "Acme <no-reply@example.com>");
        assert_eq!(
            SmtpConfig::parse("smtp://h", None).unwrap_err(),
            SmtpConfigError::MissingFrom
        );
        for from in [
            "nobody",
            "a@b@c",
            "",
            "é@example.com",
            "Acme\r\nBcc: x@y.z <a@example.com>",
        ] {
            assert_eq!(
                SmtpConfig::parse("smtp://h", Some(from)).unwrap_err(),
                SmtpConfigError::From,
                "{from}"
            );
        }
    }
}
