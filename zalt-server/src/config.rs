//! What an operator chooses: flags, environment variables and one TOML file, checked as a whole.
//!
//! A flag stands above an environment variable, that above the file, and that above the default. Every setting has all
//! three forms, from one table. All that is wrong is reported at once, each with what to set instead, and no message
//! repeats a secret.

mod check;
mod connections;
mod duration;
mod file;
mod gather;
mod key;
mod problem;
mod storage;
mod values;

pub(crate) use connections::GivenConnection as ConnectionGiven;
pub(crate) use gather::{Environment, Flags};
pub(crate) use key::Key;
pub(crate) use problem::ConfigError;
pub(crate) use storage::{
    AccountBudgets, DatabaseConfig, NetworksWithoutRedis, PostgresConfig, RedisConfig,
    ServiceAddress, StorageConfig,
};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_subscriber::filter::Targets;
use zalt_core::budget::Budget;
use zalt_core::config::{FirstFactors, SecondFactorMethods, SecondFactorPolicy};
use zalt_core::connection::{ConnectionSettings, LinkingPolicy};
use zalt_core::identifier::Region;
use zalt_core::passkey::{ClonePolicy, UserVerification};
use zalt_core::password::{Argon2Params, PasswordPolicy};
use zalt_core::secret::EncryptionKeys;
use zalt_http::client_ip::TrustedProxies;
use zalt_http::origin::AllowedOrigin;
use zalt_notify::hook::HookSecret;
use zalt_notify::http::ServiceUrl;
use zalt_notify::smtp::SmtpConfig;
use zalt_notify::twilio::TwilioConfig;
use zeroize::Zeroizing;

use crate::pages::Theme;

/// A configuration that was checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) mode: Mode,
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    pub(crate) storage: StorageConfig,
    /// Where metrics are served.
    pub(crate) metrics: Option<SocketAddr>,
    /// `None` in development: `localhost` with the port that the server listens on.
    pub(crate) base_url: Option<String>,
    /// `None` in development: the key that is kept in the data folder.
    pub(crate) encryption_keys: Option<EncryptionKeys>,
    /// Access tokens are HS256 under it, where it is set.
    pub(crate) jwt_secret: Option<Zeroizing<Vec<u8>>>,
    pub(crate) mail: MailConfig,
    pub(crate) sms: Option<SmsConfig>,
    /// Those that the operator configured; there may be others in the store.
    pub(crate) connections: Vec<ConnectionSettings>,
    pub(crate) http: HttpSettings,
    pub(crate) application: ApplicationSettings,
    pub(crate) log: LogConfig,
    pub(crate) theme: Theme,
}

impl Config {
    /// Reads and checks the whole configuration.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub(crate) fn load(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let gathered = gather::gather(flags, environment, &mut problems);
        let config = check::check(&gathered, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError(problems)),
        }
    }

    /// The file of the database, where it is one.
    pub(crate) fn database_file(&self) -> Option<&Path> {
        match &self.storage.database {
            DatabaseConfig::Sqlite(path) => Some(path),
            DatabaseConfig::Postgres(_) => None,
        }
    }

    /// Whether anything is kept in the data folder.
    pub(crate) fn has_data_dir(&self) -> bool {
        self.database_file().is_some() || self.encryption_keys.is_none()
    }
}

/// Whether people depend on this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// On one's own machine: keys are made, and mail is shown instead of sent.
    Development,
    /// Everything that matters has to be set.
    Production,
}

/// How mail leaves.
#[derive(Debug)]
pub(crate) enum MailConfig {
    /// It does not: the dev inbox and the console show it.
    Inbox,
    Smtp(SmtpConfig),
    Hook(Box<HookConfig>),
}

/// How text messages leave.
#[derive(Debug)]
pub(crate) enum SmsConfig {
    Twilio(TwilioConfig),
    Hook(Box<HookConfig>),
}

/// A service of the operator's that sends messages.
#[derive(Debug)]
pub(crate) struct HookConfig {
    pub(crate) url: ServiceUrl,
    pub(crate) secret: HookSecret,
}

/// How requests are met.
#[derive(Debug)]
pub(crate) struct HttpSettings {
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) allowed_origins: Vec<AllowedOrigin>,
    pub(crate) hsts_include_subdomains: bool,
    pub(crate) provider_tokens: bool,
    pub(crate) max_connections: usize,
}

/// The rules of the application. `None` leaves the default of the core.
#[derive(Debug, Default)]
pub(crate) struct ApplicationSettings {
    pub(crate) name: Option<String>,
    pub(crate) sign_up_open: Option<bool>,
    pub(crate) password_required: Option<bool>,
    pub(crate) password_policy: Option<PasswordPolicy>,
    pub(crate) first_factors: Option<FirstFactors>,
    pub(crate) second_factors: Option<SecondFactorPolicy>,
    pub(crate) second_factor_methods: Option<SecondFactorMethods>,
    pub(crate) live_sessions: Option<bool>,
    pub(crate) passkeys: PasskeySettings,
    pub(crate) phone_countries: Option<Vec<Region>>,
    pub(crate) text_messages_per_hour: Option<Budget>,
    pub(crate) connection_linking: Option<LinkingPolicy>,
    pub(crate) return_addresses: Vec<String>,
    pub(crate) trusted_devices: Option<Duration>,
    pub(crate) new_device_mails: Option<bool>,
    pub(crate) recovery_hold: Option<Duration>,
    pub(crate) session_lifetime: Option<Duration>,
    pub(crate) session_idle_timeout: Option<Duration>,
    pub(crate) refresh_grace: Option<Duration>,
    pub(crate) reauthentication_window: Option<Duration>,
    pub(crate) access_token_lifetime: Option<Duration>,
    pub(crate) network_budget: Option<Budget>,
    pub(crate) events_kept: Option<Duration>,
    pub(crate) hashing: HashingSettings,
}

/// Passkeys. `None` leaves the default of the core.
#[derive(Debug, Default)]
pub(crate) struct PasskeySettings {
    pub(crate) rp_id: Option<String>,
    /// Beside the base URL's.
    pub(crate) origins: Vec<String>,
    pub(crate) related_origins: Vec<String>,
    pub(crate) user_verification: Option<UserVerification>,
    pub(crate) clones: Option<ClonePolicy>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) list_credentials: Option<bool>,
}

/// What hashing a password may take. `None` leaves the default of the core.
#[derive(Debug, Default)]
pub(crate) struct HashingSettings {
    pub(crate) params: Option<Argon2Params>,
    pub(crate) threads: Option<std::num::NonZeroUsize>,
    pub(crate) queue: Option<std::num::NonZeroUsize>,
}

/// How the log is written.
#[derive(Debug, Clone)]
pub(crate) struct LogConfig {
    pub(crate) format: LogFormat,
    /// What is written.
    pub(crate) filter: Targets,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests;
