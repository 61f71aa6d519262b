use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{Password, common};

/// What a new password must be: long enough, not a common one, not a word that everybody who knows the account
/// would try first.
///
/// There are no composition rules and no expiry: both make people choose worse passwords (NIST SP 800-63B-4).
/// A policy is asked when a password is set or changed, never at sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordPolicy {
    min_length: usize,
    max_length: usize,
}

impl PasswordPolicy {
    /// The least that [`with_lengths`](Self::with_lengths) accepts as minimum (ASVS 5.0, 6.2.1).
    pub const LEAST_MIN_LENGTH: usize = 8;
    /// The least that [`with_lengths`](Self::with_lengths) accepts as maximum (ASVS 5.0, 6.2.9).
    pub const LEAST_MAX_LENGTH: usize = 64;

    /// What NIST SP 800-63B-4 asks for where a password alone signs in: 15 characters or more.
    pub const fn nist() -> Self {
        Self {
            min_length: 15,
            max_length: 256,
        }
    }

    /// A policy with these bounds, both in Unicode code points and both inclusive.
    ///
    /// [`Password::MAX_BYTES`] holds besides.
    ///
    /// # Errors
    /// A [`PasswordPolicyError`] if the minimum is below 8 or above 64, or the maximum is below 64.
    pub const fn with_lengths(
        min_length: usize,
        max_length: usize,
    ) -> Result<Self, PasswordPolicyError> {
        if min_length < Self::LEAST_MIN_LENGTH {
            return Err(PasswordPolicyError::MinLengthTooSmall {
                least: Self::LEAST_MIN_LENGTH,
            });
        }
        // A site that asks for more than 64 would refuse what every other one must accept.
        if min_length > Self::LEAST_MAX_LENGTH {
            return Err(PasswordPolicyError::MinLengthTooLarge {
                most: Self::LEAST_MAX_LENGTH,
            });
        }
        if max_length < Self::LEAST_MAX_LENGTH {
            return Err(PasswordPolicyError::MaxLengthTooSmall {
                least: Self::LEAST_MAX_LENGTH,
            });
        }
        Ok(Self {
            min_length,
            max_length,
        })
    }

    /// The fewest code points a password may have.
    pub const fn min_length(&self) -> usize {
        self.min_length
    }

    /// The most code points a password may have.
    pub const fn max_length(&self) -> usize {
        self.max_length
    }

    /// Whether `password` may be set.
    ///
    /// `context` holds words that belong to the account or the product: the product's name, the user's names and
    /// username, the local part of each email address. A password is refused when it is essentially such a word:
    /// the letters and digits of both are the same but for case, or the password is the word, once or repeated,
    /// dressed with at most 8 other characters at its ends or between its parts ("Ada.Lovelace1815!" for
    /// "ada lovelace"). A password that merely contains a word is fine, and words of fewer than 3 letters are
    /// passed over.
    ///
    /// The list of common passwords is compared with the whole password, without regard to case.
    ///
    /// # Errors
    /// The first reason that applies, in the order of [`PasswordRefusal`].
    pub fn check(&self, password: &Password, context: &[&str]) -> Result<(), PasswordRefusal> {
        let length = password.code_points();
        if length < self.min_length {
            return Err(PasswordRefusal::TooShort {
                min: self.min_length,
            });
        }
        if length > self.max_length {
            return Err(PasswordRefusal::TooLong {
                max: self.max_length,
            });
        }
        let folded = fold(password.expose());
        if common::contains(&folded) {
            return Err(PasswordRefusal::Common);
        }
        match context
            .iter()
            .position(|word| is_essentially(&folded, word))
        {
            Some(index) => Err(PasswordRefusal::ContainsContext { index }),
            None => Ok(()),
        }
    }
}

/// 8 to 256 code points.
impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: Self::LEAST_MIN_LENGTH,
            max_length: 256,
        }
    }
}

/// Why a [`PasswordPolicy`] refused a password. None of the reasons repeats any of its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordRefusal {
    /// Fewer code points than the policy's minimum.
    #[error("the password is too short: use at least {min} characters")]
    TooShort {
        /// The fewest code points allowed.
        min: usize,
    },
    /// More code points than the policy's maximum.
    #[error("the password is too long: use at most {max} characters")]
    TooLong {
        /// The most code points allowed.
        max: usize,
    },
    /// On the list of passwords that are tried first.
    #[error("the password is one of the most common ones: choose one that others do not use")]
    Common,
    /// Essentially one of the context words.
    #[error(
        "the password is little more than your name or ours: choose one that says nothing about you"
    )]
    ContainsContext {
        /// Which of the words that were given to [`PasswordPolicy::check`].
        index: usize,
    },
}

/// Why a [`PasswordPolicy`] can't be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordPolicyError {
    /// The minimum would allow passwords that are too easy to guess.
    #[error("the minimum password length must be at least {least}")]
    MinLengthTooSmall {
        /// The smallest minimum accepted.
        least: usize,
    },
    /// The minimum is longer than people can be asked for.
    #[error("the minimum password length must be at most {most}")]
    MinLengthTooLarge {
        /// The largest minimum accepted.
        most: usize,
    },
    /// The maximum would refuse good passphrases.
    #[error("the maximum password length must be at least {least}")]
    MaxLengthTooSmall {
        /// The smallest maximum accepted.
        least: usize,
    },
}

/// Fewer letters than this are in too many good passwords to mean anything.
const SHORTEST_WORD: usize = 3;
/// A year, a full date, a row of exclamation marks: what people append to get past a length rule.
const MOST_TRIMMINGS: usize = 8;

fn is_essentially(folded: &str, word: &str) -> bool {
    let (squashed, word) = (squash(folded), squash(&fold(word)));
    if word.chars().count() < SHORTEST_WORD {
        return false;
    }
    if *squashed == *word {
        return true;
    }
    let (core, word) = (trim_digits(&squashed), trim_digits(&word));
    if word.chars().count() < SHORTEST_WORD {
        return false;
    }
    let repeats_word = !core.is_empty() && core.split(word).all(str::is_empty);
    repeats_word && folded.chars().count() - core.chars().count() <= MOST_TRIMMINGS
}

/// Letters and digits only.
fn squash(folded: &str) -> Zeroizing<String> {
    let mut squashed = Zeroizing::new(String::with_capacity(folded.len()));
    squashed.extend(folded.chars().filter(|c| c.is_alphanumeric()));
    squashed
}

fn trim_digits(squashed: &str) -> &str {
    squashed.trim_matches(char::is_numeric)
}

fn fold(text: &str) -> Zeroizing<String> {
    let lower = Zeroizing::new(text.to_lowercase());
    // Lower case of a composed character may be decomposed.
    Zeroizing::new(lower.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        policy: &PasswordPolicy,
        password: &str,
        context: &[&str],
    ) -> Result<(), PasswordRefusal> {
        policy.check(&Password::parse(password).unwrap(), context)
    }

    fn check_default(password: &str, context: &[&str]) -> Result<(), PasswordRefusal> {
        check(&PasswordPolicy::default(), password, context)
    }

    #[test]
    fn length_counts_code_points() {
        assert_eq!(
            check_default("xk7-vq2", &[]),
            Err(PasswordRefusal::TooShort { min: 8 })
        );
        assert_eq!(check_default("xk7-vq2!", &[]), Ok(()));
        assert_eq!(check_default("🦀🐙🦑🐡🐠🐟🐬🐳", &[]), Ok(()));
        assert_eq!(
            check_default("🦀🐙🦑🐡🐠🐟🐬", &[]),
            Err(PasswordRefusal::TooShort { min: 8 })
        );
        // Eight code points when typed, four once composed.
        assert_eq!(
            check_default(&"e\u{301}".repeat(4), &[]),
            Err(PasswordRefusal::TooShort { min: 8 })
        );
        assert_eq!(check_default(&"ж".repeat(256), &[]), Ok(()));
        assert_eq!(
            check_default(&"ж".repeat(257), &[]),
            Err(PasswordRefusal::TooLong { max: 256 })
        );
    }

    #[test]
    fn the_nist_preset_asks_for_fifteen() {
        let nist = PasswordPolicy::nist();
        assert_eq!(
            check(&nist, "a walk in rain", &[]),
            Err(PasswordRefusal::TooShort { min: 15 })
        );
        assert_eq!(check(&nist, "a walk in a rain", &[]), Ok(()));
    }

    #[test]
    fn bounds_outside_the_requirements_are_refused() {
        assert_eq!(
            PasswordPolicy::with_lengths(7, 256),
            Err(PasswordPolicyError::MinLengthTooSmall { least: 8 })
        );
        assert_eq!(
            PasswordPolicy::with_lengths(65, 256),
            Err(PasswordPolicyError::MinLengthTooLarge { most: 64 })
        );
        assert_eq!(
            PasswordPolicy::with_lengths(8, 63),
            Err(PasswordPolicyError::MaxLengthTooSmall { least: 64 })
        );
        assert_eq!(
            PasswordPolicy::with_lengths(64, 64).unwrap().max_length(),
            64
        );
    }

    #[test]
    fn common_passwords_are_refused_whatever_their_case_and_only_as_a_whole() {
        for common in [
            "password",
            "PassWord",
            "12345678",
            "Iloveyou1",
            "QWERTYUIOP",
        ] {
            assert_eq!(
                check_default(common, &[]),
                Err(PasswordRefusal::Common),
                "{common}"
            );
        }
        assert_eq!(check_default("my password is long", &[]), Ok(()));
    }

    #[test]
    fn no_composition_is_asked_for() {
        assert_eq!(check_default("zvwqkjxt", &[]), Ok(()));
        assert_eq!(check_default("        ☃", &[]), Ok(()));
    }

    #[test]
    fn a_dressed_up_context_word_is_refused() {
        let context = ["Zalt", "ada.lovelace", "+1 555 010 2030", "Müller"];
        for (password, index) in [
            ("zalt2026!", 0),
            ("ZALT-zalt", 0),
            ("zaltzaltzalt", 0),
            ("!!!Zalt!!!", 0),
            ("AdaLovelace", 1),
            ("ada lovelace 1815", 1),
            ("Ada.Lovelace", 1),
            ("15550102030", 2),
            ("mu\u{308}ller99", 3),
        ] {
            let refusal = check_default(password, &context);
            assert_eq!(
                refusal,
                Err(PasswordRefusal::ContainsContext { index }),
                "{password}"
            );
        }
    }

    #[test]
    fn a_password_that_merely_contains_a_word_is_fine() {
        let context = ["zalt", "al", "7", "", "ada"];
        for password in [
            "the zalt of the earth",
            "al31415926",
            "zaltxq2026",
            "ada7102938475610",
            "777777 5 7",
        ] {
            assert_eq!(check_default(password, &context), Ok(()), "{password}");
        }
    }

    #[test]
    fn a_refusal_does_not_repeat_the_password() {
        let refusal = check_default("lovelace1815", &["lovelace"]).unwrap_err();
        assert!(!format!("{refusal:?} {refusal}").contains("lovelace"));
    }
}
