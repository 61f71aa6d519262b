mod connections;
mod storage;

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use zalt_core::SystemRng;
use zalt_core::config::{FirstFactor, FirstFactors, SecondFactor, SecondFactorMethods};
use zalt_core::passkey::{ClonePolicy, UserVerification};
use zalt_core::secret::EncryptionKeys;

use super::problem::Problem;
use super::values::Origin;
use super::{Config, ConfigError, Environment, Flags, Key, LogFormat, MailConfig, Mode};

fn environment(variables: &[(&str, &str)]) -> Environment {
    let pairs = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Environment::new(pairs)
}

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(&Flags::default(), &environment(variables))
}

fn with_file(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zalt.toml");
    fs::write(&path, text).unwrap();
    let flags = Flags {
        config: Some(path),
        ..Flags::default()
    };
    Config::load(&flags, &environment(variables))
}

fn problems(result: Result<Config, ConfigError>) -> Vec<Problem> {
    result.unwrap_err().0
}

fn key() -> String {
    EncryptionKeys::generate(&SystemRng).unwrap().to_string()
}

#[test]
fn nothing_has_to_be_set_in_development() {
    let config = load(&[]).unwrap();
    assert_eq!(config.mode, Mode::Development);
    assert_eq!(config.listen, SocketAddr::from(([127, 0, 0, 1], 3000)));
    let file = config.database_file();
    assert_eq!(file, Some(Path::new("zalt-data/zalt.db")));
    assert!(config.has_data_dir());
    assert_eq!(config.base_url, None);
    assert!(config.encryption_keys.is_none());
    assert!(matches!(config.mail, MailConfig::Inbox));
    assert_eq!(config.log.format, LogFormat::Text);
}

#[test]
fn a_flag_stands_above_a_variable_and_that_above_the_file() {
    let file = "listen = \"127.0.0.1:1\"\napplication_name = \"From the file\"\n";
    let config = with_file(file, &[("ZALT_LISTEN", "127.0.0.1:2")]).unwrap();
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.application.name.as_deref(), Some("From the file"));
    assert_eq!(config.theme.product_name, "From the file");
    let mut flags = Flags::default();
    flags.values.insert(Key::Listen, "127.0.0.1:3".to_owned());
    let config = Config::load(&flags, &environment(&[("ZALT_LISTEN", "127.0.0.1:2")])).unwrap();
    assert_eq!(config.listen.port(), 3);
}

#[test]
fn every_form_of_a_value_in_the_file_is_read() {
    let file = r##"
        trusted_proxies = ["10.0.0.0/8", "127.0.0.1"]
        [sessions]
        refresh_grace = "1s"
        [sign_up]
        open = false
        [budgets.network]
        tries = 5
        period = "10m"
        [theme]
        productName = "Acme"
        [theme.light]
        colorPrimary = "#ff0000"
    "##;
    let config = with_file(file, &[]).unwrap();
    assert!(
        config
            .http
            .trusted_proxies
            .contains("10.1.2.3".parse().unwrap())
    );
    assert_eq!(
        config.application.refresh_grace,
        Some(Duration::from_secs(1))
    );
    assert_eq!(config.application.sign_up_open, Some(false));
    assert!(config.application.network_budget.is_some());
    assert_eq!(config.theme.product_name, "Acme");
}

#[test]
fn factors_are_named_as_in_the_api() {
    let config = load(&[
        ("ZALT_FIRST_FACTORS", "password, email_link"),
        ("ZALT_SECOND_FACTORS_METHODS", "totp"),
    ])
    .unwrap();
    let first = config.application.first_factors.unwrap();
    assert_eq!(
        first,
        FirstFactors::only(&[FirstFactor::Password, FirstFactor::EmailLink])
    );
    let second = config.application.second_factor_methods.unwrap();
    assert_eq!(second, SecondFactorMethods::only(&[SecondFactor::Totp]));
    for key in ["ZALT_FIRST_FACTORS", "ZALT_SECOND_FACTORS_METHODS"] {
        for text in ["password,", "recovery_code", "PASSWORD"] {
            let found = problems(load(&[(key, text)]));
            assert!(matches!(found[..], [Problem::Value { .. }]), "{key}={text}");
        }
    }
}

#[test]
fn production_says_everything_that_it_needs_at_once() {
    let found = problems(load(&[("ZALT_ENV", "production")]));
    let keys: Vec<Key> = found
        .iter()
        .map(|problem| match problem {
            Problem::Production { key, .. } => *key,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(keys, [Key::BaseUrl, Key::EncryptionKey, Key::SmtpUrl]);
}

#[test]
fn a_base_url_that_others_reach_means_production() {
    let key = key();
    let found = problems(load(&[("ZALT_BASE_URL", "https://auth.example.com")]));
    assert!(
        found
            .iter()
            .all(|problem| matches!(problem, Problem::Production { .. }))
    );
    assert_eq!(found.len(), 2);
    let config = load(&[
        ("ZALT_BASE_URL", "https://auth.example.com/"),
        ("ENCRYPTION_KEY", &key),
        ("SMTP_URL", "smtps://user:secret@mail.example.com"),
        ("ZALT_MAIL_FROM", "no-reply@example.com"),
    ])
    .unwrap();
    assert_eq!(config.mode, Mode::Production);
    assert_eq!(config.base_url.as_deref(), Some("https://auth.example.com"));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn development_is_not_for_others() {
    let found = problems(load(&[
        ("ZALT_ENV", "development"),
        ("ZALT_BASE_URL", "https://auth.example.com"),
    ]));
    assert!(matches!(
        found.as_slice(),
        [Problem::DevelopmentForOthers { .. }]
    ));
    for url in [
        "http://auth.example.com",
        "http://10.0.0.1:3000",
        "ftp://localhost",
        "localhost",
    ] {
        let found = problems(load(&[("ZALT_BASE_URL", url)]));
        assert!(
            matches!(found.as_slice(), [Problem::Value { .. }]),
            "{url}: {found:?}"
        );
    }
}

#[test]
fn unknown_names_are_refused_with_a_hint() {
    let found = problems(load(&[
        ("ZALT_LISTN", "x"),
        ("ZALT_WHATEVER_THIS_IS", "x"),
        ("OTHER", "x"),
    ]));
    assert_eq!(
        found,
        [
            Problem::UnknownVariable {
                name: "ZALT_LISTN".to_owned(),
                suggestion: Some("ZALT_LISTEN".to_owned()),
            },
            Problem::UnknownVariable {
                name: "ZALT_WHATEVER_THIS_IS".to_owned(),
                suggestion: None,
            },
        ]
    );
    let found = problems(with_file(
        "[sessions]\nliftime = \"1d\"\n[theme]\ncolour = 1\n",
        &[],
    ));
    assert!(matches!(
        found.as_slice(),
        [Problem::Theme(_), Problem::UnknownKey { key, suggestion: Some(hint), .. }]
            if key == "sessions.liftime" && hint == "sessions.lifetime"
    ));
}

#[test]
fn every_bad_value_is_named_with_what_to_write() {
    let found = problems(load(&[
        ("ZALT_LISTEN", "3000"),
        ("DATABASE_URL", "mysql://localhost/zalt"),
        ("ZALT_SESSIONS_LIFETIME", "1 month"),
        ("ZALT_SIGN_UP_OPEN", "yes"),
        ("ZALT_TRUSTED_PROXIES", "proxy.example"),
        ("ZALT_ALLOWED_ORIGINS", "*"),
        ("ZALT_HASHING_MEMORY_KIB", "8"),
        ("JWT_SECRET", "short"),
        ("ZALT_MAX_CONNECTIONS", "0"),
        ("ZALT_LOG_FORMAT", "xml"),
    ]));
    let mut named: Vec<String> = found
        .iter()
        .map(|problem| match problem {
            Problem::Value {
                origin: Origin::Variable(name),
                ..
            } => name.clone(),
            other => panic!("{other}"),
        })
        .collect();
    named.sort();
    assert_eq!(
        named,
        [
            "DATABASE_URL",
            "JWT_SECRET",
            "ZALT_ALLOWED_ORIGINS",
            "ZALT_HASHING_MEMORY_KIB",
            "ZALT_LISTEN",
            "ZALT_LOG_FORMAT",
            "ZALT_MAX_CONNECTIONS",
            "ZALT_SESSIONS_LIFETIME",
            "ZALT_SIGN_UP_OPEN",
            "ZALT_TRUSTED_PROXIES",
        ]
    );
}

#[test]
fn passkeys_are_for_a_domain_and_its_origins() {
    let passkeys = load(&[
        ("ZALT_PASSKEYS_RP_ID", "example.com"),
        (
            "ZALT_PASSKEYS_ORIGINS",
            "https://app.example.com, https://example.com",
        ),
        ("ZALT_PASSKEYS_RELATED_ORIGINS", "https://example.org"),
        ("ZALT_PASSKEYS_USER_VERIFICATION", "required"),
        ("ZALT_PASSKEYS_CLONES", "report"),
        ("ZALT_PASSKEYS_TIMEOUT", "1m"),
        ("ZALT_PASSKEYS_LIST_CREDENTIALS", "true"),
    ])
    .unwrap()
    .application
    .passkeys;
    assert_eq!(passkeys.rp_id.as_deref(), Some("example.com"));
    let origins = ["https://app.example.com", "https://example.com"];
    assert_eq!(passkeys.origins, origins);
    assert_eq!(passkeys.related_origins, ["https://example.org"]);
    let verification = Some(UserVerification::Required);
    assert_eq!(passkeys.user_verification, verification);
    assert_eq!(passkeys.clones, Some(ClonePolicy::Report));
    assert_eq!(passkeys.timeout, Some(Duration::from_mins(1)));
    assert_eq!(passkeys.list_credentials, Some(true));
    let found = problems(load(&[
        ("ZALT_PASSKEYS_USER_VERIFICATION", "always"),
        ("ZALT_PASSKEYS_CLONES", "ignore"),
    ]));
    assert_eq!(found.len(), 2);
}

#[test]
fn no_message_repeats_a_secret() {
    let secret = "S3CRET-that-nobody-may-see";
    let url = format!("smtp://user:{secret}@[mail");
    let found = load(&[
        ("ENCRYPTION_KEY", secret),
        ("JWT_SECRET", "S3CRET"),
        ("SMTP_URL", &url),
        ("ZALT_MAIL_HOOK_URL", "https://hook.example.com"),
        ("ZALT_MAIL_HOOK_SECRET", secret),
        ("ZALT_SMS_TWILIO_ACCOUNT", "AC1"),
        ("ZALT_SMS_TWILIO_TOKEN", secret),
        ("ZALT_SMS_FROM", "+15005550006"),
    ])
    .unwrap_err();
    assert!(found.0.len() >= 4);
    for text in [found.to_string(), format!("{found:?}")] {
        assert!(!text.contains("S3CRET"), "{text}");
    }
    let bad_toml = format!("encryption_key = \"{secret}\nlisten = 1");
    let found = with_file(&bad_toml, &[]).unwrap_err();
    assert!(matches!(found.0.as_slice(), [Problem::NotToml { .. }]));
    assert!(!found.to_string().contains("S3CRET"));
    let good = load(&[
        ("ENCRYPTION_KEY", &key()),
        ("JWT_SECRET", &secret.repeat(2)),
    ])
    .unwrap();
    assert!(!format!("{good:?}").contains("S3CRET"));
}

#[test]
fn a_secret_is_read_from_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, format!("{}\n", key())).unwrap();
    let text = path.to_str().unwrap();
    assert!(
        load(&[("ENCRYPTION_KEY_FILE", text)])
            .unwrap()
            .encryption_keys
            .is_some()
    );
    let found = problems(load(&[
        ("ENCRYPTION_KEY_FILE", text),
        ("ENCRYPTION_KEY", &key()),
    ]));
    assert!(matches!(found.as_slice(), [Problem::Both { .. }]));
    let found = problems(load(&[("ENCRYPTION_KEY_FILE", "/nowhere/key")]));
    assert!(matches!(found.as_slice(), [Problem::File { .. }]));
    let file = format!("encryption_key_file = \"{text}\"");
    assert!(with_file(&file, &[]).unwrap().encryption_keys.is_some());
}

#[test]
fn halves_of_a_pair_are_missed() {
    for (variable, other) in [
        (
            ("ZALT_MAIL_HOOK_URL", "https://hook.example.com"),
            Key::MailHookSecret,
        ),
        (("ZALT_MAIL_FROM", "no-reply@example.com"), Key::SmtpUrl),
        (("SMTP_URL", "smtps://mail.example.com"), Key::MailFrom),
        (("ZALT_SMS_TWILIO_ACCOUNT", "AC1"), Key::SmsTwilioToken),
    ] {
        let found = problems(load(&[variable]));
        assert!(
            matches!(found.as_slice(), [Problem::Needs { other: needed, .. }] if *needed == other),
            "{found:?}"
        );
    }
}

#[test]
fn an_empty_variable_is_not_set() {
    let config = load(&[("SMTP_URL", ""), ("ZALT_BASE_URL", "")]).unwrap();
    assert_eq!(config.mode, Mode::Development);
}
