use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{PhcError, Scheme, fields, limits};
use crate::password::pool::Memory;
use crate::password::{Argon2Params, HashError};

/// Bytes of random salt in the hashes that we make.
pub(in crate::password) const SALT_LEN: usize = 16;
/// Bytes of hash in the hashes that we make.
const HASH_LEN: usize = 32;

/// Argon2 in any of its variants (RFC 9106): our own scheme, and what other systems made with it.
#[derive(Clone)]
pub(in crate::password) struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Box<[u8]>,
    hash: Box<[u8]>,
}

impl Argon2Hash {
    pub(super) fn parse(text: &str) -> Result<Self, PhcError> {
        let (version, [algorithm, params, salt, hash]) = match fields::split(text) {
            Ok(["", algorithm, version, params, salt, hash]) => {
                let version = version.strip_prefix("v=").ok_or(PhcError::Malformed)?;
                (
                    fields::decimal(version, "v")?,
                    [algorithm, params, salt, hash],
                )
            }
            _ => match fields::split(text)? {
                // Hashes from before the version was written down.
                ["", algorithm, params, salt, hash] if !params.starts_with("v=") => {
                    (0x10, [algorithm, params, salt, hash])
                }
                _ => return Err(PhcError::Malformed),
            },
        };
        let algorithm = Algorithm::new(algorithm).map_err(|_| PhcError::UnknownScheme)?;
        let version = Version::try_from(version).map_err(|_| PhcError::UnsupportedVersion)?;
        let [m, t, p] = fields::named(params, ["m", "t", "p"])?;
        let (m, t, p) = (
            fields::decimal(m, "m")?,
            fields::decimal(t, "t")?,
            fields::decimal(p, "p")?,
        );
        if p == 0 {
            return Err(PhcError::Parameter { name: "p" });
        }
        if p > limits::ARGON2_LANES || !limits::argon2_affordable(m, t) {
            return Err(PhcError::TooExpensive);
        }
        if m < 8 * p {
            return Err(PhcError::Parameter { name: "m" });
        }
        let salt = fields::salt(fields::base64(salt)?, argon2::MIN_SALT_LEN)?;
        let hash = fields::hash(fields::base64(hash)?)?;
        // What is left to refuse is t = 0.
        let params = Params::new(m, t, p, Some(hash.len()))
            .map_err(|_| PhcError::Parameter { name: "t" })?;
        Ok(Self {
            algorithm,
            version,
            params,
            salt,
            hash,
        })
    }

    /// Hashes a new password as Argon2id.
    pub(in crate::password) fn create(
        target: Argon2Params,
        salt: [u8; SALT_LEN],
        password: &[u8],
        memory: &mut Memory,
    ) -> Result<Self, HashError> {
        let params = Params::new(
            target.memory_kib(),
            target.iterations(),
            target.parallelism(),
            Some(HASH_LEN),
        )
        .map_err(|_| HashError::Primitive {
            scheme: Scheme::Argon2id,
        })?;
        let mut made = Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params,
            salt: Box::new(salt),
            hash: Box::new([0; HASH_LEN]),
        };
        let mut hash = made.hash.clone();
        made.derive(password, memory, &mut hash)?;
        made.hash = hash;
        Ok(made)
    }

    pub(super) fn matches(&self, password: &[u8], memory: &mut Memory) -> Result<bool, HashError> {
        let mut derived = Zeroizing::new(vec![0; self.hash.len()]);
        self.derive(password, memory, &mut derived)?;
        Ok(derived.ct_eq(&self.hash).into())
    }

    pub(super) fn is_current(&self, target: Argon2Params) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.params.m_cost() == target.memory_kib()
            && self.params.t_cost() == target.iterations()
            && self.params.p_cost() == target.parallelism()
            && self.salt.len() >= SALT_LEN
            && self.hash.len() >= HASH_LEN
    }

    pub(super) fn memory_kib(&self) -> u32 {
        self.params.m_cost()
    }

    pub(super) fn scheme(&self) -> Scheme {
        match self.algorithm {
            Algorithm::Argon2d => Scheme::Argon2d,
            Algorithm::Argon2i => Scheme::Argon2i,
            Algorithm::Argon2id => Scheme::Argon2id,
        }
    }

    fn derive(
        &self,
        password: &[u8],
        memory: &mut Memory,
        out: &mut [u8],
    ) -> Result<(), HashError> {
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        memory.with_blocks(self.params.block_count(), |blocks| {
            argon2
                .hash_password_into_with_memory(password, &self.salt, out, blocks)
                .map_err(|_| HashError::Primitive {
                    scheme: self.scheme(),
                })
        })
    }
}

/// The PHC string.
impl fmt::Display for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "${}$v={}$m={},t={},p={}${}${}",
            self.algorithm.as_str(),
            u32::from(self.version),
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.hash),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::PasswordPhc;

    const SALT: &str = "c29tZXNhbHQ";
    const HASH: &str = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    fn refusal(head: &str) -> PhcError {
        PasswordPhc::parse(&format!("{head}${SALT}${HASH}")).unwrap_err()
    }

    #[test]
    fn parameters_are_checked_one_by_one() {
        assert_eq!(
            refusal("$argon2id$v=19$m=7,t=1,p=1"),
            PhcError::Parameter { name: "m" }
        );
        assert_eq!(
            refusal("$argon2id$v=19$m=15,t=1,p=2"),
            PhcError::Parameter { name: "m" }
        );
        assert_eq!(
            refusal("$argon2id$v=19$m=64,t=0,p=1"),
            PhcError::Parameter { name: "t" }
        );
        assert_eq!(
            refusal("$argon2id$v=19$m=64,t=1,p=0"),
            PhcError::Parameter { name: "p" }
        );
        assert_eq!(
            refusal("$argon2id$v=19$t=1,m=64,p=1"),
            PhcError::Parameter { name: "m" }
        );
        assert_eq!(
            refusal("$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA"),
            PhcError::Malformed
        );
        assert_eq!(
            refusal("$argon2id$v=20$m=64,t=1,p=1"),
            PhcError::UnsupportedVersion
        );
        assert_eq!(
            refusal("$argon2id$v=x$m=64,t=1,p=1"),
            PhcError::Parameter { name: "v" }
        );
        assert_eq!(
            refusal("$argon2x$v=19$m=64,t=1,p=1"),
            PhcError::UnknownScheme
        );
    }

    #[test]
    fn what_costs_too_much_is_refused_before_it_is_computed() {
        for params in [
            "m=1048577,t=1,p=1",
            "m=1048576,t=5,p=1",
            "m=8,t=4294967295,p=1",
            "m=4096,t=1,p=65",
        ] {
            assert_eq!(
                refusal(&format!("$argon2id$v=19${params}")),
                PhcError::TooExpensive,
                "{params}"
            );
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let parse = |salt: &str, hash: &str| {
            PasswordPhc::parse(&format!("$argon2id$v=19$m=64,t=1,p=1${salt}${hash}")).unwrap_err()
        };
        assert_eq!(parse("c29tZQ", HASH), PhcError::SaltLength);
        assert_eq!(parse(&"A".repeat(88), HASH), PhcError::SaltLength);
        assert_eq!(parse(SALT, "AAAA"), PhcError::HashLength);
        assert_eq!(parse(SALT, &"A".repeat(172)), PhcError::HashLength);
        assert_eq!(parse(SALT, "="), PhcError::Encoding);
        assert_eq!(parse("c29tZXNhbHR", HASH), PhcError::Encoding);
        assert_eq!(parse(SALT, &"A".repeat(512)), PhcError::TooLong);
    }
}
