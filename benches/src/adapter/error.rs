use super::Operation;

/// Why a file is no adapter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdapterError {
    /// It is not TOML, or has a key that means nothing, or lacks one.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// An operation without a step.
    #[error("{} has no steps", operation.title())]
    NoSteps {
        /// Which operation.
        operation: Operation,
    },
    /// A step is one request, or waits for one mail.
    #[error("{place}: a step has either request or mail_to")]
    RequestOrMail {
        /// Which step.
        place: Place,
    },
    /// `request` is a method and a path.
    #[error("{place}: {text:?} is not a method and a path such as \"POST /sign-in\"")]
    Request {
        /// Which step.
        place: Place,
        /// What stands there.
        text: String,
    },
    /// A body is given in one way.
    #[error("{place}: a request has one of json, form and body, and a mail has none")]
    Bodies {
        /// Which step.
        place: Place,
    },
    /// The name of a header, or a fixed value.
    #[error("{place}: {name:?} is no header")]
    Header {
        /// Which step.
        place: Place,
        /// The name.
        name: String,
    },
    /// What `take` is to find can't be in a mail.
    #[error("{place}: {name} is taken from a mail by digits or after")]
    TakeFromMail {
        /// Which step.
        place: Place,
        /// The value.
        name: String,
    },
    /// A constant that no step uses.
    #[error("no step has a use for {name}")]
    Unused {
        /// The name.
        name: String,
    },
}

/// Where in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The operation.
    pub operation: Operation,
    /// Whether it is a step of its preparation.
    pub prepare: bool,
    /// Which step, counted from 1.
    pub step: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part = if self.prepare { "preparation, " } else { "" };
        write!(f, "{}, {part}step {}", self.operation.title(), self.step)
    }
}
