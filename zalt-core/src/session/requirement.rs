use std::time::Duration;

use super::model::Assurance;

/// How well, and how recently, a user has to have proved who they are for what they ask.
///
/// ```
/// use std::time::Duration;
/// use zalt_core::session::{Assurance, Requirement};
///
/// const TO_PAY: Requirement = Requirement::of(Assurance::TwoFactors).within(Duration::from_secs(120));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    pub(crate) assurance: Assurance,
    pub(crate) age: Age,
}

/// How old the proof may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// As the application is configured.
    Window,
    Within(Duration),
    Session,
}

impl Requirement {
    /// Asks for a proof this good within the application's window for re-authentication
    /// ([`reauthentication_window`](crate::config::SessionConfig::reauthentication_window)).
    pub const fn of(assurance: Assurance) -> Self {
        Self {
            assurance,
            age: Age::Window,
        }
    }

    /// Asks for it within this time.
    #[must_use]
    pub const fn within(self, age: Duration) -> Self {
        Self {
            age: Age::Within(age),
            ..self
        }
    }

    /// Accepts a proof of any age, as long as it was given in this session.
    #[must_use]
    pub const fn in_this_session(self) -> Self {
        Self {
            age: Age::Session,
            ..self
        }
    }
}

impl From<Assurance> for Requirement {
    fn from(assurance: Assurance) -> Self {
        Self::of(assurance)
    }
}
