use crate::identifier::text_type;

/// A phone number in E.164: `+`, a country code and up to 15 digits in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneNumber(String);

/// Why a text is not a [`PhoneNumber`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a phone number has the international form, such as +43 1 58858")]
pub struct PhoneNumberError;

impl PhoneNumber {
    /// Reads a number in international form. Spaces, dots, hyphens and parentheses between digits are dropped.
    pub fn parse(text: &str) -> Result<Self, PhoneNumberError> {
        let digits = text.trim().strip_prefix('+').ok_or(PhoneNumberError)?;
        let mut number = String::from("+");
        for c in digits.chars() {
            match c {
                '0'..='9' => number.push(c),
                ' ' | '-' | '.' | '(' | ')' => {}
                _ => return Err(PhoneNumberError),
            }
            if number.len() > 16 {
                return Err(PhoneNumberError);
            }
        }
        // Country codes do not begin with 0, and no country's numbers are shorter than seven digits in all.
        if number.len() < 8 || number.starts_with("+0") {
            return Err(PhoneNumberError);
        }
        Ok(Self(number))
    }

    /// The number as `+` and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_type!(PhoneNumber, PhoneNumberError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_international_form_is_a_number() {
        assert_eq!(
            PhoneNumber::parse("+43 (1) 588-58").unwrap().as_str(),
            "+43158858"
        );
        for text in [
            "",
            "+",
            "0158858123",
            "+0158858123",
            "+1234567890123456",
            "+43158858x",
            "+123",
        ] {
            assert_eq!(PhoneNumber::parse(text), Err(PhoneNumberError), "{text}");
        }
    }
}
