use crate::identifier::text_type;

/// A username: 3 to 64 ASCII letters, digits, `.`, `_` and `-`, beginning and ending with a letter or digit.
///
/// Kept as written and compared without regard to case. ASCII only, so that no two look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

/// Why a text is not a [`Username`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a username has 3 to 64 letters, digits, dots, hyphens or underscores, and begins and ends with a letter or digit"
)]
pub struct UsernameError;

impl Username {
    /// Reads a username; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        let text = text.trim();
        let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let valid = (3..=64).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
            && ends_well(text.chars().next())
            && ends_well(text.chars().next_back());
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(UsernameError)
        }
    }

    /// The username as its owner wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that usernames are compared by.
    pub fn canonical(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

text_type!(Username, UsernameError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_fold_case_and_refuse_look_alikes() {
        assert_eq!(Username::parse(" Ada_L ").unwrap().canonical(), "ada_l");
        for text in ["ab", "_ada", "ada.", "аda", "ada l", "a@b", &"a".repeat(65)] {
            assert_eq!(Username::parse(text), Err(UsernameError), "{text}");
        }
    }
}
