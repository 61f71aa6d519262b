//! One connection to the mail server: opened, secured, signed in.

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::{Message, transport::smtp};
use tokio::net::TcpStream;

use super::config::{SmtpConfig, SmtpSecurity};
use super::error::{Reply, SmtpError, SmtpSetupError};
use super::line_stream::LineStream;
use crate::templates::one_line;

pub(super) struct Connection(AsyncSmtpConnection);

/// What every connection needs, made once.
pub(super) struct Connector {
    hello: ClientId,
    credentials: Option<Credentials>,
    tls: Option<TlsParameters>,
}

impl Connector {
    pub(super) fn new(config: &SmtpConfig) -> Result<Self, SmtpSetupError> {
        let tls = match config.security {
            SmtpSecurity::Plain => None,
            SmtpSecurity::Tls | SmtpSecurity::StartTls => Some(tls_parameters(config)?),
        };
        Ok(Self {
            hello: config
                .hello
                .clone()
                .map_or_else(ClientId::default, ClientId::Domain),
            credentials: config.credentials.as_ref().map(|credentials| {
                Credentials::new(
                    credentials.user.clone(),
                    credentials.password.expose().to_owned(),
                )
            }),
            tls,
        })
    }

    pub(super) async fn connect(&self, config: &SmtpConfig) -> Result<Connection, SmtpError> {
        let mut connection = match (&self.tls, config.security) {
            (Some(tls), SmtpSecurity::StartTls) => self.connect_start_tls(config, tls).await?,
            (Some(tls), _) => AsyncSmtpConnection::connect_tokio1(
                (config.host.as_str(), config.port),
                Some(config.timeout),
                &self.hello,
                Some(tls.clone()),
                None,
            )
            .await
            .map_err(session_error)?,
            (None, _) => self.connect_plain(config).await?,
        };
        if let Some(credentials) = &self.credentials {
            if connection
                .server_info()
                .get_auth_mechanism(DEFAULT_MECHANISMS)
                .is_none()
            {
                return Err(SmtpError::AuthenticationNotOffered);
            }
            connection
                .auth(DEFAULT_MECHANISMS, credentials)
                .await
                .map_err(authentication_error)?;
        }
        Ok(Connection(connection))
    }

    async fn connect_start_tls(
        &self,
        config: &SmtpConfig,
        tls: &TlsParameters,
    ) -> Result<AsyncSmtpConnection, SmtpError> {
        let stream = LineStream::new(tcp(config).await?);
        let mut connection =
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello)
                .await
                .map_err(session_error)?;
        if !connection.can_starttls() {
            return Err(SmtpError::StartTlsNotOffered);
        }
        connection
            .starttls(tls.clone(), &self.hello)
            .await
            .map_err(session_error)?;
        Ok(connection)
    }

    async fn connect_plain(&self, config: &SmtpConfig) -> Result<AsyncSmtpConnection, SmtpError> {
        let stream = tcp(config).await?;
        let peer = stream.peer_addr().map_err(io_error)?;
        if !peer.ip().to_canonical().is_loopback() {
            return Err(SmtpError::PlainAcrossNetwork);
        }
        AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello)
            .await
            .map_err(session_error)
    }
}

impl Connection {
    /// Whether the server still answers.
    pub(super) async fn is_alive(&mut self) -> bool {
        self.0.test_connected().await
    }

    /// Hands over one message. `secrets` are withheld from what the error repeats of the server's words.
    pub(super) async fn send(
        &mut self,
        message: &Message,
        secrets: &[&str],
    ) -> Result<(), SmtpError> {
        let envelope = message.envelope();
        let ascii = envelope.to().iter().all(|to| {
            let address: &str = to.as_ref();
            address.is_ascii()
        });
        if !ascii
            && !self
                .0
                .server_info()
                .supports_feature(Extension::SmtpUtfEight)
        {
            return Err(SmtpError::SmtpUtf8NotOffered);
        }
        match self.0.send(envelope, &message.formatted()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(message_error(error, secrets)),
        }
    }
}

fn tls_parameters(config: &SmtpConfig) -> Result<TlsParameters, SmtpSetupError> {
    let setup = |error: smtp::Error| SmtpSetupError::Tls(Box::new(error));
    let mut builder = TlsParameters::builder(config.host.clone())
        // Named, not left to which features some other crate of the program switches on.
        .certificate_store(CertificateStore::WebpkiRoots);
    for root in config.roots.iter() {
        let root = Certificate::from_der(root.as_ref().to_vec()).map_err(setup)?;
        builder = builder.add_root_certificate(root);
    }
    builder.build_rustls().map_err(setup)
}

async fn tcp(config: &SmtpConfig) -> Result<TcpStream, SmtpError> {
    TcpStream::connect((config.host.as_str(), config.port))
        .await
        .map_err(io_error)
}

fn io_error(error: std::io::Error) -> SmtpError {
    SmtpError::Connection(Box::new(error))
}

/// An error before the mail itself was spoken of.
fn session_error(error: smtp::Error) -> SmtpError {
    match reply(&error, &[]) {
        Some(reply) => SmtpError::Session(reply),
        None if is_tls(&error) => SmtpError::Tls(Box::new(error)),
        None => SmtpError::Connection(Box::new(error)),
    }
}

/// The words of the reply are left out: a server may repeat what it was sent.
fn authentication_error(error: smtp::Error) -> SmtpError {
    match error.status() {
        Some(code) => SmtpError::Authentication(Some(code.into())),
        None if error.is_response() || error.is_client() => SmtpError::Authentication(None),
        None => SmtpError::Connection(Box::new(error)),
    }
}

fn message_error(error: smtp::Error, secrets: &[&str]) -> SmtpError {
    match reply(&error, secrets) {
        // Said in answer to MAIL: we are not signed in, or not well enough (RFC 4954, section 6). Not the mail's fault.
        Some(reply) if matches!(reply.code, 530 | 534 | 535 | 538) => {
            SmtpError::Authentication(Some(reply.code))
        }
        Some(reply) if error.is_permanent() => SmtpError::Refused(reply),
        Some(reply) => SmtpError::Deferred(reply),
        // The one thing the client itself refuses here is a message that the server's extensions can't carry.
        None if error.is_client() => SmtpError::Message(Box::new(error)),
        None => SmtpError::Connection(Box::new(error)),
    }
}

fn reply(error: &smtp::Error, secrets: &[&str]) -> Option<Reply> {
    let code = error.status()?.into();
    let text = std::error::Error::source(error)
        .map(|text| one_line(&text.to_string(), 200))
        .filter(|text| !secrets.iter().any(|secret| text.contains(secret)))
        .unwrap_or_default();
    Some(Reply { code, text })
}

/// Looks for an error of rustls in the chain; I/O errors hide theirs from `source`.
fn is_tls(error: &smtp::Error) -> bool {
    if error.is_tls() {
        return true;
    }
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .is_some();
        if wrapped || error.is::<rustls::Error>() {
            return true;
        }
        next = error.source();
    }
    false
}
