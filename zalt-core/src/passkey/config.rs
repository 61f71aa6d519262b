use std::time::Duration;

use url::{Host, Url};

use crate::config::ConfigError;

/// Passkeys: for which relying party, and what is asked of them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PasskeyConfig {
    /// The relying party: a domain to which the passkeys of this application belong for ever (the host of the base URL).
    /// Whoever may one day sign in on other subdomains too chooses a parent domain of them now. `None` where the base URL
    /// names an IP address, which can't have passkeys.
    pub rp_id: Option<String>,
    /// The origins whose pages may ask for passkeys (that of the base URL). The host of each is the relying party or a
    /// subdomain of it. The origin of an Android app is `android:apk-key-hash:` and what follows.
    pub origins: Vec<String>,
    /// Origins of other domains whose pages may ask for the same passkeys (none). Browsers learn of them from
    /// `/.well-known/webauthn` on the relying party's own domain; they honour five different registrable domains.
    pub related_origins: Vec<String>,
    /// When an authenticator has to check who is there, by a PIN or biometrics (as a first factor).
    pub user_verification: UserVerification,
    /// What is done about a passkey whose counter did not move on (refuse).
    pub clones: ClonePolicy,
    /// How long a request to an authenticator is open, 30 seconds to 5 minutes (5 minutes).
    pub timeout: Duration,
    /// Whether a sign-in with an identifier names the passkeys of its account before any factor was passed (no). Keys that
    /// hold no list of their own need it. Where no passkey belongs to what was typed, one is named that does not exist, the same
    /// until the encryption key is replaced; but whoever sees two, or one of another length, has seen an account's.
    pub list_credentials: bool,
}

/// When an authenticator has to check who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserVerification {
    /// Whenever a passkey is registered or used.
    Required,
    /// Where it is the first factor. As a second one, whoever passed the first is known to be there.
    FirstFactor,
    /// Nowhere: where it was not checked, a passkey is one factor.
    Preferred,
}

/// What is done about a passkey whose counter did not move on: somebody may have a copy of it. Passkeys that are synced
/// between devices don't count, and are never taken for copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClonePolicy {
    /// It is refused, and an event says so.
    Refuse,
    /// It is accepted, and an event says so.
    Report,
}

const ANDROID: &str = "android:apk-key-hash:";

impl PasskeyConfig {
    /// The defaults for an application at `base_url`.
    pub fn of(base_url: &Url) -> Self {
        let rp_id = match base_url.host() {
            Some(Host::Domain(name)) => Some(name.to_owned()),
            _ => None,
        };
        Self {
            rp_id,
            origins: vec![base_url.origin().ascii_serialization()],
            related_origins: Vec::new(),
            user_verification: UserVerification::FirstFactor,
            clones: ClonePolicy::Refuse,
            timeout: Duration::from_mins(5),
            list_credentials: false,
        }
    }

    /// Whether pages of this origin may ask for passkeys: exactly the text, as browsers write it.
    pub fn accepts_origin(&self, origin: &str) -> bool {
        let mut origins = self.origins.iter().chain(&self.related_origins);
        origins.any(|accepted| accepted == origin)
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let (min, max) = (Duration::from_secs(30), Duration::from_mins(5));
        if self.timeout < min || self.timeout > max {
            let setting = "passkeys.timeout";
            return Err(ConfigError::Duration { setting, min, max });
        }
        let Some(rp_id) = &self.rp_id else {
            return Ok(());
        };
        if !is_rp_id(rp_id) {
            return Err(ConfigError::RpId);
        }
        if self.origins.is_empty() {
            return Err(ConfigError::PasskeyOrigins);
        }
        for origin in &self.origins {
            let below = host_of(origin).is_some_and(|host| is_within(&host, rp_id));
            if !below && !is_android(origin) {
                return Err(ConfigError::PasskeyOrigin {
                    origin: origin.clone(),
                });
            }
        }
        for origin in &self.related_origins {
            if host_of(origin).is_none_or(|host| is_within(&host, rp_id)) {
                return Err(ConfigError::RelatedOrigin {
                    origin: origin.clone(),
                });
            }
        }
        Ok(())
    }
}

/// A domain in the one spelling that browsers hash, which somebody may have to themselves: not an address, and no top
/// level domain. Which longer names are public suffixes too, browsers know and refuse.
fn is_rp_id(text: &str) -> bool {
    let parsed = Url::parse(&format!("https://{text}/"));
    let same = parsed.is_ok_and(|url| match url.host() {
        Some(Host::Domain(name)) => name == text && url.port().is_none(),
        _ => false,
    });
    let is_local = text == "localhost";
    same && !text.ends_with('.') && (is_local || text.contains('.'))
}

fn is_within(host: &str, rp_id: &str) -> bool {
    host.strip_suffix(rp_id)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The host of an origin in the spelling of browsers; `None` for anything else, and for one that anybody on the way could
/// speak for.
fn host_of(origin: &str) -> Option<String> {
    let url = Url::parse(origin).ok()?;
    let Some(Host::Domain(host)) = url.host() else {
        return None;
    };
    let is_local = host == "localhost" || host.ends_with(".localhost");
    let secure = url.scheme() == "https" || url.scheme() == "http" && is_local;
    (secure && url.origin().ascii_serialization() == origin).then(|| host.to_owned())
}

fn is_android(origin: &str) -> bool {
    origin
        .strip_prefix(ANDROID)
        .and_then(super::bytes::Base64Url::parse)
        .is_some_and(|hash| hash.as_bytes().len() == 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut PasskeyConfig)) -> Result<(), ConfigError> {
        let mut config = PasskeyConfig::of(&Url::parse("https://app.example.com").unwrap());
        change(&mut config);
        config.check()
    }

    #[test]
    fn the_base_url_makes_a_relying_party_unless_it_is_an_address() {
        let of = |url: &str| PasskeyConfig::of(&Url::parse(url).unwrap());
        let local = of("http://localhost:3000");
        assert_eq!(local.rp_id.as_deref(), Some("localhost"));
        assert_eq!(local.origins, ["http://localhost:3000"]);
        assert!(local.check().is_ok());
        for address in ["http://127.0.0.1:3000", "http://[::1]:3000"] {
            assert_eq!(of(address).rp_id, None);
            assert!(of(address).check().is_ok());
        }
    }

    #[test]
    fn a_parent_domain_is_a_relying_party_and_nothing_else_is() {
        let rp_id = |text: &str| config(|passkeys| passkeys.rp_id = Some(text.to_owned()));
        assert!(rp_id("example.com").is_ok());
        for text in [
            "com",
            "Example.com",
            "https://example.com",
            "example.com/",
            "example.com:443",
            "example.com.",
            "127.0.0.1",
            "",
        ] {
            assert!(matches!(rp_id(text), Err(ConfigError::RpId)), "{text}");
        }
        for text in ["other.example.com", "le.com", "example.org"] {
            let refused = rp_id(text);
            assert!(
                matches!(refused, Err(ConfigError::PasskeyOrigin { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn origins_are_exact_secure_and_in_their_place() {
        let origin = |text: &str| config(|passkeys| passkeys.origins.push(text.to_owned()));
        let related =
            |text: &str| config(|passkeys| passkeys.related_origins.push(text.to_owned()));
        assert!(origin("https://eu.app.example.com:8443").is_ok());
        let app = format!("{ANDROID}{}", "A".repeat(43));
        assert!(origin(&app).is_ok());
        assert!(related("https://example.org").is_ok());
        for text in [
            "https://app.example.com/",
            "http://app.example.com",
            "https://example.org",
            "https://notapp.example.com.evil.test",
            "app.example.com",
            "android:apk-key-hash:AA",
            "https://127.0.0.1",
        ] {
            assert!(
                matches!(origin(text), Err(ConfigError::PasskeyOrigin { .. })),
                "{text}"
            );
        }
        for text in ["https://x.app.example.com", "https://example.org/", "*"] {
            assert!(
                matches!(related(text), Err(ConfigError::RelatedOrigin { .. })),
                "{text}"
            );
        }
        let none = config(|passkeys| passkeys.origins.clear());
        assert!(matches!(none, Err(ConfigError::PasskeyOrigins)));
        let long = config(|passkeys| passkeys.timeout = Duration::from_mins(6));
        assert!(matches!(long, Err(ConfigError::Duration { .. })));
    }
}
