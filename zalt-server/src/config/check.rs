//! Turns what was given into a [`Config`], and finds everything that is wrong with it.

mod messages;
mod parse;
mod rules;
mod storage;

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use url::Url;
use zalt_core::secret::EncryptionKeys;
use zalt_http::client_ip::{ForwardedHeader, TrustedProxies};
use zalt_http::origin::AllowedOrigin;

use super::connections;
use super::gather::Gathered;
use super::key::Key;
use super::problem::Problem;
use super::values::{Given, Values};
use super::{Config, HttpSettings, LogConfig, LogFormat, MailConfig, Mode};
use crate::pages::Theme;
use parse::{base_url, folder, is_public, jwt_secret, listen, reason, truth, within};

pub(super) use parse::listed;

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);
const MAX_CONNECTIONS: usize = 512;

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
    let data_dir = checker
        .read(Key::DataDir, folder)
        .unwrap_or_else(|| PathBuf::from("zalt-data"));
    let theme = Theme::new(&theme_config)
        .map_err(|error| checker.problems.push(Problem::Theme(error.to_string())))
        .ok();
    Some(Config {
        mode,
        listen: checker.read(Key::Listen, listen).unwrap_or(LISTEN),
        storage: checker.storage(data_dir.join("zalt.db")),
        data_dir,
        metrics: checker.read(Key::Metrics, listen),
        base_url: base_url.map(|url| url.as_str().trim_end_matches('/').to_owned()),
        encryption_keys,
        jwt_secret: checker.read(Key::JwtSecret, jwt_secret),
        mail: mail.unwrap_or(MailConfig::Inbox),
        sms: checker.sms(),
        connections: connections::check(&gathered.connections, checker.problems),
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
            listed(text)
                .map(|origin| AllowedOrigin::parse(origin).map_err(reason))
                .collect()
        });
        HttpSettings {
            trusted_proxies: proxies
                .unwrap_or_else(TrustedProxies::none)
                .with_header(header.unwrap_or_default()),
            allowed_origins: allowed_origins.unwrap_or_default(),
            hsts_include_subdomains: self.read(Key::HstsSubdomains, truth).unwrap_or(false),
            provider_tokens: self.read(Key::ProviderTokens, truth).unwrap_or(false),
            max_connections: self
                .read(Key::MaxConnections, |text| within(text, 1, 100_000))
                .unwrap_or(MAX_CONNECTIONS),
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
            filter: filter.unwrap_or_else(|| {
                Targets::new()
                    .with_default(Level::INFO)
                    // It calls an error what any stranger can send. We log what was refused ourselves.
                    .with_target("webauthn_rs_core", LevelFilter::OFF)
            }),
        }
    }
}
