use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{PhcError, fields, limits};

/// What bcrypt reads of a password, its terminating NUL included when there is room.
const READS: usize = 72;

/// bcrypt's alphabet. The bits that a salt or hash leaves over in its last character were not always zero.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// bcrypt of any version that reads passwords correctly; `2a`, `2b` and `2y` agree for what is accepted here.
#[derive(Clone)]
pub(super) struct BcryptHash {
    cost: u32,
    salt: [u8; 16],
    /// bcrypt computes 24 bytes and stores 23.
    hash: [u8; 23],
}

impl BcryptHash {
    pub(super) fn parse(text: &str) -> Result<Self, PhcError> {
        let ["", _, cost, salt_and_hash] = fields::split(text)? else {
            return Err(PhcError::Malformed);
        };
        // The one number with a leading zero: two digits always.
        if cost.len() != 2 {
            return Err(PhcError::Parameter { name: "cost" });
        }
        let cost = fields::decimal(cost.strip_prefix('0').unwrap_or(cost), "cost")?;
        if !(4..=31).contains(&cost) {
            return Err(PhcError::Parameter { name: "cost" });
        }
        if cost > limits::BCRYPT_COST {
            return Err(PhcError::TooExpensive);
        }
        let (salt, hash) = salt_and_hash
            .split_at_checked(22)
            .ok_or(PhcError::SaltLength)?;
        let salt = fields::base64_with(&BASE64, salt)?;
        let hash = fields::base64_with(&BASE64, hash)?;
        Ok(Self {
            cost,
            salt: salt.as_ref().try_into().map_err(|_| PhcError::SaltLength)?,
            hash: hash.as_ref().try_into().map_err(|_| PhcError::HashLength)?,
        })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut key = Zeroizing::new(password.iter().copied().take(READS).collect::<Vec<u8>>());
        if key.len() < READS {
            key.push(0);
        }
        // Computed even for a password that can't match, so that an answer takes the same time.
        let derived = Zeroizing::new(::bcrypt::bcrypt(self.cost, self.salt, &key));
        let same = derived
            .first_chunk()
            .is_some_and(|stored: &[u8; 23]| stored.ct_eq(&self.hash).into());
        same && password.len() <= READS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::PasswordPhc;

    /// Of "U*U*", from the reference implementation.
    const HASH: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK";

    fn parse(text: &str) -> BcryptHash {
        BcryptHash::parse(text).unwrap()
    }

    #[test]
    fn a_password_is_neither_truncated_nor_cut_at_a_nul() {
        let long = [b'a'; 73];
        let at_the_limit = parse(HASH);
        let of_72 = BcryptHash {
            hash: ::bcrypt::bcrypt(5, at_the_limit.salt, &[b'a'; 72])[..23]
                .try_into()
                .unwrap(),
            ..at_the_limit.clone()
        };
        assert!(of_72.matches(&long[..72]));
        assert!(!of_72.matches(&long));
        assert!(!of_72.matches(&long[..71]));
        let with_nul = BcryptHash {
            hash: ::bcrypt::bcrypt(5, at_the_limit.salt, b"ab\0cd\0")[..23]
                .try_into()
                .unwrap(),
            ..at_the_limit
        };
        assert!(with_nul.matches(b"ab\0cd"));
        assert!(!with_nul.matches(b"ab"));
        assert!(!with_nul.matches(b"ab\0ce"));
        assert!(!parse(HASH).matches(b"U*U*\0"));
        assert!(parse(HASH).matches(b"U*U*"));
    }

    #[test]
    fn what_is_no_bcrypt_is_refused() {
        let refusal = |text: &str| PasswordPhc::parse(text).unwrap_err();
        let tail = "CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK";
        assert_eq!(
            refusal(&format!("$2x$05${tail}")),
            PhcError::UnsupportedVersion
        );
        assert_eq!(
            refusal(&format!("$2$05${tail}")),
            PhcError::UnsupportedVersion
        );
        assert_eq!(refusal(&format!("$2c$05${tail}")), PhcError::UnknownScheme);
        assert_eq!(
            refusal(&format!("$2b$5${tail}")),
            PhcError::Parameter { name: "cost" }
        );
        assert_eq!(
            refusal(&format!("$2b$03${tail}")),
            PhcError::Parameter { name: "cost" }
        );
        assert_eq!(
            refusal(&format!("$2b$00${tail}")),
            PhcError::Parameter { name: "cost" }
        );
        assert_eq!(
            refusal(&format!("$2b$+5${tail}")),
            PhcError::Parameter { name: "cost" }
        );
        assert_eq!(
            refusal(&format!("$2b$32${tail}")),
            PhcError::Parameter { name: "cost" }
        );
        assert_eq!(refusal(&format!("$2b$17${tail}")), PhcError::TooExpensive);
        assert_eq!(refusal("$2b$05$short"), PhcError::SaltLength);
        assert_eq!(
            refusal(&format!("$2b$05${}", &tail[..52])),
            PhcError::HashLength
        );
        assert_eq!(refusal(&format!("$2b$05${tail}C")), PhcError::HashLength);
        assert_eq!(refusal(&format!("$2b$05$ü{tail}")), PhcError::Encoding);
        assert_eq!(refusal("$2b$05"), PhcError::Malformed);
    }

    #[test]
    fn published_vectors_match_byte_for_byte() {
        let file: serde_json::Value = serde_json::from_str(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/password-hash/bcrypt.json"
        )))
        .unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 28);
        for vector in vectors {
            let password = fields::unhex(vector["password_hex"].as_str().unwrap());
            assert!(
                parse(vector["hash"].as_str().unwrap()).matches(&password),
                "{vector}"
            );
            assert!(
                !parse(vector["hash"].as_str().unwrap()).matches(&password[1..]),
                "{vector}"
            );
        }
    }
}
