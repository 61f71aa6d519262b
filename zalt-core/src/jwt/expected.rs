use std::time::Duration;

use super::{JwtError, TokenType};
use crate::environment::Timestamp;

/// What a token must say to be accepted.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    typ: TokenType,
    typ_required: bool,
    pub(super) kid_required: bool,
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) leeway: Leeway,
    pub(super) now: Timestamp,
}

impl<'a> Expected<'a> {
    /// A token of kind `typ` from exactly `issuer` for exactly `audience`, valid at `now`.
    pub const fn new(typ: TokenType, issuer: &'a str, audience: &'a str, now: Timestamp) -> Self {
        Self {
            typ,
            typ_required: true,
            kid_required: true,
            issuer,
            audience,
            leeway: Leeway::DEFAULT,
            now,
        }
    }

    /// An access token (`at+jwt`).
    pub const fn access_token(issuer: &'a str, audience: &'a str, now: Timestamp) -> Self {
        Self::new(TokenType::ACCESS, issuer, audience, now)
    }

    /// An ID token of a provider, which may leave `typ` out (OpenID Connect Core 1.0, section 2), and `kid` too where the
    /// provider has one key only (section 10.1).
    pub const fn id_token(issuer: &'a str, audience: &'a str, now: Timestamp) -> Self {
        let mut expected = Self::new(TokenType::JWT, issuer, audience, now);
        expected.typ_required = false;
        expected.kid_required = false;
        expected
    }

    /// Allows the clocks of issuer and reader to differ by another leeway than 30 seconds.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Leeway) -> Self {
        self.leeway = leeway;
        self
    }

    pub(super) fn check_type(&self, typ: Option<&str>) -> Result<(), JwtError> {
        let accepted = match typ {
            Some(typ) => self.typ.matches(typ),
            None => !self.typ_required,
        };
        if accepted {
            Ok(())
        } else {
            Err(JwtError::WrongType)
        }
    }
}

/// How far the clocks of issuer and reader may differ: at most 60 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leeway(Duration);

impl Leeway {
    /// No difference at all.
    pub const NONE: Self = Self(Duration::ZERO);
    /// 30 seconds.
    pub const DEFAULT: Self = Self(Duration::from_secs(30));
    /// 60 seconds.
    pub const MAX: Self = Self(Duration::from_mins(1));

    /// A leeway of `duration`, or `None` if that is more than [`Leeway::MAX`].
    pub fn new(duration: Duration) -> Option<Self> {
        (duration <= Self::MAX.0).then_some(Self(duration))
    }

    pub(super) const fn duration(self) -> Duration {
        self.0
    }
}

impl Default for Leeway {
    fn default() -> Self {
        Self::DEFAULT
    }
}
