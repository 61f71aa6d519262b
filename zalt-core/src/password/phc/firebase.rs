use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, STANDARD_PAD_INDIFFERENT};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{PasswordPhc, PhcError, Scheme, fields, scrypt};
use crate::password::{ForeignHashKeys, HashError};

/// The parameters of a Firebase project's password hashes, as the console shows them, for importing its users.
///
/// Firebase has no spelling of its own for a stored hash, so this is ours:
/// `$firebase-scrypt$ln=<mem_cost>,r=<rounds>,ss=<salt separator>,k=<key name>$<salt>$<hash>`, with everything
/// binary in base64 without padding. The project's signer key is not part of it: `k` names one of the
/// [`ForeignHashKeys`] that the pool was given.
///
/// ```
/// use zalt_core::password::FirebaseScrypt;
///
/// let project = FirebaseScrypt { key: "main", rounds: 8, mem_cost: 14, salt_separator: "Bw==" };
/// let stored = project.import(
///     "42xEC+ixf3L2lw==",
///     "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
/// )?;
/// assert!(stored.as_str().starts_with("$firebase-scrypt$ln=14,r=8,ss=Bw,k=main$42xEC+ixf3L2lw$lSrf"));
/// # Ok::<(), zalt_core::password::PhcError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the parameters are Firebase's and complete"
)]
pub struct FirebaseScrypt<'a> {
    /// The name under which [`ForeignHashKeys`] holds the project's signer key.
    pub key: &'a str,
    /// `rounds`, 1 to 8.
    pub rounds: u32,
    /// `mem_cost`, 1 to 14.
    pub mem_cost: u32,
    /// `base64_salt_separator`.
    pub salt_separator: &'a str,
}

impl FirebaseScrypt<'_> {
    /// The stored form of one exported user's `salt` and `passwordHash`, in base64 with or without padding.
    ///
    /// # Errors
    /// A [`PhcError`], as from [`PasswordPhc::parse`].
    pub fn import(self, salt: &str, hash: &str) -> Result<PasswordPhc, PhcError> {
        let unpadded = |text: &str| {
            fields::base64_with(&STANDARD_PAD_INDIFFERENT, text)
                .map(|bytes| STANDARD_NO_PAD.encode(bytes))
        };
        PasswordPhc::parse(&format!(
            "$firebase-scrypt$ln={},r={},ss={},k={}${}${}",
            self.mem_cost,
            self.rounds,
            unpadded(self.salt_separator)?,
            self.key,
            unpadded(salt)?,
            unpadded(hash)?,
        ))
    }
}

/// The project's signer key, encrypted under what scrypt makes of the password.
#[derive(Clone)]
pub(super) struct FirebaseHash {
    params: ::scrypt::Params,
    /// The user's salt with the project's separator behind it.
    salt: Box<[u8]>,
    key: Box<str>,
    hash: Box<[u8]>,
}

impl FirebaseHash {
    pub(super) fn parse(text: &str) -> Result<Self, PhcError> {
        let ["", _, params, salt, hash] = fields::split(text)? else {
            return Err(PhcError::Malformed);
        };
        let [mem_cost, rounds, separator, key] = fields::named(params, ["ln", "r", "ss", "k"])?;
        let mem_cost = in_range(mem_cost, 14, "ln")?;
        let rounds = in_range(rounds, 8, "r")?;
        if !is_key_name(key) {
            return Err(PhcError::Parameter { name: "k" });
        }
        let salt = fields::salt(fields::base64(salt)?, 1)?;
        Ok(Self {
            params: scrypt::affordable(mem_cost, rounds, 1)?,
            salt: fields::salt([salt, fields::base64(separator)?].concat().into(), 1)?,
            key: key.into(),
            hash: fields::hash(fields::base64(hash)?)?,
        })
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn memory_kib(&self) -> u32 {
        scrypt::memory_kib(self.params)
    }

    pub(super) fn matches(
        &self,
        password: &[u8],
        keys: &ForeignHashKeys,
    ) -> Result<bool, HashError> {
        let signer_key = keys.firebase(&self.key).ok_or(HashError::UnknownKey)?;
        let primitive = HashError::Primitive {
            scheme: Scheme::FirebaseScrypt,
        };
        let mut derived = Zeroizing::new([0; 32]);
        ::scrypt::scrypt(password, &self.salt, &self.params, derived.as_mut())
            .map_err(|_| primitive.clone())?;
        // AES-256 in counter mode from zero: each derived key encrypts this one text.
        let cipher = UnboundCipherKey::new(&AES_256, derived.as_ref())
            .and_then(EncryptingKey::ctr)
            .map_err(|_| primitive.clone())?;
        let mut encrypted = Zeroizing::new(signer_key.to_vec());
        cipher
            .less_safe_encrypt(
                &mut encrypted,
                EncryptionContext::Iv128(FixedLength::from([0; 16])),
            )
            .map_err(|_| primitive)?;
        Ok(encrypted.ct_eq(&self.hash).into())
    }
}

/// What can stand between the commas of a stored hash and needs no quoting in a configuration file.
pub(in crate::password) fn is_key_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Firebase defines 1 to `most`.
fn in_range(text: &str, most: u32, name: &'static str) -> Result<u32, PhcError> {
    let value = fields::decimal(text, name)?;
    if (1..=most).contains(&value) {
        Ok(value)
    } else {
        Err(PhcError::Parameter { name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_those_that_firebase_has() {
        let hash = "A".repeat(86);
        let parse = |params: &str| {
            PasswordPhc::parse(&format!("$firebase-scrypt${params}$42xEC+ixf3L2lw${hash}"))
                .map(|_| ())
        };
        assert_eq!(parse("ln=14,r=8,ss=Bw,k=main"), Ok(()));
        assert_eq!(parse("ln=14,r=8,ss=,k=main"), Ok(()));
        assert_eq!(
            parse("ln=15,r=8,ss=Bw,k=main"),
            Err(PhcError::Parameter { name: "ln" })
        );
        assert_eq!(
            parse("ln=0,r=8,ss=Bw,k=main"),
            Err(PhcError::Parameter { name: "ln" })
        );
        assert_eq!(
            parse("ln=14,r=9,ss=Bw,k=main"),
            Err(PhcError::Parameter { name: "r" })
        );
        assert_eq!(
            parse("ln=14,r=8,ss=Bw,k=Main"),
            Err(PhcError::Parameter { name: "k" })
        );
        assert_eq!(
            parse("ln=14,r=8,ss=Bw"),
            Err(PhcError::Parameter { name: "k" })
        );
        assert_eq!(parse("ln=14,r=8,ss=B!,k=main"), Err(PhcError::Encoding));
        let long = "A".repeat(80);
        assert_eq!(
            parse(&format!("ln=14,r=8,ss={long},k=main")),
            Err(PhcError::SaltLength)
        );
    }

    #[test]
    fn a_key_name_cannot_smuggle_fields() {
        let project = FirebaseScrypt {
            key: "a$b",
            rounds: 8,
            mem_cost: 14,
            salt_separator: "Bw==",
        };
        let hash = "A".repeat(88);
        assert_eq!(
            project.import("AAAA", &hash).unwrap_err(),
            PhcError::Malformed
        );
    }
}
