//! The front page and the error pages.

use askama::Template;

use super::Page;
use crate::pages::paths;

/// `GET /`.
#[derive(Debug, Template)]
#[template(path = "site/home.html")]
pub(crate) struct HomeView {
    pub(crate) page: Page,
}

/// A page in place of the one that was asked for.
#[derive(Debug, Template)]
#[template(path = "site/error.html")]
pub(crate) struct ErrorView {
    pub(crate) page: Page,
    pub(crate) kind: ErrorKind,
    pub(crate) request_id: String,
}

/// Why there is no other page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    BadRequest,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    TooLarge,
    /// Another site sent the form.
    CrossOrigin,
    /// The form was open for too long.
    FormExpired,
    TooManyRequests {
        retry_after_seconds: u64,
    },
    Internal,
    Unavailable {
        retry_after_seconds: u64,
    },
}

impl ErrorKind {
    /// The HTTP status. An expired form has no status of its own in the standard; 419 is what the field uses.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden | Self::CrossOrigin => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooLarge => 413,
            Self::FormExpired => 419,
            Self::TooManyRequests { .. } => 429,
            Self::Internal => 500,
            Self::Unavailable { .. } => 503,
        }
    }

    /// What to send as `Retry-After`.
    pub(crate) fn retry_after_seconds(self) -> Option<u64> {
        match self {
            Self::TooManyRequests {
                retry_after_seconds,
            }
            | Self::Unavailable {
                retry_after_seconds,
            } => Some(retry_after_seconds),
            _ => None,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "We couldn’t read that request",
            Self::Forbidden => "You can’t open this page",
            Self::NotFound => "This page doesn’t exist",
            Self::MethodNotAllowed => "This page can’t be used like that",
            Self::TooLarge => "That was too much",
            Self::CrossOrigin => "This didn’t come from our page",
            Self::FormExpired => "This form has expired",
            Self::TooManyRequests { .. } => "Too many tries",
            Self::Internal => "Something went wrong",
            Self::Unavailable { .. } => "We’re busy right now",
        }
    }

    fn text(self) -> String {
        match self {
            Self::BadRequest => "Something in it was damaged or missing. Go back and try once more.".to_owned(),
            Self::Forbidden => "You are signed in, but this page is not for your account.".to_owned(),
            Self::NotFound => "The address may be mistyped, or the page has moved.".to_owned(),
            Self::MethodNotAllowed => "Open it from a link or a form of ours.".to_owned(),
            Self::TooLarge => "What was sent is longer than anything that we ask for. Nothing was changed.".to_owned(),
            Self::CrossOrigin => {
                "Another site sent this form in your name. For your safety nothing was changed. If you meant to do it, open \
                 the page here and do it once more."
                    .to_owned()
            }
            Self::FormExpired => {
                "For your safety a form can only be sent for a while. Nothing was changed. Open the page again and \
                 send it once more."
                    .to_owned()
            }
            Self::TooManyRequests { retry_after_seconds } => {
                format!("To keep accounts safe we have to slow down here. Try again in {}.", wait(retry_after_seconds))
            }
            Self::Internal => "The fault is on our side and has been written down. Try again in a moment.".to_owned(),
            Self::Unavailable { retry_after_seconds } => {
                format!("Nothing was changed. Try again in {}.", wait(retry_after_seconds))
            }
        }
    }
}

/// A wait in words, rounded up.
pub(crate) fn wait(seconds: u64) -> String {
    let plural = |count: u64, unit: &str| {
        let s = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{s}")
    };
    match seconds {
        0..=90 => plural(seconds.max(1), "second"),
        91..=5400 => plural(seconds.div_ceil(60), "minute"),
        _ => plural(seconds.div_ceil(3600), "hour"),
    }
}

#[cfg(test)]
mod tests {
    use super::wait;

    #[test]
    fn waits_are_rounded_up_and_agree_in_number() {
        assert_eq!(wait(0), "1 second");
        assert_eq!(wait(45), "45 seconds");
        assert_eq!(wait(91), "2 minutes");
        assert_eq!(wait(7201), "3 hours");
    }
}
