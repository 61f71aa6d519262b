use phonelib::{ParseError, PhoneNumberType};

use crate::identifier::{Region, text_type};

/// A phone number in E.164: `+`, a country code and up to 15 digits in all.
///
/// Only numbers that a numbering plan has room for are accepted. Whether anybody has one is known once a code that was
/// sent to it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneNumber(String);

/// Why a text is not a [`PhoneNumber`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhoneNumberError {
    /// It does not have the international form.
    #[error("a phone number has the international form, such as +43 1 58858")]
    Form,
    /// No country has such numbers.
    #[error("there are no phone numbers like this one")]
    Unknown,
}

/// Longer than any number with all its spaces.
const MAX_TYPED: usize = 40;
/// `+` and 15 digits.
const MAX_E164: usize = 16;
/// `+` and 7 digits: no country's numbers are shorter with its code.
const MIN_E164: usize = 8;
/// Operators hold numbers by the ten thousand; what is left without these digits names such a block.
const DIGITS_OF_BLOCK: usize = 4;

impl PhoneNumber {
    /// Reads a number in international form as people write it: spaces, dots, hyphens and parentheses are dropped, and so
    /// is the 0 that is dialled within a country only.
    pub fn parse(text: &str) -> Result<Self, PhoneNumberError> {
        let text = text.trim();
        let typed = text.strip_prefix('+').ok_or(PhoneNumberError::Form)?;
        if typed.len() > MAX_TYPED || !typed.chars().all(is_phone_character) {
            return Err(PhoneNumberError::Form);
        }
        let number = phonelib::PhoneNumber::try_parse(text).map_err(|error| match error {
            ParseError::Empty | ParseError::InvalidCharacter | ParseError::TooLong => {
                PhoneNumberError::Form
            }
            _ => PhoneNumberError::Unknown,
        })?;
        let number = Self::from_e164(number.e164())?;
        // Numbers of the whole world are of satellites and services, and no country's.
        number.region().ok_or(PhoneNumberError::Unknown)?;
        Ok(number)
    }

    /// Reads a number that was accepted before, `+` and digits alone. Numbering plans change: what is kept has to stay
    /// readable and lead to its owner when its country no longer has such numbers.
    pub fn from_e164(text: &str) -> Result<Self, PhoneNumberError> {
        let digits = text.strip_prefix('+').ok_or(PhoneNumberError::Form)?;
        let plausible = (MIN_E164..=MAX_E164).contains(&text.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plausible {
            Ok(Self(text.to_owned()))
        } else {
            Err(PhoneNumberError::Form)
        }
    }

    /// The number as `+` and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country, or the part of one with a code of its own, whose number it is.
    pub fn region(&self) -> Option<Region> {
        Region::parse(phonelib::extract_country(&self.0)?.code).ok()
    }

    /// Whether a text message to it may arrive, and costs what text messages cost: it is a mobile number, or nothing says
    /// that it is none.
    pub fn may_get_text(&self) -> bool {
        use PhoneNumberType as Type;
        matches!(
            phonelib::detect_phone_number_type(&self.0),
            Some(Type::Mobile | Type::FixedLineOrMobile | Type::Unknown)
        )
    }

    /// The number but for its last digits: what it has in common with others of one operator that were handed out together.
    pub fn block(&self) -> &str {
        let end = self.0.len().saturating_sub(DIGITS_OF_BLOCK);
        self.0.get(..end).unwrap_or_default()
    }
}

text_type!(PhoneNumber, PhoneNumberError, from_e164);

const fn is_phone_character(c: char) -> bool {
    matches!(c, '0'..='9' | ' ' | '\u{a0}' | '-' | '.' | '/' | '(' | ')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them_are_one_number() {
        for (text, number) in [
            ("+43 (1) 588-58", "+43158858"),
            (" +43 660 1234567 ", "+436601234567"),
            ("+44 (0)7911 123456", "+447911123456"),
            ("+1 (202) 555-0173", "+12025550173"),
            ("+39 06 1234 5678", "+390612345678"),
            ("+49.151/12345678", "+4915112345678"),
        ] {
            assert_eq!(PhoneNumber::parse(text).unwrap().as_str(), number, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_reason() {
        use PhoneNumberError::{Form, Unknown};
        for (text, reason) in [
            ("", Form),
            ("+", Form),
            ("0158858123", Form),
            ("0043158858", Form),
            ("+43158858x", Form),
            ("+43 1 58858 ext. 4", Form),
            ("+43158858;ext=4", Form),
            ("tel:+43158858", Form),
            ("+1234567890123456", Form),
            ("+٤٣١٥٨٨٥٨", Form),
            ("+123", Unknown),
            ("+0158858123", Unknown),
            ("+999 123 456 78", Unknown),
            ("+1 111 111 1111", Unknown),
            ("+4419000000000", Unknown),
            ("+800 1234 5678", Unknown),
        ] {
            assert_eq!(PhoneNumber::parse(text), Err(reason), "{text}");
        }
        let long = format!("+43{}1 58858", " ".repeat(100));
        assert_eq!(PhoneNumber::parse(&long), Err(Form));
    }

    #[test]
    fn what_was_accepted_once_is_read_for_ever() {
        let gone = "+4419000000000";
        let kept: PhoneNumber = serde_json::from_value(gone.into()).unwrap();
        assert_eq!(kept.as_str(), gone);
        for text in [
            "43158858",
            "+0158858123",
            "+43 158858",
            "+123456",
            "+12345678901234567",
        ] {
            assert_eq!(
                PhoneNumber::from_e164(text),
                Err(PhoneNumberError::Form),
                "{text}"
            );
        }
    }

    #[test]
    fn a_number_tells_its_country_and_whether_it_gets_text_messages() {
        for (text, region, gets_text) in [
            ("+436601234567", "AT", true),
            ("+12025550173", "US", true),
            ("+14165550198", "CA", true),
            ("+447911123456", "GG", true),
            ("+77011234567", "KZ", true),
            ("+43158858", "AT", false),
            ("+19005551234", "US", false),
            ("+18005551234", "US", false),
            ("+449012345678", "GB", false),
            ("+447012345678", "GB", false),
            ("+445612345678", "GB", false),
            ("+33806123456", "FR", false),
        ] {
            let number = PhoneNumber::parse(text).unwrap();
            assert_eq!(number.region().unwrap().as_str(), region, "{text}");
            assert_eq!(number.may_get_text(), gets_text, "{text}");
        }
    }

    #[test]
    fn neighbours_are_of_one_block() {
        let block = |text: &str| PhoneNumber::parse(text).unwrap().block().to_owned();
        assert_eq!(block("+436601234567"), "+43660123");
        assert_eq!(block("+436601230000"), block("+436601239999"));
        assert_ne!(block("+436601230000"), block("+436601240000"));
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics_and_is_stable(text in "\\PC{0,60}|\\+[0-9 ()./-]{1,24}") {
            if let Ok(number) = PhoneNumber::parse(&text) {
                proptest::prop_assert_eq!(&PhoneNumber::parse(number.as_str()).unwrap(), &number);
                proptest::prop_assert_eq!(&PhoneNumber::from_e164(number.as_str()).unwrap(), &number);
            }
        }
    }
}
