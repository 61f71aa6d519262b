use serde::{Deserialize, Serialize};

use crate::identifier::text_type;

/// What a user shows of themselves. Each part may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The given name.
    pub first_name: Option<Name>,
    /// The family name.
    pub last_name: Option<Name>,
    /// A picture.
    pub image_url: Option<ImageUrl>,
}

/// Why a part of a profile is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The name is empty, has more than 100 characters, or has control characters.
    #[error("a name has 1 to 100 characters and no control characters")]
    Name,
    /// The image URL is not an absolute https URL of at most 2048 bytes without user information.
    #[error("an image URL is an absolute https URL of at most 2048 bytes")]
    ImageUrl,
}

/// A given or family name: 1 to 100 characters without control characters, white space around it dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let name = text.trim();
        // Bidirectional overrides can make a name read as another text in a list of users, separators break its line, and
        // what has no width makes it look like another. Joiners stay: scripts need them.
        let harmful = |c: char| {
            c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                || matches!(
                    c,
                    '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}' | '\u{feff}'
                )
        };
        let joiner = |c: char| matches!(c, '\u{200c}' | '\u{200d}');
        let seen = name.chars().any(|c| !joiner(c));
        if !seen || name.chars().count() > 100 || name.chars().any(harmful) {
            return Err(ProfileError::Name);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_type!(Name, ProfileError);

/// The address of a picture: absolute, https, at most 2048 bytes, no user information.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUrl(String);

impl ImageUrl {
    /// Reads an image URL.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let url = url::Url::parse(text.trim()).map_err(|_| ProfileError::ImageUrl)?;
        let valid = url.scheme() == "https"
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.as_str().len() <= 2048;
        if valid {
            Ok(Self(url.into()))
        } else {
            Err(ProfileError::ImageUrl)
        }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_type!(ImageUrl, ProfileError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_pass_and_tricks_do_not() {
        assert_eq!(Name::parse("  Jürgen ").unwrap().as_str(), "Jürgen");
        assert_eq!(Name::parse("\u{202e}nimda"), Err(ProfileError::Name));
        for text in [
            " ",
            "\u{200d}\u{200c}",
            "Ada\u{200b}",
            "Ada\u{2028}admin",
            "\u{feff}Ada",
        ] {
            assert_eq!(Name::parse(text), Err(ProfileError::Name), "{text:?}");
        }
        assert!(Name::parse("\u{645}\u{6cc}\u{200c}\u{62e}\u{648}").is_ok());
        assert_eq!(Name::parse(&"a".repeat(101)), Err(ProfileError::Name));
    }

    #[test]
    fn only_https_pictures_pass() {
        assert!(ImageUrl::parse("https://example.com/a.png").is_ok());
        for text in [
            "http://example.com/a.png",
            "javascript:alert(1)",
            "https://a:b@example.com/",
            "/a.png",
            "data:,x",
        ] {
            assert_eq!(ImageUrl::parse(text), Err(ProfileError::ImageUrl), "{text}");
        }
    }
}
