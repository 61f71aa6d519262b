use std::fmt;
use std::ops::RangeInclusive;

use aws_lc_rs::hmac;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::environment::{Rng, RngError, Timestamp};
use crate::secret::Sealed;

/// An authenticator app, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totp {
    /// The shared secret, sealed for the credential's id.
    pub secret: Sealed,
    /// When a code first proved that the app has the secret. Until then it counts for nothing.
    pub confirmed_at: Option<Timestamp>,
    /// The latest time step whose code was accepted: neither it nor an earlier one is accepted again.
    pub last_step: Option<u64>,
}

/// The secret that an authenticator app shares (RFC 6238 with SHA-1, six digits, 30 seconds: what every app can do).
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<[u8; TotpSecret::LEN]>);

/// How many seconds a time step has.
const PERIOD: u64 = 30;
const DIGITS: usize = 6;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// What RFC 3986 leaves as it is, so that a URI reads well.
const URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl TotpSecret {
    /// Bytes of a secret: the length of the hash (RFC 4226, section 4, R6).
    pub const LEN: usize = 20;

    /// A fresh random secret.
    pub fn generate(rng: &dyn Rng) -> Result<Self, RngError> {
        let mut bytes = Zeroizing::new([0; Self::LEN]);
        rng.fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// The secret with these bytes; `None` unless there are [`LEN`](Self::LEN).
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; Self::LEN] = bytes.try_into().ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }

    /// The bytes, to be sealed.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// What somebody types into an app that can't read the QR code (RFC 4648, base 32 without padding).
    pub fn base32(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(Self::LEN * 8 / 5));
        for chunk in self.0.chunks_exact(5) {
            let bits = chunk
                .iter()
                .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for place in (0..8).rev() {
                let index = usize::try_from(bits >> (place * 5) & 0x1f).unwrap_or(0);
                text.push(BASE32.get(index).map_or('A', |byte| char::from(*byte)));
            }
        }
        text
    }

    /// The secret that [`base32`](Self::base32) shows, spaces and case aside; `None` if it is none of this length.
    pub fn from_base32(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(Self::LEN));
        let (mut bits, mut count) = (0_u32, 0);
        for letter in text.bytes().filter(|letter| *letter != b' ') {
            let letter = letter.to_ascii_uppercase();
            let digit = BASE32.iter().position(|known| *known == letter)?;
            bits = bits << 5 | u32::try_from(digit).ok()?;
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            }
        }
        Self::from_bytes(&bytes)
    }

    /// The URI that a QR code holds (Key Uri Format). `account` is what the person sees in the app beside the issuer.
    pub fn uri(&self, issuer: &str, account: &str) -> Zeroizing<String> {
        // A colon separates the two in the label.
        let issuer = issuer.replace(':', " ");
        let encode = |text| utf8_percent_encode(text, URI_COMPONENT);
        Zeroizing::new(format!(
            "otpauth://totp/{}:{}?secret={}&issuer={}&algorithm=SHA1&digits={DIGITS}&period={PERIOD}",
            encode(&issuer),
            encode(account),
            *self.base32(),
            encode(&issuer),
        ))
    }

    /// The code of the time step that `now` lies in.
    pub fn code_at(&self, now: Timestamp) -> String {
        self.code(step_of(now))
    }

    /// The time step whose code was typed, among the one of `now` and `window` steps to either side, and only if it comes
    /// after `last_step`. All codes are compared, each in constant time.
    pub fn step_of_code(
        &self,
        code: &str,
        now: Timestamp,
        window: u8,
        last_step: Option<u64>,
    ) -> Option<u64> {
        let mut found = None;
        for step in steps_around(now, window) {
            let right: bool = self.code(step).as_bytes().ct_eq(code.as_bytes()).into();
            if right && last_step.is_none_or(|last| step > last) {
                found = Some(step);
            }
        }
        found
    }

    fn code(&self, step: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &*self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        format!("{:06}", truncated(tag.as_ref()) % 1_000_000)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

fn step_of(now: Timestamp) -> u64 {
    u64::try_from(now.unix_millis()).unwrap_or(0) / 1000 / PERIOD
}

fn steps_around(now: Timestamp, window: u8) -> RangeInclusive<u64> {
    let (step, window) = (step_of(now), u64::from(window));
    step.saturating_sub(window)..=step.saturating_add(window)
}

/// The 31 bits that the last nibble points at (RFC 4226, section 5.3).
fn truncated(tag: &[u8]) -> u32 {
    let offset = tag.last().map_or(0, |last| usize::from(last & 0x0f));
    tag.get(offset..offset + 4)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_be_bytes)
        & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    #[test]
    fn a_code_is_accepted_within_the_window_and_only_once() {
        let secret = secret();
        let at = |seconds| Timestamp::from_unix_seconds(seconds);
        let code = secret.code_at(at(1_111_111_109));
        let step = secret
            .step_of_code(&code, at(1_111_111_109), 1, None)
            .unwrap();
        for (now, window, found) in [
            (1_111_111_109 + 30, 1, true),
            (1_111_111_109 - 30, 1, true),
            (1_111_111_109 + 60, 1, false),
            (1_111_111_109 + 30, 0, false),
        ] {
            let result = secret.step_of_code(&code, at(now), window, None);
            assert_eq!(result.is_some(), found, "{now} {window}");
        }
        assert_eq!(
            secret.step_of_code(&code, at(1_111_111_109), 1, Some(step)),
            None
        );
        assert_eq!(
            secret.step_of_code(&code, at(1_111_111_109), 1, Some(step + 1)),
            None
        );
        for nonsense in ["", "12345", "1234567", "１２３４５６"] {
            assert_eq!(secret.step_of_code(nonsense, at(59), 1, None), None);
        }
    }

    #[test]
    fn what_is_typed_into_an_app_is_read_back() {
        let shown = secret().base32();
        assert_eq!(*shown, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let typed = "gezd gnbv gy3t qojq GEZD GNBV GY3T QOJQ";
        let read = TotpSecret::from_base32(typed).unwrap();
        assert_eq!(read.as_bytes(), secret().as_bytes());
        for wrong in [
            "",
            "GEZDGNBV",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1",
            &"A".repeat(1000),
        ] {
            assert!(TotpSecret::from_base32(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_uri_names_issuer_and_account_and_nothing_breaks_out_of_it() {
        let uri = secret().uri("Acme: Co & Sons", "ada+x@example.com");
        assert_eq!(
            *uri,
            "otpauth://totp/Acme%20%20Co%20%26%20Sons:ada%2Bx%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Acme%20%20Co%20%26%20Sons&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(format!("{:?}", secret()), "TotpSecret(..)");
    }
}
