//! Which factors an application allows. Nothing here is about a user, so all of it may be told to anybody.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A way to pass the first factor, named as the API names its strategies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FirstFactor {
    /// The password.
    Password,
    /// A code that is mailed.
    EmailCode,
    /// A link that is mailed, and the code beside it.
    EmailLink,
    /// A code in a text message.
    SmsCode,
    /// A passkey.
    Passkey,
}

impl FirstFactor {
    /// Every way, in the order in which pages offer them.
    pub const ALL: &'static [Self] = &[
        Self::Passkey,
        Self::Password,
        Self::EmailCode,
        Self::EmailLink,
        Self::SmsCode,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::EmailCode => "email_code",
            Self::EmailLink => "email_link",
            Self::SmsCode => "sms_code",
            Self::Passkey => "passkey",
        }
    }
}

/// The ways to pass the first factor that an application allows. One that is not allowed is not accepted from anybody;
/// what is kept for it, such as a password, stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is allowed or not, whatever the others are"
)]
#[non_exhaustive]
pub struct FirstFactors {
    /// Passwords (allowed). Without them none is asked for at sign-up, set, changed or reset.
    pub password: bool,
    /// Codes that are mailed (allowed).
    pub email_code: bool,
    /// Links that are mailed (allowed).
    pub email_link: bool,
    /// Codes in text messages (not allowed).
    pub sms_code: bool,
    /// Passkeys (allowed).
    pub passkey: bool,
}

impl Default for FirstFactors {
    fn default() -> Self {
        Self {
            password: true,
            email_code: true,
            email_link: true,
            sms_code: false,
            passkey: true,
        }
    }
}

impl FirstFactors {
    /// None, to allow some.
    pub const NONE: Self = Self {
        password: false,
        email_code: false,
        email_link: false,
        sms_code: false,
        passkey: false,
    };

    /// These, and no other.
    pub fn only(factors: &[FirstFactor]) -> Self {
        let mut allowed = Self::NONE;
        for factor in factors {
            *allowed.slot(*factor) = true;
        }
        allowed
    }

    /// Those that are allowed, in the order in which pages offer them.
    pub fn iter(mut self) -> impl Iterator<Item = FirstFactor> {
        let factors = FirstFactor::ALL.iter().copied();
        factors.filter(move |factor| *self.slot(*factor))
    }

    /// Whether this one is allowed.
    pub fn allows(mut self, factor: FirstFactor) -> bool {
        *self.slot(factor)
    }

    /// Refuses one that is not allowed.
    ///
    /// # Errors
    /// [`Error::FactorNotAllowed`].
    pub fn require(self, factor: FirstFactor) -> Result<(), Error> {
        refuse_unless(self.allows(factor))
    }

    const fn slot(&mut self, factor: FirstFactor) -> &mut bool {
        match factor {
            FirstFactor::Password => &mut self.password,
            FirstFactor::EmailCode => &mut self.email_code,
            FirstFactor::EmailLink => &mut self.email_link,
            FirstFactor::SmsCode => &mut self.sms_code,
            FirstFactor::Passkey => &mut self.passkey,
        }
    }
}

/// A kind of second factor, named as the API names its strategies. Recovery codes are none: they stand in for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecondFactor {
    /// An authenticator app.
    Totp,
    /// A passkey.
    Passkey,
    /// A code in a text message.
    SmsCode,
    /// A code that is mailed.
    EmailCode,
}

impl SecondFactor {
    /// Every kind, the strongest first.
    pub const ALL: &'static [Self] = &[Self::Passkey, Self::Totp, Self::SmsCode, Self::EmailCode];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::SmsCode => "sms_code",
            Self::EmailCode => "email_code",
        }
    }
}

/// The kinds of second factor that an application allows. One that is not allowed can't be set up and is not accepted;
/// what was set up stays, and counts again once its kind is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is allowed or not, whatever the others are"
)]
#[non_exhaustive]
pub struct SecondFactorMethods {
    /// Authenticator apps (allowed).
    pub totp: bool,
    /// Passkeys (allowed).
    pub passkey: bool,
    /// Codes in text messages (not allowed).
    pub sms_code: bool,
    /// Codes that are mailed (not allowed).
    pub email_code: bool,
}

impl Default for SecondFactorMethods {
    fn default() -> Self {
        Self {
            totp: true,
            passkey: true,
            sms_code: false,
            email_code: false,
        }
    }
}

impl SecondFactorMethods {
    /// None, to allow some.
    pub const NONE: Self = Self {
        totp: false,
        passkey: false,
        sms_code: false,
        email_code: false,
    };

    /// These, and no other.
    pub fn only(factors: &[SecondFactor]) -> Self {
        let mut allowed = Self::NONE;
        for factor in factors {
            *allowed.slot(*factor) = true;
        }
        allowed
    }

    /// Those that are allowed, the strongest first.
    pub fn iter(mut self) -> impl Iterator<Item = SecondFactor> {
        let factors = SecondFactor::ALL.iter().copied();
        factors.filter(move |factor| *self.slot(*factor))
    }

    /// Whether this one is allowed.
    pub fn allows(mut self, factor: SecondFactor) -> bool {
        *self.slot(factor)
    }

    /// Refuses one that is not allowed.
    ///
    /// # Errors
    /// [`Error::FactorNotAllowed`].
    pub fn require(self, factor: SecondFactor) -> Result<(), Error> {
        refuse_unless(self.allows(factor))
    }

    const fn slot(&mut self, factor: SecondFactor) -> &mut bool {
        match factor {
            SecondFactor::Totp => &mut self.totp,
            SecondFactor::Passkey => &mut self.passkey,
            SecondFactor::SmsCode => &mut self.sms_code,
            SecondFactor::EmailCode => &mut self.email_code,
        }
    }
}

const fn refuse_unless(allowed: bool) -> Result<(), Error> {
    if allowed {
        Ok(())
    } else {
        Err(Error::FactorNotAllowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_allowed() {
        for factor in FirstFactor::ALL {
            let allowed = FirstFactors::only(&[*factor]);
            assert_eq!(allowed.iter().collect::<Vec<_>>(), [*factor]);
            assert!(matches!(
                FirstFactors::NONE.require(*factor),
                Err(Error::FactorNotAllowed)
            ));
        }
        for factor in SecondFactor::ALL {
            let allowed = SecondFactorMethods::only(&[*factor]);
            assert_eq!(allowed.iter().collect::<Vec<_>>(), [*factor]);
            assert!(matches!(
                SecondFactorMethods::NONE.require(*factor),
                Err(Error::FactorNotAllowed)
            ));
        }
    }

    #[test]
    fn a_factor_is_called_the_same_everywhere() {
        for factor in FirstFactor::ALL {
            assert_eq!(serde_json::to_value(factor).unwrap(), factor.as_str());
        }
        for factor in SecondFactor::ALL {
            assert_eq!(serde_json::to_value(factor).unwrap(), factor.as_str());
        }
    }
}
