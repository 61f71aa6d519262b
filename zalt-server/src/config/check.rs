//! Turns what was given into a [`Config`], and finds everything that is wrong with it.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use url::{Host, Url};
use zalt_core::budget::Budget;
use zalt_core::password::{Argon2Params, PasswordPolicy};
use zalt_core::secret::EncryptionKeys;
use zalt_http::client_ip::{ForwardedHeader, TrustedProxies};
use zalt_http::origin::AllowedOrigin;
use zalt_notify::hook::HookSecret;
use zalt_notify::http::ServiceUrl;
use zalt_notify::smtp::{SmtpConfig, SmtpConfigError};
use zalt_notify::twilio::TwilioConfig;
use zeroize::Zeroizing;

use super::gather::Gathered;
use super::key::Key;
use super::problem::Problem;
use super::values::{Given, Values};
use super::{
    ApplicationSettings, Config, HashingSettings, HookConfig, HttpSettings, LogConfig, LogFormat,
    MailConfig, Mode, SmsConfig, duration,
};
use crate::pages::Theme;

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3000);
const MAX_CONNECTIONS: usize = 512;
const JWT_SECRET_BYTES: usize = 32;

/// The configuration, if it is one; `problems` says what is wrong with it, and then it must not be used.
pub(super) fn check(gathered: &Gathered, problems: &mut Vec<Problem>) -> Option<Config> {
    let mut checker = Checker {
        values: &gathered.values,
        problems,
    };
    let base_url = checker.read(Key::BaseUrl, base_url);
    let mode = checker.mode(base_url.as_ref());
    let mail = checker.mail();
    let encryption_keys = checker.read(Key::EncryptionKey, |text| {
        EncryptionKeys::parse(text).map_err(reason)
    });
    if mode == Mode::Production {
        checker.require_production(base_url.as_ref());
    }
    let application = checker.application();
    let mut theme_config = gathered.theme.clone();
    if theme_config.product_name.is_none() {
        theme_config.product_name.clone_from(&application.name);
    }
    let theme = Theme::new(&theme_config)
        .map_err(|error| checker.problems.push(Problem::Theme(error.to_string())))
        .ok();
    Some(Config {
        mode,
        listen: checker.read(Key::Listen, listen).unwrap_or(LISTEN),
        data_dir: checker
            .read(Key::DataDir, folder)
            .unwrap_or_else(|| PathBuf::from("zalt-data")),
        database: checker.read(Key::Database, database),
        base_url: base_url.map(|url| url.as_str().trim_end_matches('/').to_owned()),
        encryption_keys,
        jwt_secret: checker.read(Key::JwtSecret, jwt_secret),
        mail: mail.unwrap_or(MailConfig::Inbox),
        sms: checker.sms(),
        http: checker.http(),
        application,
        log: checker.log(mode),
        theme: theme?,
    })
}

struct Checker<'a> {
    values: &'a Values,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Checker<'a> {
    /// Reads a setting, and notes why it can't be read.
    fn read<T>(&mut self, key: Key, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let given = self.values.get(key)?;
        match parse(&given.text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.problems.push(Problem::Value {
                    origin: given.origin.clone(),
                    reason,
                });
                None
            }
        }
    }

    /// Two settings that only make sense together.
    fn both(&mut self, one: Key, other: Key) -> Option<(&'a Given, &'a Given)> {
        match (self.values.get(one), self.values.get(other)) {
            (Some(one), Some(other)) => Some((one, other)),
            (Some(given), None) => self.needs(given, other),
            (None, Some(given)) => self.needs(given, one),
            (None, None) => None,
        }
    }

    fn needs<T>(&mut self, given: &Given, other: Key) -> Option<T> {
        self.problems.push(Problem::Needs {
            origin: given.origin.clone(),
            other,
        });
        None
    }

    fn refuse<T>(&mut self, given: &Given, reason: impl Display) -> Option<T> {
        self.problems.push(Problem::Value {
            origin: given.origin.clone(),
            reason: reason.to_string(),
        });
        None
    }

    /// Whether people depend on this server: as it is said, or as the base URL tells.
    fn mode(&mut self, base_url: Option<&Url>) -> Mode {
        let said = self.read(Key::Mode, |text| match text {
            "development" => Ok(Mode::Development),
            "production" => Ok(Mode::Production),
            _ => Err("write development or production".to_owned()),
        });
        let public = base_url.filter(|url| is_public(url));
        match (said, public) {
            (Some(Mode::Development), Some(url)) => {
                if let Some(given) = self.values.get(Key::Mode) {
                    self.problems.push(Problem::DevelopmentForOthers {
                        origin: given.origin.clone(),
                        base_url: url.origin().ascii_serialization(),
                    });
                }
                Mode::Development
            }
            (Some(mode), _) => mode,
            (None, Some(_)) => Mode::Production,
            (None, None) => Mode::Development,
        }
    }

    fn require_production(&mut self, base_url: Option<&Url>) {
        let mut require = |present: bool, key: Key, advice: &'static str| {
            if !present {
                self.problems.push(Problem::Production { key, advice });
            }
        };
        let https = base_url.is_some_and(|url| url.scheme() == "https");
        require(
            https || (base_url.is_none() && self.values.has(Key::BaseUrl)),
            Key::BaseUrl,
            "set the https origin that people open, such as https://auth.example.com",
        );
        require(
            self.values.has(Key::EncryptionKey),
            Key::EncryptionKey,
            "make one with `openssl rand -base64 32`, keep it safe, and set it or ENCRYPTION_KEY_FILE",
        );
        require(
            self.values.has(Key::SmtpUrl) || self.values.has(Key::MailHookUrl),
            Key::SmtpUrl,
            "set the mail server that codes and notices are sent by, or ZALT_MAIL_HOOK_URL",
        );
    }

    fn mail(&mut self) -> Option<MailConfig> {
        let hook = self.hook(Key::MailHookUrl, Key::MailHookSecret);
        let from = self.values.get(Key::MailFrom);
        let Some(url) = self.values.get(Key::SmtpUrl) else {
            if let Some(from) = from.filter(|_| !self.values.has(Key::MailHookUrl)) {
                return self.needs(from, Key::SmtpUrl);
            }
            return hook.map(MailConfig::Hook);
        };
        if let Some(hook) = self.values.get(Key::MailHookUrl) {
            self.problems.push(Problem::Both {
                origin: url.origin.clone(),
                other: hook.origin.clone(),
            });
            return None;
        }
        match SmtpConfig::parse(&url.text, from.map(|from| from.text.as_str())) {
            Ok(smtp) => Some(MailConfig::Smtp(smtp)),
            Err(SmtpConfigError::MissingFrom) => self.needs(url, Key::MailFrom),
            Err(error) => self.refuse(url, error),
        }
    }

    fn sms(&mut self) -> Option<SmsConfig> {
        let hook = self.hook(Key::SmsHookUrl, Key::SmsHookSecret);
        let twilio = self.both(Key::SmsTwilioAccount, Key::SmsTwilioToken);
        let Some((account, token)) = twilio else {
            return hook.map(SmsConfig::Hook);
        };
        if let Some(hook) = self.values.get(Key::SmsHookUrl) {
            self.problems.push(Problem::Both {
                origin: account.origin.clone(),
                other: hook.origin.clone(),
            });
            return None;
        }
        let Some(from) = self.values.get(Key::SmsFrom) else {
            return self.needs(account, Key::SmsFrom);
        };
        match TwilioConfig::new(&account.text, &token.text, &from.text) {
            Ok(twilio) => Some(SmsConfig::Twilio(twilio)),
            Err(error) => self.refuse(account, error),
        }
    }

    fn hook(&mut self, url: Key, secret: Key) -> Option<Box<HookConfig>> {
        self.both(url, secret)?;
        let url = self.read(url, |text| ServiceUrl::parse(text).map_err(reason));
        let secret = self.read(secret, |text| HookSecret::parse(text).map_err(reason));
        Some(Box::new(HookConfig {
            url: url?,
            secret: secret?,
        }))
    }

    fn http(&mut self) -> HttpSettings {
        let header = self.read(Key::ForwardedHeader, |text| {
            match text.to_ascii_lowercase().as_str() {
                "x-forwarded-for" => Ok(ForwardedHeader::XForwardedFor),
                "forwarded" => Ok(ForwardedHeader::Forwarded),
                _ => Err("write x-forwarded-for or forwarded".to_owned()),
            }
        });
        let proxies = self.read(Key::TrustedProxies, |text| {
            TrustedProxies::parse(text).map_err(reason)
        });
        let allowed_origins = self.read(Key::AllowedOrigins, |text| {
            text.split(',')
                .map(str::trim)
                .filter(|origin| !origin.is_empty())
                .map(|origin| AllowedOrigin::parse(origin).map_err(reason))
                .collect()
        });
        HttpSettings {
            trusted_proxies: proxies
                .unwrap_or_else(TrustedProxies::none)
                .with_header(header.unwrap_or_default()),
            allowed_origins: allowed_origins.unwrap_or_default(),
            hsts_include_subdomains: self.read(Key::HstsSubdomains, truth).unwrap_or(false),
            max_connections: self
                .read(Key::MaxConnections, |text| within(text, 1, 100_000))
                .unwrap_or(MAX_CONNECTIONS),
        }
    }

    fn application(&mut self) -> ApplicationSettings {
        ApplicationSettings {
            name: self.read(Key::ApplicationName, application_name),
            sign_up_open: self.read(Key::SignUpOpen, truth),
            password_required: self.read(Key::SignUpPasswordRequired, truth),
            password_policy: self.read(Key::PasswordMinLength, |text| {
                let max = PasswordPolicy::default().max_length();
                PasswordPolicy::with_lengths(number(text)?, max).map_err(reason)
            }),
            session_lifetime: self.read(Key::SessionLifetime, time),
            session_idle_timeout: self.read(Key::SessionIdleTimeout, time),
            refresh_grace: self.read(Key::RefreshGrace, time),
            reauthentication_window: self.read(Key::ReauthenticationWindow, time),
            access_token_lifetime: self.read(Key::AccessTokenLifetime, time),
            network_budget: self.network_budget(),
            events_kept: self.read(Key::EventsKept, time),
            hashing: self.hashing(),
        }
    }

    fn network_budget(&mut self) -> Option<Budget> {
        let tries = self.read(Key::NetworkTries, |text| within(text, 1, 1_000_000));
        let period = self.read(Key::NetworkPeriod, |text| {
            time(text).and_then(|period| {
                if period.is_zero() {
                    Err("write a period of at least 1s".to_owned())
                } else {
                    Ok(period)
                }
            })
        });
        (tries.is_some() || period.is_some()).then(|| Budget::Rate {
            tries: tries.unwrap_or(60),
            period: period.unwrap_or(Duration::from_mins(1)),
        })
    }

    fn hashing(&mut self) -> HashingSettings {
        let memory = self.read(Key::HashingMemory, number);
        let iterations = self.read(Key::HashingIterations, number);
        let params = (memory.is_some() || iterations.is_some())
            .then(|| {
                let default = Argon2Params::default();
                Argon2Params::new(
                    memory.unwrap_or(default.memory_kib()),
                    iterations.unwrap_or(default.iterations()),
                    default.parallelism(),
                )
            })
            .and_then(|params| {
                let given = [Key::HashingMemory, Key::HashingIterations]
                    .into_iter()
                    .find_map(|key| self.values.get(key))?;
                match params {
                    Ok(params) => Some(params),
                    Err(error) => self.refuse(given, error),
                }
            });
        HashingSettings {
            params,
            threads: self.read(Key::HashingThreads, number),
            queue: self.read(Key::HashingQueue, number),
        }
    }

    fn log(&mut self, mode: Mode) -> LogConfig {
        let format = self.read(Key::LogFormat, |text| match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("write text or json".to_owned()),
        });
        let filter = self.read(Key::LogFilter, |text| {
            text.parse::<Targets>().map_err(|_| {
                "write a level, or levels by module, such as info or info,zalt_server=debug"
                    .to_owned()
            })
        });
        LogConfig {
            format: format.unwrap_or(match mode {
                Mode::Development => LogFormat::Text,
                Mode::Production => LogFormat::Json,
            }),
            filter: filter.unwrap_or_else(|| Targets::new().with_default(Level::INFO)),
        }
    }
}

fn reason(error: impl Display) -> String {
    error.to_string()
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim()
        .parse()
        .map_err(|_| "write a whole number above 0".to_owned())
}

fn within<T>(text: &str, least: T, most: T) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let value: T = number(text)?;
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(format!("write a number from {least} to {most}"))
    }
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .ok_or_else(|| "write a duration such as 45s, 10m, 12h, 30d or 1h30m".to_owned())
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write an address and a port, such as 127.0.0.1:3000 or [::]:3000".to_owned())
}

fn folder(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        Err("write the path of a folder".to_owned())
    } else {
        Ok(PathBuf::from(text))
    }
}

fn database(text: &str) -> Result<PathBuf, String> {
    let Some(rest) = text.strip_prefix("sqlite:") else {
        return Err(
            "this version keeps everything in SQLite: write sqlite: and the path of the file"
                .to_owned(),
        );
    };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path.contains(['?', '#']) || path == ":memory:" {
        return Err(
            "write sqlite: and the path of the file, without options, such as sqlite:/var/lib/zalt/zalt.db"
                .to_owned(),
        );
    }
    Ok(PathBuf::from(path))
}

fn jwt_secret(text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    if text.len() < JWT_SECRET_BYTES {
        return Err(format!(
            "it needs at least {JWT_SECRET_BYTES} bytes: make one with `openssl rand -base64 48`"
        ));
    }
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

fn application_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let length = name.chars().count();
    // The bound of the page's head; the core's own is wider.
    if (1..=60).contains(&length) && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err("write 1 to 60 characters without control characters".to_owned())
    }
}

fn base_url(text: &str) -> Result<Url, String> {
    let advice = || {
        "write an http or https origin without path, query or user information, such as https://auth.example.com"
            .to_owned()
    };
    let url = Url::parse(text.trim()).map_err(|_| advice())?;
    let is_origin = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_origin {
        return Err(advice());
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("write https: plain http is accepted for localhost only".to_owned());
    }
    Ok(url)
}

/// Whether others can reach it.
fn is_public(url: &Url) -> bool {
    !is_loopback(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
