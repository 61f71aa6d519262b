use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{
    Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512, derive,
};
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{PhcError, fields, limits};

/// PBKDF2 (RFC 8018) with HMAC.
#[derive(Clone)]
pub(super) struct Pbkdf2Hash {
    prf: Prf,
    iterations: NonZeroU32,
    salt: Box<[u8]>,
    hash: Box<[u8]>,
}

#[derive(Clone, Copy)]
enum Prf {
    Sha1,
    Sha256,
    Sha512,
}

impl Pbkdf2Hash {
    /// The spelling of the PHC string format, and passlib's, which has a bare number where PHC has parameters.
    pub(super) fn parse(text: &str) -> Result<Self, PhcError> {
        let ["", id, params, salt, hash] = fields::split(text)? else {
            return Err(PhcError::Malformed);
        };
        let prf = match id {
            "pbkdf2" | "pbkdf2-sha1" => Prf::Sha1,
            "pbkdf2-sha256" => Prf::Sha256,
            "pbkdf2-sha512" => Prf::Sha512,
            _ => return Err(PhcError::UnknownScheme),
        };
        if !params.contains('=') {
            let hash = fields::base64(&hash.replace('.', "+"))?;
            return Self::new(prf, params, fields::base64(&salt.replace('.', "+"))?, hash);
        }
        if id == "pbkdf2" {
            return Err(PhcError::UnknownScheme);
        }
        let hash = fields::base64(hash)?;
        let iterations = if params.contains(',') {
            let [iterations, length] = fields::named(params, ["i", "l"])?;
            let length = fields::decimal(length, "l")?;
            if usize::try_from(length).ok() != Some(hash.len()) {
                return Err(PhcError::Parameter { name: "l" });
            }
            iterations
        } else {
            let [iterations] = fields::named(params, ["i"])?;
            iterations
        };
        Self::new(prf, iterations, fields::base64(salt)?, hash)
    }

    pub(super) fn parse_django(text: &str) -> Result<Self, PhcError> {
        let [id, iterations, salt, hash] = fields::split(text)?;
        let prf = match id {
            "pbkdf2_sha1" => Prf::Sha1,
            "pbkdf2_sha256" => Prf::Sha256,
            _ => return Err(PhcError::UnknownScheme),
        };
        Self::new(
            prf,
            iterations,
            salt.as_bytes().into(),
            fields::base64_with(&STANDARD, hash)?,
        )
    }

    fn new(prf: Prf, iterations: &str, salt: Box<[u8]>, hash: Box<[u8]>) -> Result<Self, PhcError> {
        let iterations = NonZeroU32::new(fields::decimal(iterations, "i")?)
            .ok_or(PhcError::Parameter { name: "i" })?;
        let (salt, hash) = (fields::salt(salt, 1)?, fields::hash(hash)?);
        // Each block of output costs all iterations again.
        let blocks = u64::try_from(hash.len().div_ceil(prf.output_len())).unwrap_or(u64::MAX);
        if u64::from(iterations.get()).saturating_mul(blocks) > limits::PBKDF2_ITERATIONS {
            return Err(PhcError::TooExpensive);
        }
        Ok(Self {
            prf,
            iterations,
            salt,
            hash,
        })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut derived = Zeroizing::new(vec![0; self.hash.len()]);
        derive(
            self.prf.algorithm(),
            self.iterations,
            &self.salt,
            password,
            &mut derived,
        );
        derived.ct_eq(&self.hash).into()
    }
}

impl Prf {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Sha1 => PBKDF2_HMAC_SHA1,
            Self::Sha256 => PBKDF2_HMAC_SHA256,
            Self::Sha512 => PBKDF2_HMAC_SHA512,
        }
    }

    fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::PasswordPhc;

    const SALT: &str = "c2FsdHNhbHQ";
    const HASH: &str = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    #[test]
    fn the_three_spellings_are_told_apart() {
        for text in [
            format!("$pbkdf2-sha256$i=1000${SALT}${HASH}"),
            format!("$pbkdf2-sha256$i=1000,l=32${SALT}${HASH}"),
            format!("$pbkdf2-sha256$1000${SALT}${HASH}"),
            format!("$pbkdf2$1000${SALT}${HASH}"),
            format!("pbkdf2_sha256$1000$saltsalt${HASH}="),
        ] {
            assert!(PasswordPhc::parse(&text).is_ok(), "{text}");
        }
        for (text, refusal) in [
            (
                format!("$pbkdf2-sha256$i=1000,l=31${SALT}${HASH}"),
                PhcError::Parameter { name: "l" },
            ),
            (
                format!("$pbkdf2-sha256$l=32,i=1000${SALT}${HASH}"),
                PhcError::Parameter { name: "i" },
            ),
            (
                format!("$pbkdf2$i=1000${SALT}${HASH}"),
                PhcError::UnknownScheme,
            ),
            (
                format!("$pbkdf2-sha384$1000${SALT}${HASH}"),
                PhcError::UnknownScheme,
            ),
            (
                format!("pbkdf2_md5$1000$saltsalt${HASH}="),
                PhcError::UnknownScheme,
            ),
            (
                format!("pbkdf2_sha256$1000$saltsalt${HASH}"),
                PhcError::Encoding,
            ),
            (format!("pbkdf2_sha256$1000$${HASH}="), PhcError::SaltLength),
            (
                format!("$pbkdf2-sha256$0${SALT}${HASH}"),
                PhcError::Parameter { name: "i" },
            ),
            (format!("$pbkdf2-sha256$1000${SALT}"), PhcError::Malformed),
        ] {
            assert_eq!(PasswordPhc::parse(&text).unwrap_err(), refusal, "{text}");
        }
    }

    #[test]
    fn iterations_are_capped_by_the_work_they_cause() {
        let parse = |iterations: u32, hash: &str| {
            PasswordPhc::parse(&format!("$pbkdf2-sha256$i={iterations}${SALT}${hash}")).map(|_| ())
        };
        assert_eq!(parse(10_000_000, HASH), Ok(()));
        assert_eq!(parse(10_000_001, HASH), Err(PhcError::TooExpensive));
        assert_eq!(parse(u32::MAX, HASH), Err(PhcError::TooExpensive));
        // 33 bytes are two blocks of SHA-256.
        assert_eq!(
            parse(5_000_001, &"A".repeat(44)),
            Err(PhcError::TooExpensive)
        );
    }

    /// Wycheproof's, with passwords that are no text and iterations above what is accepted of a stored hash.
    #[test]
    fn published_vectors_match_byte_for_byte() {
        const SHA1: &str = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/password-hash/pbkdf2_hmacsha1_test.json"
        ));
        const SHA256: &str = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/password-hash/pbkdf2_hmacsha256_test.json"
        ));
        const SHA512: &str = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/password-hash/pbkdf2_hmacsha512_test.json"
        ));
        for (prf, text, count) in [
            (Prf::Sha1, SHA1, 64),
            (Prf::Sha256, SHA256, 60),
            (Prf::Sha512, SHA512, 58),
        ] {
            let file: serde_json::Value = serde_json::from_str(text).unwrap();
            let groups = file["testGroups"].as_array().unwrap();
            let mut tried = 0;
            for test in groups
                .iter()
                .flat_map(|group| group["tests"].as_array().unwrap())
            {
                let bytes = |name: &str| fields::unhex(test[name].as_str().unwrap());
                let iterations = u32::try_from(test["iterationCount"].as_u64().unwrap()).unwrap();
                let hash = Pbkdf2Hash {
                    prf,
                    iterations: NonZeroU32::new(iterations).unwrap(),
                    salt: bytes("salt").into(),
                    hash: bytes("dk").into(),
                };
                assert_eq!(test["result"], "valid");
                assert!(hash.matches(&bytes("password")), "{test}");
                tried += 1;
            }
            assert_eq!(tried, count);
        }
    }
}
