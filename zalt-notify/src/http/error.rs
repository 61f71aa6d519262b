use zalt_core::message::SendError;

/// Why a message could not be handed to a service over HTTP; the source of a [`SendError`].
///
/// Only what the service says about the message itself is permanent. Wrong credentials or a wrong URL are for the
/// operator to mend, and the message waits.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSendError {
    /// Not called on a Tokio runtime.
    #[error("HTTP needs a Tokio runtime, and there is none here")]
    NoRuntime,
    /// The service could not be reached, or the connection broke.
    #[error("the connection to the service failed")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took longer than the configured timeout. The service may have taken the message all the same.
    #[error("the service took too long")]
    Timeout,
    /// The request could not be put together.
    #[error("the request to the service could not be put together")]
    Request(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The recipient is not a telephone number in E.164.
    #[error("the recipient is not a telephone number in E.164")]
    Recipient,
    /// The service is busy or broken (408, 425, 429, 5xx).
    #[error("the service deferred the message (status {status}{})", detail_text(.detail.as_deref()))]
    Deferred {
        /// The HTTP status.
        status: u16,
        /// What the service says, on one line; never with the content of the message.
        detail: Option<String>,
    },
    /// The service does not know us or the URL (a redirect, 401, 403, 404, 405): the configuration is wrong.
    #[error("the service does not accept our credentials or URL (status {status}{})", detail_text(.detail.as_deref()))]
    Configuration {
        /// The HTTP status.
        status: u16,
        /// What the service says, on one line; never with the content of the message.
        detail: Option<String>,
    },
    /// The service refuses the message for good (any other status).
    #[error("the service refused the message (status {status}{})", detail_text(.detail.as_deref()))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the service says, on one line; never with the content of the message.
        detail: Option<String>,
    },
}

fn detail_text(detail: Option<&str>) -> String {
    detail.map_or_else(String::new, |detail| format!(": {detail}"))
}

impl HttpSendError {
    /// What a status other than 2xx means for the message.
    pub(crate) const fn from_status(status: u16, detail: Option<String>) -> Self {
        match status {
            408 | 425 | 429 | 500.. => Self::Deferred { status, detail },
            300..=399 | 401 | 403 | 404 | 405 | 407 => Self::Configuration { status, detail },
            _ => Self::Refused { status, detail },
        }
    }

    /// An error of the client. The URL is dropped from it: it may hold a token.
    pub(super) fn from_request(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_builder() {
            Self::Request(Box::new(error))
        } else {
            Self::Connection(Box::new(error))
        }
    }

    /// Whether no later try can succeed.
    pub const fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::Request(_) | Self::Recipient | Self::Refused { .. }
        )
    }
}

impl From<HttpSendError> for SendError {
    fn from(error: HttpSendError) -> Self {
        if error.is_permanent() {
            Self::Permanent(Box::new(error))
        } else {
            Self::Temporary(Box::new(error))
        }
    }
}
