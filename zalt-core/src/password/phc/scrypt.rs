use ::scrypt::Params;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{PhcError, Scheme, fields, limits};
use crate::password::HashError;

/// scrypt (RFC 7914).
#[derive(Clone)]
pub(super) struct ScryptHash {
    params: Params,
    salt: Box<[u8]>,
    hash: Box<[u8]>,
}

impl ScryptHash {
    pub(super) fn parse(text: &str) -> Result<Self, PhcError> {
        let ["", _, params, salt, hash] = fields::split(text)? else {
            return Err(PhcError::Malformed);
        };
        let [ln, r, p] = fields::named(params, ["ln", "r", "p"])?;
        Ok(Self {
            params: affordable(
                fields::decimal(ln, "ln")?,
                fields::decimal(r, "r")?,
                fields::decimal(p, "p")?,
            )?,
            salt: fields::salt(fields::base64(salt)?, 1)?,
            hash: fields::hash(fields::base64(hash)?)?,
        })
    }

    pub(super) fn matches(&self, password: &[u8]) -> Result<bool, HashError> {
        let mut derived = Zeroizing::new(vec![0; self.hash.len()]);
        ::scrypt::scrypt(password, &self.salt, &self.params, &mut derived).map_err(|_| {
            HashError::Primitive {
                scheme: Scheme::Scrypt,
            }
        })?;
        Ok(derived.ct_eq(&self.hash).into())
    }

    pub(super) fn memory_kib(&self) -> u32 {
        memory_kib(self.params)
    }
}

/// What scrypt keeps in memory: a table of N·r blocks and p·r blocks of state, 128 bytes each.
pub(super) fn memory_kib(params: Params) -> u32 {
    let rows = params.n().saturating_add(u64::from(params.p()));
    let bytes = rows
        .saturating_mul(u64::from(params.r()))
        .saturating_mul(128);
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// Parameters that are defined and that we are ready to compute.
pub(super) fn affordable(log_n: u32, r: u32, p: u32) -> Result<Params, PhcError> {
    for (name, value) in [("ln", log_n), ("r", r), ("p", p)] {
        if value == 0 {
            return Err(PhcError::Parameter { name });
        }
    }
    let n = 1u64.checked_shl(log_n).ok_or(PhcError::TooExpensive)?;
    let blocks = n.saturating_mul(u64::from(r)).saturating_mul(u64::from(p));
    if blocks > limits::SCRYPT_BLOCKS {
        return Err(PhcError::TooExpensive);
    }
    let log_n = u8::try_from(log_n).map_err(|_| PhcError::TooExpensive)?;
    Params::new(log_n, r, p).map_err(|_| PhcError::Parameter { name: "ln" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_bounded() {
        assert!(affordable(20, 8, 1).is_ok());
        assert!(affordable(17, 8, 1).is_ok());
        for (log_n, r, p) in [
            (21, 8, 1),
            (20, 8, 2),
            (64, 1, 1),
            (u32::MAX, 1, 1),
            (1, u32::MAX, u32::MAX),
        ] {
            assert_eq!(
                affordable(log_n, r, p),
                Err(PhcError::TooExpensive),
                "{log_n},{r},{p}"
            );
        }
        assert_eq!(affordable(0, 8, 1), Err(PhcError::Parameter { name: "ln" }));
        assert_eq!(affordable(14, 0, 1), Err(PhcError::Parameter { name: "r" }));
        assert_eq!(affordable(14, 8, 0), Err(PhcError::Parameter { name: "p" }));
    }

    #[test]
    fn memory_counts_the_table_and_the_state() {
        assert_eq!(memory_kib(affordable(17, 8, 1).unwrap()), 128 * 1024 + 1);
        assert_eq!(memory_kib(affordable(14, 8, 10).unwrap()), 16 * 1024 + 10);
        // Next to no table, but half a gigabyte of state.
        assert_eq!(
            memory_kib(affordable(1, 1, 4 * 1024 * 1024).unwrap()),
            512 * 1024 + 1
        );
    }
}
