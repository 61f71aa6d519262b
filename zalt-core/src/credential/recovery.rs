use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::environment::{Rng, RngError, Timestamp};
use crate::id::CredentialId;
use crate::secret::{CodeDigest, EncryptionKeys, Purpose};

/// A set of recovery codes, as it is kept. A new set takes the place of the old one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// Each code of the set.
    pub codes: Vec<RecoveryCode>,
}

/// One code of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCode {
    /// HMAC-SHA-256 of the code and its set under a key that is not in the store.
    pub digest: CodeDigest,
    /// When it was used, and so used up.
    pub used_at: Option<Timestamp>,
}

/// Codes of a set.
const CODES: usize = 10;
/// Letters of a code, five bits each: 80 bits are never guessed, and still typed (SP 800-63B-4 asks for 64).
const LETTERS: usize = 16;
/// Crockford's base 32: no letter is taken for another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl RecoveryCodes {
    /// Makes the set of this id, and the codes to show once.
    pub(crate) fn generate(
        id: CredentialId,
        keys: &EncryptionKeys,
        rng: &dyn Rng,
    ) -> Result<(Self, Vec<Zeroizing<String>>), RngError> {
        let mut shown = Vec::with_capacity(CODES);
        let mut codes = Vec::with_capacity(CODES);
        for _ in 0..CODES {
            let mut bytes = Zeroizing::new([0; LETTERS]);
            rng.fill(bytes.as_mut())?;
            let code: Zeroizing<String> = Zeroizing::new(
                bytes
                    .iter()
                    .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
                    .map(|letter| char::from(*letter))
                    .collect(),
            );
            codes.push(RecoveryCode {
                digest: CodeDigest::from_bytes(
                    keys.mac(Purpose::Recovery, &[id.as_bytes(), code.as_bytes()]),
                ),
                used_at: None,
            });
            shown.push(in_groups(&code));
        }
        Ok((Self { codes }, shown))
    }

    /// The set with this code used up; `None` unless it is a code of the set that nobody has used yet. As many digests are
    /// compared whichever code it is.
    pub(crate) fn redeemed(
        &self,
        id: CredentialId,
        keys: &EncryptionKeys,
        typed: &str,
        now: Timestamp,
    ) -> Option<Self> {
        let typed = normalised(typed)?;
        let parts = [id.as_bytes().as_slice(), typed.as_bytes()];
        let mut redeemed = None;
        for (position, code) in self.codes.iter().enumerate() {
            let matches = keys.mac_matches(Purpose::Recovery, &parts, code.digest.as_bytes());
            if matches && code.used_at.is_none() {
                redeemed = Some(position);
            }
        }
        let mut set = self.clone();
        set.codes.get_mut(redeemed?)?.used_at = Some(now);
        Some(set)
    }

    /// How many codes are left.
    pub fn left(&self) -> usize {
        self.codes
            .iter()
            .filter(|code| code.used_at.is_none())
            .count()
    }
}

fn in_groups(code: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(code.len() + 3));
    for (position, letter) in code.chars().enumerate() {
        if position > 0 && position % 4 == 0 {
            text.push('-');
        }
        text.push(letter);
    }
    text
}

/// A code as it was meant: case, spaces, hyphens and letters that look like others don't matter.
fn normalised(typed: &str) -> Option<Zeroizing<String>> {
    let mut code = Zeroizing::new(String::with_capacity(LETTERS));
    for letter in typed.chars().filter(|c| !matches!(c, ' ' | '-')) {
        if code.len() == LETTERS {
            return None;
        }
        let letter = match letter.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        };
        let known = u8::try_from(letter).is_ok_and(|byte| ALPHABET.contains(&byte));
        code.push(known.then_some(letter)?);
    }
    (code.len() == LETTERS).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRng;

    fn keys() -> EncryptionKeys {
        EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap()
    }

    #[test]
    fn each_code_works_once_and_in_its_own_set_only() {
        let keys = keys();
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        let id = CredentialId::mint(now, &SystemRng).unwrap();
        let (mut set, codes) = RecoveryCodes::generate(id, &keys, &SystemRng).unwrap();
        assert_eq!((set.left(), codes.len()), (10, 10));
        let other = CredentialId::mint(now, &SystemRng).unwrap();
        for (used, code) in codes.iter().enumerate() {
            assert_eq!(code.len(), 19);
            assert_eq!(set.redeemed(other, &keys, code, now), None);
            set = set.redeemed(id, &keys, code, now).unwrap();
            assert_eq!(set.left(), 9 - used);
            assert_eq!(set.redeemed(id, &keys, code, now), None);
        }
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = "0123-4567-89ab-cdef";
        for typed in [
            "0123456789ABCDEF",
            " o123 4567 89ab cdef ",
            "0i23-4567-89AB-CDEF",
            "Ol23456789abcdef",
        ] {
            assert_eq!(normalised(typed), normalised(code), "{typed}");
        }
        for wrong in [
            "",
            "0123-4567-89ab-cde",
            "0123-4567-89ab-cdef0",
            "0123-4567-89ab-cdeu",
            "0123-4567-89ab-cdé",
        ] {
            assert_eq!(normalised(wrong), None, "{wrong}");
        }
    }
}
