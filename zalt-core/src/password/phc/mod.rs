//! Stored password hashes: one string, parsed into one of the schemes below.

mod argon2;
mod bcrypt;
mod fields;
mod firebase;
pub(super) mod limits;
mod pbkdf2;
mod scrypt;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub(super) use self::argon2::{Argon2Hash, SALT_LEN};
use self::bcrypt::BcryptHash;
use self::firebase::FirebaseHash;
pub use self::firebase::FirebaseScrypt;
pub(super) use self::firebase::is_key_name;
use self::pbkdf2::Pbkdf2Hash;
use self::scrypt::ScryptHash;
use super::pool::Memory;
use super::{Argon2Params, ForeignHashKeys, HashError};

/// A stored password hash that this crate can verify: it exists only when its string parses into a supported
/// scheme and checking it stays affordable.
///
/// # Spellings
///
/// | scheme | spelling |
/// |---|---|
/// | Argon2id, Argon2i, Argon2d | `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`; without `v=` it is version 16 |
/// | bcrypt | `$2b$12$` and 53 characters; also `$2a$` and `$2y$` |
/// | scrypt | `$scrypt$ln=17,r=8,p=1$salt$hash` |
/// | PBKDF2 | `$pbkdf2-sha256$i=600000$salt$hash`, optionally `i=600000,l=32`; also `-sha1` and `-sha512` |
/// | PBKDF2 of passlib | `$pbkdf2-sha256$600000$salt$hash`, where `$pbkdf2$` means SHA-1 |
/// | PBKDF2 of Django | `pbkdf2_sha256$600000$salt$hash`; also `pbkdf2_sha1` |
/// | Firebase scrypt | `$firebase-scrypt$ln=14,r=8,ss=Bw,k=main$salt$hash`, see [`FirebaseScrypt`] |
///
/// Salt and hash are standard base64 without padding. bcrypt has an alphabet of its own, passlib writes `.` for
/// `+`, and Django stores the salt as it is and pads the hash. Numbers are plain decimals and parameters come in
/// the order shown, so that one hash has one spelling.
///
/// `$2x$`, what a faulty bcrypt of before 2011 produced, is refused: it ignores parts of passwords that are not
/// ASCII.
///
/// # bcrypt and long passwords
///
/// bcrypt reads 72 bytes. A longer password never matches here, though the system that the hash came from may have
/// looked at its beginning alone: its owner resets it. A NUL is a byte like any other and ends nothing.
///
/// # Foreign hashes and Unicode
///
/// A [`Password`](super::Password) is in NFC, which is what nearly every keyboard sends. A foreign hash of a password
/// that was typed in another form and never normalised does not match.
///
/// The string is a secret: `Debug` shows the scheme only. A clone is cheap.
/// Cheap to clone.
#[derive(Clone)]
pub struct PasswordPhc(Arc<Stored>);

struct Stored {
    text: Box<str>,
    parsed: Parsed,
}

enum Parsed {
    Argon2(Argon2Hash),
    Bcrypt(BcryptHash),
    Scrypt(ScryptHash),
    Pbkdf2(Pbkdf2Hash),
    FirebaseScrypt(FirebaseHash),
}

/// The hashing scheme of a [`PasswordPhc`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Argon2id, of any version and parameters.
    Argon2id,
    /// Argon2i.
    Argon2i,
    /// Argon2d.
    Argon2d,
    /// bcrypt.
    Bcrypt,
    /// scrypt.
    Scrypt,
    /// PBKDF2 with HMAC-SHA-1, HMAC-SHA-256 or HMAC-SHA-512.
    Pbkdf2,
    /// Firebase's variant of scrypt.
    FirebaseScrypt,
}

impl PasswordPhc {
    /// The longest string accepted, in bytes.
    pub const MAX_LENGTH: usize = 512;

    /// Parses a stored or imported hash.
    ///
    /// # Errors
    /// A [`PhcError`]. It does not repeat any of the string.
    pub fn parse(text: &str) -> Result<Self, PhcError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(PhcError::TooLong);
        }
        let parsed = match text
            .strip_prefix('$')
            .and_then(|rest| rest.split('$').next())
        {
            Some("argon2id" | "argon2i" | "argon2d") => Parsed::Argon2(Argon2Hash::parse(text)?),
            Some("2a" | "2b" | "2y") => Parsed::Bcrypt(BcryptHash::parse(text)?),
            Some("2" | "2x") => return Err(PhcError::UnsupportedVersion),
            Some("scrypt") => Parsed::Scrypt(ScryptHash::parse(text)?),
            Some("pbkdf2" | "pbkdf2-sha1" | "pbkdf2-sha256" | "pbkdf2-sha512") => {
                Parsed::Pbkdf2(Pbkdf2Hash::parse(text)?)
            }
            Some("firebase-scrypt") => Parsed::FirebaseScrypt(FirebaseHash::parse(text)?),
            None if text.starts_with("pbkdf2_") => Parsed::Pbkdf2(Pbkdf2Hash::parse_django(text)?),
            _ => return Err(PhcError::UnknownScheme),
        };
        Ok(Self::new(text.into(), parsed))
    }

    /// The string to store.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The scheme that made it.
    pub fn scheme(&self) -> Scheme {
        match &self.0.parsed {
            Parsed::Argon2(hash) => hash.scheme(),
            Parsed::Bcrypt(_) => Scheme::Bcrypt,
            Parsed::Scrypt(_) => Scheme::Scrypt,
            Parsed::Pbkdf2(_) => Scheme::Pbkdf2,
            Parsed::FirebaseScrypt(_) => Scheme::FirebaseScrypt,
        }
    }

    pub(super) fn from_argon2(hash: Argon2Hash) -> Self {
        Self::new(hash.to_string().into(), Parsed::Argon2(hash))
    }

    fn new(text: Box<str>, parsed: Parsed) -> Self {
        Self(Arc::new(Stored { text, parsed }))
    }

    /// What checking a password against it takes, in KiB.
    pub(super) fn memory_kib(&self) -> u32 {
        match &self.0.parsed {
            Parsed::Argon2(hash) => hash.memory_kib(),
            Parsed::Bcrypt(_) => 4,
            Parsed::Scrypt(hash) => hash.memory_kib(),
            Parsed::Pbkdf2(_) => 0,
            Parsed::FirebaseScrypt(hash) => hash.memory_kib(),
        }
    }

    /// The name of the project key without which it can't be checked.
    pub(super) fn foreign_key(&self) -> Option<&str> {
        match &self.0.parsed {
            Parsed::FirebaseScrypt(hash) => Some(hash.key()),
            _ => None,
        }
    }

    /// Whether it is anything but what `target` would make today.
    pub(super) fn needs_rehash(&self, target: Argon2Params) -> bool {
        !matches!(&self.0.parsed, Parsed::Argon2(hash) if hash.is_current(target))
    }

    pub(super) fn matches(
        &self,
        password: &[u8],
        memory: &mut Memory,
        keys: &ForeignHashKeys,
    ) -> Result<bool, HashError> {
        match &self.0.parsed {
            Parsed::Argon2(hash) => hash.matches(password, memory),
            Parsed::Bcrypt(hash) => Ok(hash.matches(password)),
            Parsed::Scrypt(hash) => hash.matches(password),
            Parsed::Pbkdf2(hash) => Ok(hash.matches(password)),
            Parsed::FirebaseScrypt(hash) => hash.matches(password, keys),
        }
    }
}

impl FromStr for PasswordPhc {
    type Err = PhcError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The string, for the store.
impl Serialize for PasswordPhc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text)
    }
}

/// As [`PasswordPhc::parse`].
impl<'de> Deserialize<'de> for PasswordPhc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl PartialEq for PasswordPhc {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for PasswordPhc {}

impl fmt::Debug for PasswordPhc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordPhc({:?}, redacted)", self.scheme())
    }
}

/// Why a string is no [`PasswordPhc`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhcError {
    /// Longer than [`PasswordPhc::MAX_LENGTH`].
    #[error("a password hash has at most {} bytes", PasswordPhc::MAX_LENGTH)]
    TooLong,
    /// The string does not begin like any supported scheme.
    #[error("the password hash is of no supported scheme")]
    UnknownScheme,
    /// A version of the scheme that is not supported.
    #[error("the password hash is of an unsupported version of its scheme")]
    UnsupportedVersion,
    /// Fields are missing, too many or in the wrong order.
    #[error("the password hash does not have the fields of its scheme")]
    Malformed,
    /// A parameter is missing, misspelt or outside of what the scheme defines.
    #[error("parameter `{name}` of the password hash is missing or invalid")]
    Parameter {
        /// The parameter.
        name: &'static str,
    },
    /// Salt or hash are not the base64 that the scheme uses.
    #[error("salt or hash are not in the encoding of the scheme")]
    Encoding,
    /// The salt is shorter or longer than accepted.
    #[error("the salt has an unsupported length")]
    SaltLength,
    /// The hash is shorter than 16 or longer than 128 bytes.
    #[error("the hash has an unsupported length")]
    HashLength,
    /// Checking a password against it would take too much memory or time.
    #[error("the password hash is too expensive to check")]
    TooExpensive,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STORED: [&str; 9] = [
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2i$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs",
        "$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm",
        "$scrypt$ln=10,r=8,p=1$e6+1tlaKUWptLSWE8L6XUg$pobPwXU10cO85o6LSfMP7Lm6sf/69SHuA4mqy3z3J0I",
        "$pbkdf2-sha256$i=10,l=32$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$pbkdf2-sha256$3000$H.Nca43xfm9t7X1PaY3RGg$KDDItYGjrTPre7XL6rVUOaniwjhMbmHMSLUJmlO6G1Q",
        "$pbkdf2$3000$IKTUujdmjBEi5DynVMrZmw$O36N4S.c8TNzORL2qx92Qp00x80",
        "pbkdf2_sha256$10000$SeasaltSeasalt22charss$r4hbVKOtW2KpSoFmOuo9zC5XAmPuIxWA01aNHfmQBRY=",
        "$firebase-scrypt$ln=14,r=8,ss=Bw,k=main$42xEC+ixf3L2lw$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ];

    #[test]
    fn the_string_is_kept_as_it_was() {
        for text in STORED {
            let parsed = PasswordPhc::parse(text).unwrap();
            assert_eq!(parsed.as_str(), text);
            let json = serde_json::to_string(&parsed).unwrap();
            assert_eq!(serde_json::from_str::<PasswordPhc>(&json).unwrap(), parsed);
        }
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in [
            "",
            "$",
            "$$",
            "hunter2",
            "$1$salt$hash",
            "$6$salt$hash",
            "d41d8cd98f00b204e9800998ecf8427e",
        ] {
            assert_eq!(
                PasswordPhc::parse(text).unwrap_err(),
                PhcError::UnknownScheme,
                "{text:?}"
            );
        }
        assert_eq!(
            PasswordPhc::parse("$argon2id").unwrap_err(),
            PhcError::Malformed
        );
        assert_eq!(
            PasswordPhc::parse(&"$".repeat(513)).unwrap_err(),
            PhcError::TooLong
        );
        assert!(serde_json::from_str::<PasswordPhc>("\"$\"").is_err());
    }

    #[test]
    fn debug_output_shows_the_scheme_only() {
        let parsed = PasswordPhc::parse(STORED[8]).unwrap();
        assert_eq!(
            format!("{parsed:?}"),
            "PasswordPhc(FirebaseScrypt, redacted)"
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,600}") {
            let _ = PasswordPhc::parse(&text);
        }

        #[test]
        fn parsing_something_like_a_hash_never_panics(
            text in r"\$?(argon2id|2b|scrypt|pbkdf2|pbkdf2-sha256|firebase-scrypt|pbkdf2_sha256)(\$[vmtpilnrskB0-9,=/.+-]{0,24}|\$[A-Za-z0-9+/.=é]{0,60}){0,6}"
        ) {
            let _ = PasswordPhc::parse(&text);
        }

        #[test]
        fn a_damaged_hash_is_refused_or_another_hash(
            which in 0..STORED.len(),
            at in any::<prop::sample::Index>(),
            with in any::<char>(),
        ) {
            let original = STORED[which];
            let at = at.index(original.len());
            let damaged = format!("{}{with}{}", &original[..at], &original[at + 1..]);
            if let Ok(parsed) = PasswordPhc::parse(&damaged) {
                prop_assert_eq!(parsed.as_str(), damaged.as_str());
                prop_assert!(parsed.memory_kib() <= 2 * 1024 * 1024);
            }
        }
    }
}
