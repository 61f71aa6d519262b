use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use zeroize::Zeroizing;

use super::phc::is_key_name;

/// The secrets that some foreign hashes need beside the stored string, given to the pool when it is built.
///
/// Firebase encrypts a project-wide signer key with what scrypt derives from the password. That key is a secret of
/// the whole project: it belongs with the configuration, and a stored hash only names it.
#[derive(Clone, Default)]
pub struct ForeignHashKeys {
    firebase: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

impl ForeignHashKeys {
    /// Adds the signer key (`base64_signer_key` in the Firebase console) of one project under `name`, which is what
    /// [`FirebaseScrypt::key`](super::FirebaseScrypt::key) refers to. A later key of the same name replaces it.
    ///
    /// # Errors
    /// A [`ForeignHashKeyError`] if the name has other characters than `a` to `z`, `0` to `9` and `-` or more than
    /// 32 of them, or if the key is no base64 of 16 to 128 bytes.
    pub fn with_firebase(
        mut self,
        name: &str,
        signer_key: &str,
    ) -> Result<Self, ForeignHashKeyError> {
        if !is_key_name(name) {
            return Err(ForeignHashKeyError::Name);
        }
        let key = STANDARD_PAD_INDIFFERENT
            .decode(signer_key)
            .map(Zeroizing::new)
            .map_err(|_| ForeignHashKeyError::Encoding)?;
        if !(16..=128).contains(&key.len()) {
            return Err(ForeignHashKeyError::Length);
        }
        self.firebase.insert(name.to_owned(), key);
        Ok(self)
    }

    pub(super) fn firebase(&self, name: &str) -> Option<&[u8]> {
        self.firebase.get(name).map(|key| key.as_slice())
    }
}

/// Names only.
impl fmt::Debug for ForeignHashKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignHashKeys")
            .field("firebase", &self.firebase.keys())
            .finish()
    }
}

/// Why a key for foreign hashes was refused. Does not repeat the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignHashKeyError {
    /// The name has characters that a stored hash can't carry.
    #[error("the name of a signer key must be 1 to 32 characters of a to z, 0 to 9 and -")]
    Name,
    /// The key is not base64.
    #[error("the signer key must be standard base64, as the Firebase console shows it")]
    Encoding,
    /// The key is too short or too long to be one.
    #[error("the signer key must have 16 to 128 bytes")]
    Length,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_are_checked() {
        let key = "A".repeat(64);
        let keys = ForeignHashKeys::default();
        for name in ["", "Main", "a,b", "a$b", "a=b", &"a".repeat(33)] {
            assert_eq!(
                keys.clone().with_firebase(name, &key).unwrap_err(),
                ForeignHashKeyError::Name
            );
        }
        assert_eq!(
            keys.clone()
                .with_firebase("main", "no base64!")
                .unwrap_err(),
            ForeignHashKeyError::Encoding
        );
        assert_eq!(
            keys.clone().with_firebase("main", "AAAA").unwrap_err(),
            ForeignHashKeyError::Length
        );
        assert!(keys.with_firebase("main-1", &key).is_ok());
    }

    #[test]
    fn debug_output_names_keys_without_showing_them() {
        let keys = ForeignHashKeys::default()
            .with_firebase("main", &"QUJD".repeat(16))
            .unwrap();
        assert_eq!(
            format!("{keys:?}"),
            r#"ForeignHashKeys { firebase: ["main"] }"#
        );
    }
}
