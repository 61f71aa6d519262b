use std::fmt;
use std::time::Duration;

use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zalt_core::Timestamp;
use zalt_core::connection::ProviderTokens;
use zalt_core::secret::SecretText;

/// The answer of a token endpoint (RFC 6749, section 5.1), read as providers write it: some leave the type out, send the
/// lifetime as a text, or the scopes as an array or with commas.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub(crate) struct TokenAnswer {
    access_token: AccessToken,
    refresh_token: Option<RefreshToken>,
    scopes: Option<Vec<Scope>>,
    expires_in: Option<Duration>,
    members: Map<String, Value>,
}

const MAX_TOKEN_BYTES: usize = 16 * 1024;
const MAX_SCOPES: usize = 100;
const MAX_SCOPE_BYTES: usize = 200;

#[derive(Debug, thiserror::Error)]
#[error("no access token of type bearer")]
pub(crate) struct NoAccessToken;

impl TokenAnswer {
    pub(crate) fn id_token(&self) -> Option<&str> {
        let token = self.members.get("id_token")?.as_str()?;
        is_token(token).then_some(token)
    }

    pub(crate) fn bearer(&self) -> &str {
        self.access_token.secret()
    }

    /// All of it.
    pub(crate) fn document(&self) -> Value {
        Value::Object(self.members.clone())
    }

    /// The tokens, with `refresh_token` where the answer brings no other.
    pub(crate) fn tokens(
        &self,
        now: Timestamp,
        refresh_token: Option<&SecretText>,
    ) -> ProviderTokens {
        let new = self.refresh_token.as_ref();
        ProviderTokens {
            access_token: self.access_token.secret().as_str().into(),
            refresh_token: new
                .map(|token| token.secret().as_str().into())
                .or_else(|| refresh_token.cloned()),
            id_token: self.id_token().map(SecretText::from),
            expires_at: self.expires_in.map(|lifetime| now + lifetime),
            scopes: self
                .scopes
                .iter()
                .flatten()
                .map(|scope| scope.to_string())
                .collect(),
        }
    }
}

impl TryFrom<Map<String, Value>> for TokenAnswer {
    type Error = NoAccessToken;

    fn try_from(members: Map<String, Value>) -> Result<Self, NoAccessToken> {
        let text = |name: &str| {
            let text = members.get(name)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        // A token of another type could not be used the way we use it (section 7.1).
        if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(NoAccessToken);
        }
        Ok(Self {
            access_token: text("access_token")
                .filter(|token| is_token(token))
                .map(AccessToken::new)
                .ok_or(NoAccessToken)?,
            refresh_token: text("refresh_token")
                .filter(|token| is_token(token))
                .map(RefreshToken::new),
            scopes: members.get("scope").map(scopes),
            expires_in: members.get("expires_in").and_then(seconds),
            members,
        })
    }
}

impl From<TokenAnswer> for Map<String, Value> {
    fn from(answer: TokenAnswer) -> Self {
        answer.members
    }
}

/// RFC 6749, appendix A.12: what can stand in a header. Longer ones than anybody makes are not kept for a user.
fn is_token(text: &str) -> bool {
    text.len() <= MAX_TOKEN_BYTES && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

fn scopes(value: &Value) -> Vec<Scope> {
    let of_text = |text: &str| {
        text.split([' ', ','])
            .filter(|scope| (1..=MAX_SCOPE_BYTES).contains(&scope.len()))
            .map(|scope| Scope::new(scope.to_owned()))
            .collect::<Vec<_>>()
    };
    let mut scopes: Vec<Scope> = match value {
        Value::String(text) => of_text(text),
        Value::Array(all) => all
            .iter()
            .filter_map(Value::as_str)
            .flat_map(of_text)
            .collect(),
        _ => Vec::new(),
    };
    scopes.truncate(MAX_SCOPES);
    scopes
}

fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    Some(Duration::from_secs(seconds))
}

impl TokenResponse for TokenAnswer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &BasicTokenType::Bearer
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scopes.as_ref()
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAnswer(..)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: Value) -> Option<ProviderTokens> {
        let answer: TokenAnswer = serde_json::from_value(answer).ok()?;
        Some(answer.tokens(Timestamp::from_unix_seconds(1000), None))
    }

    #[test]
    fn what_providers_write_otherwise_is_read_alike() {
        for (expires, scope) in [
            (json!(60), json!("a b")),
            (json!("60"), json!("a,b")),
            (json!(60), json!(["a", "b"])),
        ] {
            let tokens = read(json!({"access_token": "t", "token_type": "BEARER",
                "expires_in": expires, "scope": scope}))
            .unwrap();
            assert_eq!(tokens.expires_at, Some(Timestamp::from_unix_seconds(1060)));
            assert_eq!(tokens.scopes, ["a", "b"]);
        }
        let bare = read(json!({"access_token": "t"})).unwrap();
        assert_eq!((bare.expires_at, bare.refresh_token), (None, None));
    }

    #[test]
    fn without_a_bearer_token_there_is_nothing() {
        for answer in [
            json!({}),
            json!({"access_token": ""}),
            json!({"access_token": 7}),
            json!({"access_token": "a\r\nb"}),
            json!({"access_token": "\u{e9}"}),
            json!({"access_token": "a".repeat(16 * 1024 + 1)}),
            json!({"access_token": "t", "token_type": "mac"}),
            json!({"error": "bad_verification_code"}),
            json!([]),
        ] {
            assert_eq!(read(answer), None);
        }
    }

    #[test]
    fn a_token_that_is_not_replaced_stays() {
        let answer: TokenAnswer = serde_json::from_value(json!({"access_token": "t"})).unwrap();
        let tokens = answer.tokens(Timestamp::from_unix_seconds(0), Some(&"old".into()));
        assert_eq!(tokens.refresh_token, Some("old".into()));
        assert!(!format!("{answer:?} {tokens:?}").contains("old"));
    }
}
