use serde_json::Value;
use url::Url;
use zalt_core::connection::{ProviderEmail, ProviderError, ProviderIdentity};
use zalt_core::identifier::EmailAddress;

/// The longest subject (and issuer) that core keeps.
const MAX_SUBJECT_BYTES: usize = 255;

/// The longest name; longer ones are cut.
const MAX_NAME_CHARS: usize = 200;

const MAX_PICTURE_BYTES: usize = 2048;

/// Where things stand in a provider's answer, as JSON pointers (RFC 6901).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) subject: &'a str,
    pub(crate) email: Option<&'a str>,
    /// The flag that says that the person proved to own the address.
    pub(crate) verified: Option<&'a str>,
    pub(crate) username: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) given_name: Option<&'a str>,
    pub(crate) family_name: Option<&'a str>,
    pub(crate) picture: Option<&'a str>,
}

impl Shape<'static> {
    /// The standard claims (OpenID Connect Core 1.0, section 5.1).
    pub(crate) const OPENID: Self = Self {
        subject: "/sub",
        email: Some("/email"),
        verified: Some("/email_verified"),
        username: Some("/preferred_username"),
        name: Some("/name"),
        given_name: Some("/given_name"),
        family_name: Some("/family_name"),
        picture: Some("/picture"),
    };
}

impl Shape<'_> {
    /// Whom `document` is about.
    pub(crate) fn subject(&self, document: &Value) -> Result<String, ProviderError> {
        let subject = match document.pointer(self.subject) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => String::new(),
        };
        if (1..=MAX_SUBJECT_BYTES).contains(&subject.len())
            && !subject.chars().any(char::is_control)
        {
            Ok(subject)
        } else {
            Err(ProviderError::BadAnswer {
                what: "who it is about",
            })
        }
    }

    /// Reads what `document` says; what it says of itself alone stays together, such as an address and its flag.
    pub(crate) fn read(
        &self,
        issuer: &str,
        document: &Value,
    ) -> Result<ProviderIdentity, ProviderError> {
        let text = |pointer: Option<&str>| plain_text(document.pointer(pointer?)?.as_str()?);
        Ok(ProviderIdentity {
            issuer: issuer.to_owned(),
            subject: self.subject(document)?,
            email: self.email(document),
            username: text(self.username),
            name: text(self.name),
            given_name: text(self.given_name),
            family_name: text(self.family_name),
            picture: self
                .picture
                .and_then(|pointer| picture(document.pointer(pointer)?.as_str()?)),
        })
    }

    fn email(&self, document: &Value) -> Option<ProviderEmail> {
        let address = document.pointer(self.email?)?.as_str()?;
        Some(ProviderEmail {
            address: EmailAddress::parse(address).ok()?,
            verified: self
                .verified
                .and_then(|pointer| document.pointer(pointer))
                .is_some_and(is_true),
            authoritative: false,
        })
    }
}

/// `true`, as providers write it: some as a text, some as a number. Anything else is not.
pub(crate) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text == "true" || text == "1",
        Value::Number(number) => number.as_u64() == Some(1),
        _ => false,
    }
}

/// Takes from `more` what `identity` lacks.
pub(crate) fn complete(identity: &mut ProviderIdentity, more: ProviderIdentity) {
    fn fill<T>(place: &mut Option<T>, more: Option<T>) {
        if place.is_none() {
            *place = more;
        }
    }
    fill(&mut identity.email, more.email);
    fill(&mut identity.username, more.username);
    fill(&mut identity.name, more.name);
    fill(&mut identity.given_name, more.given_name);
    fill(&mut identity.family_name, more.family_name);
    fill(&mut identity.picture, more.picture);
}

/// A text that can stand in a line: without control and bidirectional characters, and not too long.
pub(crate) fn plain_text(text: &str) -> Option<String> {
    let reorders = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control() && !reorders(*c))
        .take(MAX_NAME_CHARS)
        .collect();
    (!plain.is_empty()).then_some(plain)
}

fn picture(text: &str) -> Option<Url> {
    if text.len() > MAX_PICTURE_BYTES {
        return None;
    }
    Url::parse(text).ok().filter(|url| url.scheme() == "https")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_subject_is_a_text_or_a_whole_number_and_never_empty() {
        let shape = Shape {
            subject: "/data/id",
            ..Shape::OPENID
        };
        let subject = |id: Value| shape.subject(&json!({"data": {"id": id}})).ok();
        assert_eq!(subject(json!("a")).as_deref(), Some("a"));
        assert_eq!(subject(json!(583_231)).as_deref(), Some("583231"));
        for bad in [
            json!(""),
            json!(null),
            json!(1.5),
            json!([1]),
            json!({}),
            json!(true),
        ] {
            assert_eq!(subject(bad), None);
        }
        assert_eq!(subject(json!("a\nb")), None);
        assert_eq!(subject(json!("a".repeat(256))), None);
        assert!(shape.subject(&json!([])).is_err());
    }

    #[test]
    fn an_address_is_verified_by_the_flag_beside_it_only() {
        let read = |document: Value| Shape::OPENID.read("https://i.example", &document).unwrap();
        for (flag, verified) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(1), true),
            (json!("True"), false),
            (json!("yes"), false),
            (json!(2), false),
            (json!(null), false),
            (json!(["true"]), false),
            (json!(false), false),
        ] {
            let email = read(json!({"sub": "1", "email": "a@example.com", "email_verified": flag}));
            assert_eq!(email.email.unwrap().verified, verified, "{flag}");
        }
        assert_eq!(read(json!({"sub": "1", "email": "no address"})).email, None);
        assert!(
            !read(json!({"sub": "1", "email": "a@example.com"}))
                .email
                .unwrap()
                .verified
        );
    }

    #[test]
    fn what_is_shown_is_plain() {
        let identity = Shape::OPENID
            .read(
                "https://i.example",
                &json!({"sub": "1", "name": " A\u{202e}b\nc ", "preferred_username": "\u{7}",
                    "picture": "javascript:alert(1)"}),
            )
            .unwrap();
        assert_eq!(identity.name.as_deref(), Some("Abc"));
        assert_eq!(identity.username, None);
        assert_eq!(identity.picture, None);
    }
}
