use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::{Zeroize as _, Zeroizing};

/// A password as somebody typed it, in Unicode normalisation form C.
///
/// NFC is the one form, applied here and therefore both when a password is set and when it is checked: "é" from
/// a keyboard that sends one code point and "é" from one that sends two are the same password. Nothing else is
/// changed: no trimming, no case folding, no truncation. Every character is accepted, space and NUL included.
///
/// The bytes are overwritten when the value is dropped and never appear in `Debug` output.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The longest password, in bytes of UTF-8, before and after normalisation.
    pub const MAX_BYTES: usize = 1024;

    /// Normalises `raw`.
    ///
    /// An empty password is accepted, because an imported account may have one; a [`PasswordPolicy`] refuses it
    /// for new passwords.
    ///
    /// [`PasswordPolicy`]: super::PasswordPolicy
    ///
    /// # Errors
    /// [`PasswordError::TooLong`] if `raw` or its normal form exceeds [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn parse(raw: &str) -> Result<Self, PasswordError> {
        // Before any work that grows with the input.
        if raw.len() > Self::MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        // Room for the whole result at once: a string that grows leaves copies of its content behind.
        let mut normal = Zeroizing::new(String::with_capacity(Self::MAX_BYTES));
        for c in raw.nfc() {
            // A few characters are three times as long in NFC.
            if normal.len() + c.len_utf8() > Self::MAX_BYTES {
                return Err(PasswordError::TooLong);
            }
            normal.push(c);
        }
        Ok(Self(normal))
    }

    /// The plaintext, for a check that needs it, such as a look-up in a set of breached passwords.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Length in Unicode code points, which is how a policy counts.
    pub fn code_points(&self) -> usize {
        self.0.chars().count()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for Password {
    type Err = PasswordError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        Self::parse(raw)
    }
}

/// Overwrites the given string, also when it is refused.
impl TryFrom<String> for Password {
    type Error = PasswordError;

    fn try_from(mut raw: String) -> Result<Self, Self::Error> {
        let parsed = Self::parse(&raw);
        raw.zeroize();
        parsed
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// Why a string is no password at all, whatever the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Longer than [`Password::MAX_BYTES`].
    #[error("a password has at most {} bytes", Password::MAX_BYTES)]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_and_decomposed_accents_are_the_same_password() {
        let composed = Password::parse("caf\u{e9} au lait").unwrap();
        let decomposed = Password::parse("cafe\u{301} au lait").unwrap();
        assert_eq!(composed.expose(), decomposed.expose());
        assert_eq!(decomposed.code_points(), 12);
    }

    #[test]
    fn nothing_but_the_form_is_changed() {
        for raw in [
            "  two spaces  ",
            "UPPER lower",
            "nul\0inside",
            "",
            "\u{fb01}le",
            "🦀🦀",
        ] {
            assert_eq!(Password::parse(raw).unwrap().expose(), raw);
        }
    }

    #[test]
    fn the_cap_counts_bytes_before_and_after_normalising() {
        assert!(Password::parse(&"a".repeat(Password::MAX_BYTES)).is_ok());
        let long = "a".repeat(Password::MAX_BYTES + 1);
        assert_eq!(Password::parse(&long).unwrap_err(), PasswordError::TooLong);
        // U+1D160 is four bytes and becomes three characters of four.
        let expands = "\u{1d160}".repeat(100);
        assert!(expands.len() < Password::MAX_BYTES);
        assert_eq!(
            Password::parse(&expands).unwrap_err(),
            PasswordError::TooLong
        );
    }

    #[test]
    fn debug_output_does_not_show_it() {
        let password = Password::try_from(String::from("hunter2hunter2")).unwrap();
        assert_eq!(format!("{password:?}"), "Password(redacted)");
    }
}
