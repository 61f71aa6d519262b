use crate::error::Error;
use crate::secret::LinkToken;

/// What a person shows to pass a challenge: the code from a mail, or the secret from its link.
#[derive(Clone)]
pub enum Proof {
    /// The code, as typed.
    Code(String),
    /// The secret of the link.
    Link(LinkToken),
}

impl Proof {
    /// A code as typed: spaces and hyphens between the digits are dropped.
    pub fn code(text: &str) -> Self {
        Self::Code(
            text.chars()
                .filter(|c| !matches!(c, ' ' | '-'))
                .take(16)
                .collect(),
        )
    }

    /// The `token` of a link.
    ///
    /// # Errors
    /// [`Error::LinkIncorrect`] if it can't be one of ours.
    pub fn link(text: &str) -> Result<Self, Error> {
        LinkToken::parse(text)
            .map(Self::Link)
            .map_err(|_| Error::LinkIncorrect)
    }

    /// Whether somebody may hit upon it by trying. A link's secret has 256 bits.
    pub(super) const fn can_be_guessed(&self) -> bool {
        matches!(self, Self::Code(_))
    }

    /// What is said if it is not right.
    pub(super) const fn refusal(&self) -> Error {
        match self {
            Self::Code(_) => Error::CodeIncorrect,
            Self::Link(_) => Error::LinkIncorrect,
        }
    }
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Code(_) => "Code(..)",
            Self::Link(_) => "Link(..)",
        })
    }
}
