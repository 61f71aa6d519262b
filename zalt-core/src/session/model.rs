use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::config::SecondFactor;
use crate::environment::Timestamp;
use crate::id::{SessionId, UserId};
use crate::secret::TokenDigest;

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names the session; the `sid` of its access tokens.
    pub id: SessionId,
    /// Who is signed in.
    pub user_id: UserId,
    /// The user's [`session_epoch`](crate::user::User::session_epoch) when the sign-in read it. A store inserts the
    /// session only while the user still has it.
    pub epoch: u64,
    /// How the session is held.
    pub transport: Transport,
    /// The digest of the session token; `None` where the session is held by refresh tokens.
    pub token: Option<TokenDigest>,
    /// The state of the refresh-token family; `None` where the session is held by a cookie.
    pub refresh: Option<RefreshState>,
    /// How the user proved who they are (`amr`, RFC 8176), each method with the last time.
    pub amr: Vec<Authentication>,
    /// When they last did so (`auth_time`).
    pub authenticated_at: Timestamp,
    /// When the session was last used, to the resolution of the configured touch interval.
    pub last_seen_at: Timestamp,
    /// The session is over at this instant if it isn't used before.
    pub idle_expires_at: Timestamp,
    /// The session is over at this instant, whatever happens.
    pub expires_at: Timestamp,
    /// The address from which it was last used.
    pub ip: Option<IpAddr>,
    /// The user agent that began it, as sent, cut to 256 bytes.
    pub user_agent: Option<String>,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When and why it was ended before its time.
    pub revoked: Option<(Timestamp, RevokeReason)>,
}

impl Session {
    /// Whether the session can be used at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires_at && now < self.idle_expires_at
    }
}

/// How a session is held by its device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// An opaque token in a cookie: browsers on the same site.
    #[default]
    Cookie,
    /// Short access tokens and a rotating refresh token: everything else.
    Bearer,
}

/// How a user proved who they are, named as RFC 8176 does where it has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AuthenticationMethod {
    /// A password.
    #[serde(rename = "pwd")]
    Password,
    /// A code or link sent to a verified e-mail address: one factor.
    #[serde(rename = "email")]
    Email,
    /// A code in a text message to a verified phone number: one factor.
    #[serde(rename = "sms")]
    Sms,
    /// A code that was mailed as second factor.
    #[serde(rename = "second_email")]
    SecondEmail,
    /// A code in a text message as second factor.
    #[serde(rename = "second_sms")]
    SecondSms,
    /// A code of an authenticator app.
    #[serde(rename = "otp")]
    Totp,
    /// A recovery code.
    #[serde(rename = "recovery")]
    RecoveryCode,
    /// A passkey whose authenticator checked who was there: two factors at once.
    #[serde(rename = "passkey")]
    Passkey,
    /// A passkey whose authenticator checked only that somebody was there: one factor.
    #[serde(rename = "passkey_presence")]
    PasskeyPresence,
    /// A device that stood in for the second factor. It is none itself: the session has one factor.
    #[serde(rename = "trusted_device")]
    TrustedDevice,
    /// An account at a provider: one factor, whatever the provider asked for.
    #[serde(rename = "fed")]
    Connection,
}

impl AuthenticationMethod {
    /// The value in the `amr` claim.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Email | Self::SecondEmail => "email",
            Self::Sms | Self::SecondSms => "sms",
            Self::Totp => "otp",
            Self::RecoveryCode => "recovery",
            Self::Passkey => "passkey",
            Self::PasskeyPresence => "passkey_presence",
            Self::TrustedDevice => "trusted_device",
            Self::Connection => "fed",
        }
    }

    /// What a passkey proves.
    pub(crate) const fn of_passkey(user_verified: bool) -> Self {
        if user_verified {
            Self::Passkey
        } else {
            Self::PasskeyPresence
        }
    }

    /// Whether it may come second, after a password or a mailed code.
    pub const fn is_second_factor(self) -> bool {
        matches!(
            self,
            Self::Totp | Self::RecoveryCode | Self::SecondEmail | Self::SecondSms
        ) || self.is_passkey()
    }

    /// Whether it came first and is no passkey. A device that stood in for a second factor is neither first nor second.
    pub(crate) const fn is_plain_first(self) -> bool {
        !self.is_second_factor() && !matches!(self, Self::TrustedDevice)
    }

    /// Whether it gives nothing to a page that looks like the right one.
    pub const fn is_passkey(self) -> bool {
        matches!(self, Self::Passkey | Self::PasskeyPresence)
    }
}

/// That a user proved who they are, in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Authentication {
    /// How.
    pub method: AuthenticationMethod,
    /// When they last did so in this session.
    pub at: Timestamp,
}

impl<'de> Deserialize<'de> for Authentication {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Kept {
            Timed {
                method: AuthenticationMethod,
                at: Timestamp,
            },
            // As sessions of the first schema kept it: too long ago for whatever asks how long.
            Bare(AuthenticationMethod),
        }
        Ok(match Kept::deserialize(deserializer)? {
            Kept::Timed { method, at } => Self { method, at },
            Kept::Bare(method) => Self {
                method,
                at: Timestamp::from_unix_millis(0),
            },
        })
    }
}

/// How well a session's user is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Assurance {
    /// By one factor.
    OneFactor,
    /// By two factors of different kinds.
    TwoFactors,
    /// By two factors, one of which gives nothing to a page that looks like the right one: a passkey.
    PhishingResistant,
}

impl Session {
    /// How well the user is known by all that they proved in this session; `None` if that is nothing.
    pub fn assurance(&self) -> Option<Assurance> {
        use AuthenticationMethod::{Passkey, PasskeyPresence};
        let has = |wanted: fn(AuthenticationMethod) -> bool| {
            self.amr.iter().any(|proof| wanted(proof.method))
        };
        let first = has(AuthenticationMethod::is_plain_first);
        let code = has(|method| method.is_second_factor() && !method.is_passkey());
        let touched = has(|method| method == PasskeyPresence);
        if has(|method| method == Passkey) || first && touched {
            Some(Assurance::PhishingResistant)
        } else if code && (first || touched) {
            Some(Assurance::TwoFactors)
        } else {
            (!self.amr.is_empty()).then_some(Assurance::OneFactor)
        }
    }

    /// Whether the user proved who they are since `from`, as well as `assurance` asks: for two factors, both in this
    /// session, and the second of them since then; to resist phishing, a passkey since then.
    pub fn is_proved_since(&self, from: Timestamp, assurance: Assurance) -> bool {
        let since = |wanted: fn(AuthenticationMethod) -> bool| {
            self.assurance() >= Some(assurance)
                && self
                    .amr
                    .iter()
                    .any(|proof| wanted(proof.method) && proof.at >= from)
        };
        // A key that was touched and nothing else adds something only to another kind of factor.
        let beside_another = self.amr.iter().any(|proof| proof.method.is_plain_first());
        match assurance {
            Assurance::OneFactor => self.authenticated_at >= from,
            Assurance::TwoFactors if beside_another => {
                since(AuthenticationMethod::is_second_factor)
            }
            Assurance::TwoFactors => since(|method| {
                method.is_second_factor() && method != AuthenticationMethod::PasskeyPresence
            }),
            Assurance::PhishingResistant if beside_another => {
                since(AuthenticationMethod::is_passkey)
            }
            Assurance::PhishingResistant => since(|method| method == AuthenticationMethod::Passkey),
        }
    }

    /// Whether a second factor of this kind is of another kind than a first one that was proved in this session.
    pub(crate) fn goes_with(&self, factor: SecondFactor) -> bool {
        self.amr
            .iter()
            .any(|proof| proof.method.is_plain_first() && factor.goes_with(proof.method))
    }

    /// The methods with these proved now.
    pub(crate) fn amr_with(
        &self,
        methods: &[AuthenticationMethod],
        at: Timestamp,
    ) -> Vec<Authentication> {
        let mut amr: Vec<_> = self
            .amr
            .iter()
            .copied()
            .filter(|proof| !methods.contains(&proof.method))
            .collect();
        amr.extend(methods.iter().map(|&method| Authentication { method, at }));
        amr
    }
}

/// The family of refresh tokens of one session.
///
/// `Debug` leaves the seed out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RefreshState {
    /// Random bytes that the tokens of this family are derived from, together with a key that is not in the store.
    pub seed: [u8; 32],
    /// The generation of the token that is current; the first is 0.
    pub generation: u32,
    /// When the current token took the place of the one before it.
    pub rotated_at: Timestamp,
}

impl fmt::Debug for RefreshState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshState")
            .field("generation", &self.generation)
            .field("rotated_at", &self.rotated_at)
            .finish_non_exhaustive()
    }
}

/// Why a session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevokeReason {
    /// The user signed out.
    SignedOut,
    /// The user ended it from another session.
    RevokedByUser,
    /// An administrator ended it.
    RevokedByAdmin,
    /// The password was changed or reset.
    PasswordChanged,
    /// The first second factor was set up: sessions of one factor end.
    SecondFactorAdded,
    /// A refresh token that had been replaced was presented again.
    RefreshTokenReused,
    /// The account was frozen by its owner.
    AccountFrozen,
    /// The account was suspended.
    UserSuspended,
    /// The account was deleted.
    UserDeleted,
}

impl RevokeReason {
    /// The stable name that stores and events use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::RevokedByUser => "revoked_by_user",
            Self::RevokedByAdmin => "revoked_by_admin",
            Self::PasswordChanged => "password_changed",
            Self::SecondFactorAdded => "second_factor_added",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::AccountFrozen => "account_frozen",
            Self::UserSuspended => "user_suspended",
            Self::UserDeleted => "user_deleted",
        }
    }
}
