use serde::{Deserialize, Serialize};

use crate::config::FirstFactor;
use crate::environment::Timestamp;
use crate::identifier::IdentifierKind;
use crate::secret::{CodeDigest, TokenDigest};
use crate::session::AuthenticationMethod;

/// What a factor asks for: the code, and perhaps the link, that was last sent.
///
/// A newer one takes the place of the older, which is void from then on. What was guessed wrong before is counted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// What passing it allows.
    pub purpose: ChallengePurpose,
    /// How it reaches the person.
    pub strategy: ChallengeStrategy,
    /// The code's digest.
    pub code: CodeDigest,
    /// The digest of the link's secret, where the message has a link.
    pub link: Option<TokenDigest>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// From when on it is void.
    pub expires_at: Timestamp,
}

/// What passing a challenge allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengePurpose {
    /// Signing in.
    SignIn,
    /// Setting a new password.
    ResetPassword,
    /// Taking an address for one's own.
    VerifyAddress,
    /// Passing the second factor of a sign-in.
    SecondFactor,
    /// Proving a second factor again within a session.
    StepUp,
}

impl ChallengePurpose {
    pub(crate) const fn label(self) -> &'static [u8] {
        match self {
            Self::SignIn => b"sign-in",
            Self::ResetPassword => b"reset-password",
            Self::VerifyAddress => b"verify-address",
            Self::SecondFactor => b"second-factor",
            Self::StepUp => b"step-up",
        }
    }
}

impl ChallengePurpose {
    /// The first factor that passing such a challenge is, or that it restores; `None` where nobody signs in by it.
    pub(crate) const fn first_factor(self, strategy: ChallengeStrategy) -> Option<FirstFactor> {
        match (self, strategy) {
            (Self::SignIn, ChallengeStrategy::EmailCode) => Some(FirstFactor::EmailCode),
            (Self::SignIn, ChallengeStrategy::EmailLink) => Some(FirstFactor::EmailLink),
            (Self::SignIn, ChallengeStrategy::SmsCode) => Some(FirstFactor::SmsCode),
            // Whoever lost a password gets a new one by mail, also where nobody signs in by mail. A number may have gone to
            // somebody else, who must not take the account over by it.
            (Self::ResetPassword, ChallengeStrategy::EmailCode | ChallengeStrategy::EmailLink) => {
                Some(FirstFactor::Password)
            }
            (Self::ResetPassword, ChallengeStrategy::SmsCode)
            | (Self::VerifyAddress | Self::SecondFactor | Self::StepUp, _) => None,
        }
    }
}

/// How a challenge reaches a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChallengeStrategy {
    /// A mail with a code of six digits.
    #[default]
    EmailCode,
    /// A mail with a link, and the code for whoever opens the mail on another device.
    EmailLink,
    /// A text message with a code of six digits.
    SmsCode,
}

impl ChallengeStrategy {
    /// What passing it proves, as a first factor.
    pub(crate) const fn method(self) -> AuthenticationMethod {
        match self {
            Self::EmailCode | Self::EmailLink => AuthenticationMethod::Email,
            Self::SmsCode => AuthenticationMethod::Sms,
        }
    }

    /// What kind of identifier it reaches people at.
    pub const fn reaches(self) -> IdentifierKind {
        match self {
            Self::EmailCode | Self::EmailLink => IdentifierKind::EmailAddress,
            Self::SmsCode => IdentifierKind::PhoneNumber,
        }
    }
}
