use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::bytes::Base64Url;
use super::config::PasskeyConfig;
use super::refusal::PasskeyRefusal;
use crate::id::AttemptId;

/// What a browser says of the request that an authenticator answered (section 5.8.1). The authenticator signs its hash.
#[derive(Deserialize)]
pub(crate) struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: Base64Url,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Registration,
    Assertion,
}

impl ClientData {
    /// Reads the bytes that were hashed. What the specification may add to them is passed over, as it demands.
    pub(crate) fn parse(bytes: &Base64Url) -> Result<Self, PasskeyRefusal> {
        serde_json::from_slice(bytes.as_bytes()).map_err(|_| PasskeyRefusal::Malformed)
    }

    /// The attempt whose challenge it claims to be for.
    pub(crate) fn attempt(&self) -> Option<AttemptId> {
        let (id, _) = self.challenge.as_bytes().split_first_chunk::<16>()?;
        Some(AttemptId::from_bytes(*id))
    }

    /// Holds it against what was asked for (sections 7.1 and 7.2, the checks of `C`).
    pub(crate) fn check(
        &self,
        asked: Asked,
        challenge: &[u8],
        config: &PasskeyConfig,
    ) -> Result<(), PasskeyRefusal> {
        let kind = match asked {
            Asked::Registration => "webauthn.create",
            Asked::Assertion => "webauthn.get",
        };
        if self.kind != kind {
            return Err(PasskeyRefusal::Type);
        }
        if !bool::from(self.challenge.as_bytes().ct_eq(challenge)) {
            return Err(PasskeyRefusal::Challenge);
        }
        if !config.accepts_origin(&self.origin) {
            return Err(PasskeyRefusal::Origin);
        }
        // A page that frames ours could have people touch their key for what they don't see.
        if self.cross_origin == Some(true) || self.top_origin.is_some() {
            return Err(PasskeyRefusal::CrossOrigin);
        }
        Ok(())
    }

    /// Where it was asked for.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use url::Url;

    const CHALLENGE: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn check(change: impl FnOnce(&mut Value)) -> Result<(), PasskeyRefusal> {
        let challenge = Base64Url::new(CHALLENGE.to_vec());
        let mut data = json!({
            "type": "webauthn.get", "challenge": challenge, "origin": "https://app.example.com",
            "crossOrigin": false, "other_keys_can_be_added_here": "do not compare",
        });
        change(&mut data);
        let mut config = PasskeyConfig::of(&Url::parse("https://app.example.com").unwrap());
        config.related_origins = vec!["https://app.example.org".to_owned()];
        let bytes = Base64Url::new(serde_json::to_vec(&data).unwrap());
        ClientData::parse(&bytes)?.check(Asked::Assertion, CHALLENGE, &config)
    }

    #[test]
    fn what_was_asked_for_is_accepted_and_nothing_else() {
        assert_eq!(check(|_| {}), Ok(()));
        let origin = |text: &str| check(|data| data["origin"] = json!(text));
        assert_eq!(origin("https://app.example.org"), Ok(()));
        for other in [
            "https://example.com",
            "https://evil.app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com:443",
            "https://app.example.com/",
            "https://APP.example.com",
            "http://app.example.com",
            "https://app.example.com.evil.test",
            "null",
            "",
        ] {
            assert_eq!(origin(other), Err(PasskeyRefusal::Origin), "{other}");
        }
        let refused = check(|data| data["type"] = json!("webauthn.create"));
        assert_eq!(refused, Err(PasskeyRefusal::Type));
        for challenge in ["", "AAAA", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWc"] {
            let refused = check(|data| data["challenge"] = json!(challenge));
            assert_eq!(refused, Err(PasskeyRefusal::Challenge), "{challenge}");
        }
        let refused = check(|data| data["crossOrigin"] = json!(true));
        assert_eq!(refused, Err(PasskeyRefusal::CrossOrigin));
        let refused = check(|data| data["topOrigin"] = json!("https://app.example.com"));
        assert_eq!(refused, Err(PasskeyRefusal::CrossOrigin));
    }

    #[test]
    fn a_member_that_stands_there_twice_is_malformed() {
        let twice = br#"{"type":"webauthn.get","challenge":"AA","origin":"a","origin":"b"}"#;
        let read = ClientData::parse(&Base64Url::new(twice.to_vec()));
        assert!(matches!(read, Err(PasskeyRefusal::Malformed)));
    }
}
