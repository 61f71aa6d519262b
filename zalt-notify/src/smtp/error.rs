use zalt_core::message::SendError;

/// Why a mail could not be handed to the mail server; the source of a [`SendError`].
///
/// Only what the server says about the message itself is permanent. What goes wrong before (connecting, TLS, signing
/// in to the server) is for the operator to mend, and the message waits.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpError {
    /// Not called on a Tokio runtime.
    #[error("SMTP needs a Tokio runtime, and there is none here")]
    NoRuntime,
    /// The server could not be reached, or the connection broke.
    #[error("the connection to the mail server failed")]
    Connection(#[source] BoxError),
    /// TLS could not be agreed on: most often the certificate is not one that we trust.
    #[error("the TLS connection to the mail server failed")]
    Tls(#[source] BoxError),
    /// The server does not offer STARTTLS. Nothing was sent: neither credentials nor the mail.
    #[error(
        "the mail server does not offer STARTTLS, so nothing was sent; use smtps:// if it has TLS, or ?tls=none if it \
         runs on this machine"
    )]
    StartTlsNotOffered,
    /// `tls=none` was meant for this machine, but the name of the host leads elsewhere.
    #[error(
        "the host of the mail server leads to another machine, so nothing was sent without TLS"
    )]
    PlainAcrossNetwork,
    /// It took longer than the configured timeout. The server may have taken the mail all the same.
    #[error("the mail server took too long")]
    Timeout,
    /// The server did not greet us, or refused to talk to us at all.
    #[error("the mail server refused the session ({0})")]
    Session(Reply),
    /// The server did not accept user and password.
    #[error("the mail server did not accept user and password (code {})", .0.map_or_else(|| "unknown".to_owned(), |code| code.to_string()))]
    Authentication(Option<u16>),
    /// The server offers no way to sign in that we know: PLAIN and LOGIN.
    #[error("the mail server offers neither AUTH PLAIN nor AUTH LOGIN")]
    AuthenticationNotOffered,
    /// The recipient is not an address that SMTP can carry.
    #[error("the recipient is not an e-mail address")]
    Recipient,
    /// The recipient's name has other than ASCII characters and the server lacks SMTPUTF8 (RFC 6531).
    #[error(
        "the recipient's address has other than ASCII characters before the @, which the mail server can't carry"
    )]
    SmtpUtf8NotOffered,
    /// The mail could not be put together.
    #[error("the mail could not be put together")]
    Message(#[source] BoxError),
    /// The server asks to come back later (4xx).
    #[error("the mail server deferred the mail ({0})")]
    Deferred(Reply),
    /// The server refuses the sender, the recipient or the content for good (5xx).
    #[error("the mail server refused the mail ({0})")]
    Refused(Reply),
}

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the server said, on one line and without control characters; without text where it repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The words after them, cut to 200 characters.
    pub text: String,
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.text.is_empty() {
            write!(f, "{}", self.code)
        } else {
            write!(f, "{} {}", self.code, self.text)
        }
    }
}

impl SmtpError {
    /// Whether no later try can succeed.
    pub const fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::Recipient | Self::SmtpUtf8NotOffered | Self::Message(_) | Self::Refused(_)
        )
    }
}

impl From<SmtpError> for SendError {
    fn from(error: SmtpError) -> Self {
        if error.is_permanent() {
            Self::Permanent(Box::new(error))
        } else {
            Self::Temporary(Box::new(error))
        }
    }
}

/// Why an [`SmtpMailer`](super::SmtpMailer) could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpSetupError {
    /// TLS could not be set up from the configured root certificates.
    #[error("TLS for the mail server could not be set up")]
    Tls(#[source] BoxError),
}
