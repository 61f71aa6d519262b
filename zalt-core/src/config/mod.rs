//! What an application chooses, with the defaults and the numbers that they stand for.

mod connections;
mod methods;
mod phone_numbers;

use std::time::Duration;

use url::Url;

pub use methods::{FirstFactor, FirstFactors, SecondFactor, SecondFactorMethods};
pub use phone_numbers::PhoneNumberConfig;

use crate::budget::Budget;
use crate::connection::{ConnectionKey, ConnectionSettings, LinkingPolicy, SettingsProblem};
use crate::environment::Timestamp;
use crate::jwt::SigningAlgorithm;
use crate::passkey::PasskeyConfig;
use crate::password::{ForeignHashKeys, HashingConfig, PasswordPolicy};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The choices of one application. Every field has a safe default; [`Zalt::builder`](crate::Zalt::builder) checks the whole.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The name that people read in mails, 1 to 100 characters.
    pub application_name: String,
    /// Who may sign up, and how.
    pub sign_up: SignUpConfig,
    /// What a new password has to be like.
    pub password_policy: PasswordPolicy,
    /// How passwords are hashed.
    pub hashing: HashingConfig,
    /// The keys that hashes from elsewhere need.
    pub foreign_hash_keys: ForeignHashKeys,
    /// How long sessions last.
    pub sessions: SessionConfig,
    /// Access tokens.
    pub access_tokens: AccessTokenConfig,
    /// Codes, links and how long an attempt may take.
    pub attempts: AttemptConfig,
    /// How often things may be tried.
    pub budgets: BudgetConfig,
    /// How a sign-in begins. What the application has no means for, such as passkeys, is taken out when it is built.
    pub first_factors: FirstFactors,
    /// Second factors: whether they are asked for, and which.
    pub second_factors: SecondFactorConfig,
    /// Passkeys: for which relying party, and what is asked of them.
    pub passkeys: PasskeyConfig,
    /// Phone numbers: whose are accepted, and how many text messages are sent.
    pub phone_numbers: PhoneNumberConfig,
    /// Connections to providers that are set up here. Others are set up at run time; of one key, the one here counts.
    pub connections: Vec<ConnectionSettings>,
    /// What links an account at a provider to the account here that has the same address (proving the account here).
    pub connection_linking: LinkingPolicy,
    /// Where people may go after they came back from a provider, beside the pages of the application: each from the first
    /// character to the last. `https` addresses, and those of apps, such as `com.example.app:/signed-in`.
    pub return_addresses: Vec<String>,
    /// Whether people are told of a sign-in from a device that their account was not known from (no).
    pub new_device_mails: bool,
    /// For how long somebody may have a device stand in for the second factor, up to 90 days; `None` for not at all (none).
    pub trusted_devices: Option<Duration>,
    /// How long an address that was taken off a frozen account waits before it recovers it, so that whoever has one on it can
    /// object: an hour to a week (24 hours).
    pub recovery_hold: Duration,
    /// Where the links in mails lead.
    pub links: LinkConfig,
    /// How long a deleted account can be restored before it is purged.
    pub deleted_users_kept: Duration,
    /// How long events are kept; `None` for ever.
    pub events_kept: Option<Duration>,
}

/// Who may sign up, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignUpConfig {
    /// Whether new accounts are accepted.
    pub open: bool,
    /// Whether a new account needs a password, where passwords are allowed at all.
    pub password_required: bool,
}

/// How long sessions last.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionConfig {
    /// A session is over this long after sign-in, whatever happens (30 days; SP 800-63B-4 for AAL1).
    pub lifetime: Duration,
    /// A session is over when it was not used for this long (14 days).
    pub idle_timeout: Duration,
    /// How precisely "last seen" is kept: a session that is in use is written this often (1 minute).
    pub touch_interval: Duration,
    /// How long after its rotation a refresh token whose successor is unused still yields that successor (30 seconds).
    pub refresh_grace: Duration,
    /// How recent an authentication has to be for a change of credentials or addresses (10 minutes).
    pub reauthentication_window: Duration,
    /// A cache in front of the session query; `None` reads the store on each check.
    pub cache: Option<SessionCacheConfig>,
}

/// A cache of sessions inside the process.
///
/// Whatever this process writes is seen at once. What another process writes is seen after `max_age` at the latest.
#[derive(Debug, Clone, Copy)]
pub struct SessionCacheConfig {
    /// The most sessions that are held.
    pub capacity: usize,
    /// The oldest answer that is given.
    pub max_age: Duration,
}

/// Access tokens.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccessTokenConfig {
    /// What signs them.
    pub signing: AccessTokenSigning,
    /// How long one is valid, at most an hour (5 minutes). Also how long a revoked session's last token lives on.
    pub lifetime: Duration,
    /// The `aud` claim; the base URL where nothing is said.
    pub audience: Option<String>,
    /// How long a key signs before the next one takes over (90 days).
    pub rotation: Duration,
    /// How long a key is published before it signs (1 day), so that whoever caches the key set knows it.
    pub publish_ahead: Duration,
}

/// What signs access tokens.
#[derive(Clone)]
#[non_exhaustive]
pub enum AccessTokenSigning {
    /// Keys that are made, sealed and rotated by the application and published as a key set.
    Rotating(SigningAlgorithm),
    /// HS256 under a secret that back ends share. Whoever can check a token can also make one.
    SharedSecret(zeroize::Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for AccessTokenSigning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rotating(algorithm) => f.debug_tuple("Rotating").field(algorithm).finish(),
            Self::SharedSecret(_) => f.write_str("SharedSecret(..)"),
        }
    }
}

/// Codes, links and how long an attempt may take.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptConfig {
    /// How long an attempt may take from beginning to end (1 hour).
    pub lifetime: Duration,
    /// How long a code or link is valid, at most 10 minutes (10 minutes; ASVS 6.5.5).
    pub code_lifetime: Duration,
    /// How many wrong codes an attempt bears, over all codes sent for it (5).
    pub max_failed_codes: u32,
    /// How many messages are sent for one attempt (5).
    pub max_messages: u32,
}

/// How often things may be tried.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BudgetConfig {
    /// Wrong passwords in a row for one account: 10 free, then 30 seconds doubling to an hour, 100 in all.
    pub password: Budget,
    /// Wrong codes in a row for one account, or for one address that is to be verified: 10 free, then 30 seconds doubling to an hour, 100 in all.
    pub code: Budget,
    /// Messages to one address, 10 an hour; links for a new password have as many again for themselves.
    pub messages_per_address: Budget,
    /// What one network may do of each kind, 60 a minute: attempts begun and passwords tried, messages asked for, codes and
    /// links shown.
    pub network: Budget,
}

/// Second factors: whether they are asked for, and which.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SecondFactorConfig {
    /// Whether a sign-in asks for one (optional).
    pub policy: SecondFactorPolicy,
    /// Which kinds there are. What the application has no means for is taken out when it is built.
    pub methods: SecondFactorMethods,
    /// Until when people whose account is older than the policy may sign in without, where it is required. `None` for not at all.
    pub grace_until: Option<Timestamp>,
    /// Whether a required second factor is asked for in sessions that live already, too (no: at the next sign-in). Such a session
    /// can be raised and ended, and nothing else, until one was shown or set up in it.
    pub applies_to_live_sessions: bool,
    /// How many time steps of 30 seconds the clock of an authenticator app may be off to either side, 0 or 1 (1; ASVS
    /// 6.5.5 asks for 0 where clocks can be trusted).
    pub totp_window: u8,
    /// The name in the authenticator app; the application's where nothing is said.
    pub issuer: Option<String>,
    /// Whether an account with a passkey is one with a second factor, be the means for passkeys there or not.
    pub(crate) passkeys_protect: bool,
}

/// Whether a sign-in asks for a second factor. A change takes effect at the next sign-in, and by choice in live sessions
/// ([`applies_to_live_sessions`](SecondFactorConfig::applies_to_live_sessions)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecondFactorPolicy {
    /// Of nobody, whatever they have set up.
    Disabled,
    /// Of whoever has set one up.
    Optional,
    /// Of everybody: who has none sets one up before a sign-in or a sign-up is complete.
    Required,
}

impl SecondFactorPolicy {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// Where the links in mails lead. `{token}` in each stands for the secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LinkConfig {
    /// The page that confirms a sign-in.
    pub sign_in: String,
    /// The page that confirms an address at sign-up.
    pub sign_up: String,
    /// The page that begins a new password.
    pub reset_password: String,
    /// The page that confirms an address of the account.
    pub verify_email_address: String,
    /// The page that freezes an account.
    pub freeze: String,
    /// The page that begins to recover a frozen account.
    pub recover: String,
    /// The page to sign in at, for the mail to somebody who signs up again.
    pub start: String,
}

impl LinkConfig {
    /// The pages of `zalt-server` below `base_url`.
    pub fn hosted(base_url: &Url) -> Self {
        let base = base_url.as_str().trim_end_matches('/');
        Self {
            sign_in: format!("{base}/sign-in/link?token={{token}}"),
            sign_up: format!("{base}/sign-up/link?token={{token}}"),
            reset_password: format!("{base}/password/link?token={{token}}"),
            verify_email_address: format!("{base}/account/emails/link?token={{token}}"),
            freeze: format!("{base}/safety/link?token={{token}}"),
            recover: format!("{base}/recovery/link?token={{token}}"),
            start: format!("{base}/sign-in"),
        }
    }
}

impl Config {
    /// The defaults for an application at `base_url`.
    pub(crate) fn new(base_url: &Url) -> Self {
        let failures = Budget::Failures {
            free: 10,
            wait: Duration::from_secs(30),
            longest_wait: HOUR,
            ceiling: 100,
        };
        Self {
            application_name: "Zalt".to_owned(),
            sign_up: SignUpConfig {
                open: true,
                password_required: true,
            },
            password_policy: PasswordPolicy::default(),
            hashing: HashingConfig::default(),
            foreign_hash_keys: ForeignHashKeys::default(),
            sessions: SessionConfig {
                lifetime: 30 * DAY,
                idle_timeout: 14 * DAY,
                touch_interval: MINUTE,
                refresh_grace: Duration::from_secs(30),
                reauthentication_window: 10 * MINUTE,
                cache: None,
            },
            access_tokens: AccessTokenConfig {
                signing: AccessTokenSigning::Rotating(SigningAlgorithm::EdDsa),
                lifetime: 5 * MINUTE,
                audience: None,
                rotation: 90 * DAY,
                publish_ahead: DAY,
            },
            attempts: AttemptConfig {
                lifetime: HOUR,
                code_lifetime: 10 * MINUTE,
                max_failed_codes: 5,
                max_messages: 5,
            },
            budgets: BudgetConfig {
                password: failures,
                code: failures,
                messages_per_address: hourly(10),
                network: Budget::Rate {
                    tries: 60,
                    period: MINUTE,
                },
            },
            first_factors: FirstFactors::default(),
            second_factors: SecondFactorConfig {
                policy: SecondFactorPolicy::Optional,
                methods: SecondFactorMethods::default(),
                grace_until: None,
                applies_to_live_sessions: false,
                totp_window: 1,
                issuer: None,
                passkeys_protect: true,
            },
            passkeys: PasskeyConfig::of(base_url),
            phone_numbers: PhoneNumberConfig::new(),
            connections: Vec::new(),
            connection_linking: LinkingPolicy::ProveAccount,
            return_addresses: Vec::new(),
            new_device_mails: false,
            trusted_devices: None,
            recovery_hold: DAY,
            links: LinkConfig::hosted(base_url),
            deleted_users_kept: 30 * DAY,
            events_kept: None,
        }
    }

    /// Takes out the factors that there is nothing to do them with, so that nobody is offered what can't work.
    ///
    /// What an account has set up goes on protecting it: means that are missing, on one replica perhaps, must not turn two factors
    /// into one.
    pub(crate) const fn limit_to(&mut self, means: &Means) {
        self.second_factors.passkeys_protect =
            self.second_factors.methods.passkey || !self.first_factors.passkey;
        self.first_factors.passkey &= means.passkeys;
        self.first_factors.sms_code &= means.sign_in_by_sms;
        let second = &mut self.second_factors.methods;
        second.passkey &= means.passkeys;
        second.sms_code &= means.second_factor_by_message;
        second.email_code &= means.second_factor_by_message;
    }

    /// Whether text messages are sent, or would be if there were countries for them.
    pub(crate) fn sends_text_messages(&self) -> bool {
        self.first_factors.sms_code
            || self.second_factors.methods.sms_code
            || !self.phone_numbers.countries.is_empty()
    }

    /// Whether a new account needs a password: where it is asked for, and where nothing else leads in.
    pub fn needs_password(&self) -> bool {
        let factors = &self.first_factors;
        let by_mail = factors.email_code || factors.email_link;
        factors.password && (self.sign_up.password_required || !by_mail)
    }

    /// Refuses sign-ups after which nobody could sign in again: one proves an address, may set a password, or comes through a
    /// provider, and leaves nothing else behind.
    pub(crate) const fn check_way_back(&self, connections: bool) -> Result<(), ConfigError> {
        let factors = &self.first_factors;
        let leads_back =
            connections || factors.password || factors.email_code || factors.email_link;
        if self.sign_up.open && !leads_back {
            return Err(ConfigError::SignUpWithoutWayIn);
        }
        Ok(())
    }

    /// Checks that there is a way to sign in, and a factor where one is required.
    fn check_factors(&self) -> Result<(), ConfigError> {
        use ConfigError as E;
        if self.first_factors == FirstFactors::NONE {
            return Err(E::FirstFactors);
        }
        let second = &self.second_factors;
        if second.policy == SecondFactorPolicy::Required
            && !(second.methods.totp || second.methods.passkey)
        {
            return Err(E::SecondFactorMethods);
        }
        if let Some(trusted) = self.trusted_devices {
            require_within("trusted_devices", trusted, MINUTE, 90 * DAY)?;
        }
        require_within("recovery_hold", self.recovery_hold, HOUR, 7 * DAY)?;
        Ok(())
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        use ConfigError as E;
        self.check_factors()?;
        let name = self.application_name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(E::ApplicationName);
        }
        let sessions = &self.sessions;
        require_within("sessions.lifetime", sessions.lifetime, MINUTE, 400 * DAY)?;
        require_within(
            "sessions.idle_timeout",
            sessions.idle_timeout,
            MINUTE,
            sessions.lifetime,
        )?;
        require_within(
            "sessions.touch_interval",
            sessions.touch_interval,
            Duration::ZERO,
            sessions.idle_timeout / 2,
        )?;
        require_within(
            "sessions.refresh_grace",
            sessions.refresh_grace,
            Duration::ZERO,
            2 * MINUTE,
        )?;
        require_within(
            "sessions.reauthentication_window",
            sessions.reauthentication_window,
            MINUTE,
            DAY,
        )?;
        if let Some(cache) = sessions.cache {
            require_within(
                "sessions.cache.max_age",
                cache.max_age,
                Duration::from_millis(1),
                MINUTE,
            )?;
        }
        let tokens = &self.access_tokens;
        require_within(
            "access_tokens.lifetime",
            tokens.lifetime,
            Duration::from_secs(10),
            HOUR,
        )?;
        require_within("access_tokens.rotation", tokens.rotation, HOUR, 3650 * DAY)?;
        require_within(
            "access_tokens.publish_ahead",
            tokens.publish_ahead,
            Duration::ZERO,
            tokens.rotation / 2,
        )?;
        if let AccessTokenSigning::SharedSecret(secret) = &tokens.signing
            && secret.len() < 32
        {
            return Err(E::SharedSecret);
        }
        let attempts = &self.attempts;
        require_within("attempts.lifetime", attempts.lifetime, MINUTE, DAY)?;
        require_within(
            "attempts.code_lifetime",
            attempts.code_lifetime,
            MINUTE,
            10 * MINUTE,
        )?;
        require_count(
            "attempts.max_failed_codes",
            attempts.max_failed_codes,
            1,
            10,
        )?;
        require_count("attempts.max_messages", attempts.max_messages, 1, 20)?;
        require_count(
            "second_factors.totp_window",
            u32::from(self.second_factors.totp_window),
            0,
            1,
        )?;
        check_failures("budgets.password", self.budgets.password)?;
        check_failures("budgets.code", self.budgets.code)?;
        check_rate(
            "budgets.messages_per_address",
            self.budgets.messages_per_address,
        )?;
        check_rate("budgets.network", self.budgets.network)?;
        self.passkeys.check()?;
        if self.sends_text_messages() && self.phone_numbers.countries.is_empty() {
            return Err(E::PhoneNumberCountries);
        }
        self.phone_numbers.check()
    }
}

/// What an application has the means for.
pub(crate) struct Means {
    pub(crate) passkeys: bool,
    pub(crate) sign_in_by_sms: bool,
    pub(crate) second_factor_by_message: bool,
}

/// A configuration that can't be used, and what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The base URL can't be one.
    #[error(
        "the base URL must be an http or https origin without path, query or user information, such as https://auth.example.com"
    )]
    BaseUrl,
    /// A plain http base URL on a host that others reach.
    #[error("the base URL must be https: plain http is accepted for localhost only")]
    BaseUrlNotHttps,
    /// The name of the application.
    #[error("application_name must have 1 to 100 characters and no control characters")]
    ApplicationName,
    /// A duration outside its range.
    #[error("{setting} must be from {min:?} to {max:?}")]
    Duration {
        /// The setting.
        setting: &'static str,
        /// The least.
        min: Duration,
        /// The most.
        max: Duration,
    },
    /// A number outside its range.
    #[error("{setting} must be from {min} to {max}")]
    Count {
        /// The setting.
        setting: &'static str,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// A budget that guards an account must count failures, with a ceiling of at most 100.
    #[error("{setting} must count failures, with a ceiling of at most 100")]
    FailureBudget {
        /// The setting.
        setting: &'static str,
    },
    /// A budget that nothing gives back must be a rate that comes back by itself.
    #[error("{setting} must be a rate of at least 1 try in more than no time")]
    RateBudget {
        /// The setting.
        setting: &'static str,
    },
    /// No way to sign in is allowed.
    #[error("first_factors must allow at least one way to sign in")]
    FirstFactors,
    /// People may sign up, and nothing that a sign-up leaves behind signs them in again.
    #[error(
        "first_factors must allow passwords, mailed codes or mailed links where people sign up: a new account has neither a \
         passkey nor a phone number, so nobody could come back to it (or close sign_up)"
    )]
    SignUpWithoutWayIn,
    /// Everybody needs a second factor, and none is allowed that can be set up on the way in.
    #[error(
        "second_factors.methods must allow authenticator apps or passkeys where second_factors.policy is required"
    )]
    SecondFactorMethods,
    /// The relying party is no domain that somebody could have to themselves.
    #[error(
        "passkeys.rp_id must be a domain in lower case without scheme and port, such as example.com, and no top level domain"
    )]
    RpId,
    /// No page may ask for passkeys.
    #[error("passkeys.origins must name at least one origin")]
    PasskeyOrigins,
    /// A page of this origin can't ask for the passkeys of the relying party.
    #[error(
        "passkeys.origins: {origin:?} is not the origin of an https page on the domain of passkeys.rp_id or below it, such as \
         https://app.example.com: origins of other domains belong into passkeys.related_origins"
    )]
    PasskeyOrigin {
        /// The origin.
        origin: String,
    },
    /// It is no origin, or one of the relying party's own domain.
    #[error(
        "passkeys.related_origins: {origin:?} is not the origin of an https page on another domain than that of passkeys.rp_id"
    )]
    RelatedOrigin {
        /// The origin.
        origin: String,
    },
    /// A factor is a code in a text message, and there is no country to send one to.
    #[error(
        "phone_numbers.countries must name the countries to which text messages are sent, where they are a factor"
    )]
    PhoneNumberCountries,
    /// Text messages are to be sent, and there is nothing to send them with.
    #[error("an SMS sender is needed where phone numbers are accepted")]
    SmsSender,
    /// The shared secret for access tokens is too short.
    #[error("the shared secret for access tokens must have at least 32 bytes")]
    SharedSecret,
    /// A setting of a connection.
    #[error("connections: {key}: {problem}")]
    Connection {
        /// Which connection.
        key: ConnectionKey,
        /// What has to change.
        problem: SettingsProblem,
    },
    /// Two connections have one key.
    #[error("connections: there are two of the key {key}")]
    ConnectionKey {
        /// The key.
        key: ConnectionKey,
    },
    /// There are connections, and nothing to speak to providers with.
    #[error("connections need what speaks to providers: see ZaltBuilder::connections")]
    ConnectionProtocol,
    /// It can't be where people go.
    #[error(
        "return_addresses: {address:?} is not an address as browsers spell it, of https or an app, without fragment"
    )]
    ReturnAddress {
        /// The address.
        address: String,
    },
    /// There is nothing to send mail with.
    #[error("a mailer is needed: codes, links and safety notices have to reach people")]
    Mailer,
    /// The hashing pool can't be started with these settings.
    #[error("hashing: {0}")]
    Hashing(#[from] crate::password::HashingConfigError),
}

const fn hourly(tries: u32) -> Budget {
    Budget::Rate {
        tries,
        period: HOUR,
    }
}

fn require_within(
    setting: &'static str,
    value: Duration,
    min: Duration,
    max: Duration,
) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(ConfigError::Duration { setting, min, max })
    }
}

fn require_count(setting: &'static str, value: u32, min: u32, max: u32) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(ConfigError::Count { setting, min, max })
    }
}

fn check_failures(setting: &'static str, budget: Budget) -> Result<(), ConfigError> {
    match budget {
        Budget::Failures {
            ceiling: 1..=100, ..
        } => Ok(()),
        _ => Err(ConfigError::FailureBudget { setting }),
    }
}

fn check_rate(setting: &'static str, budget: Budget) -> Result<(), ConfigError> {
    match budget {
        Budget::Rate { tries: 1.., period } if period > Duration::ZERO => Ok(()),
        _ => Err(ConfigError::RateBudget { setting }),
    }
}
