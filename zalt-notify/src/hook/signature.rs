use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The secret that a hook signs with and its service verifies with.
///
/// `Debug` never shows it.
#[derive(Clone)]
pub struct HookSecret(hmac::Key);

/// Why a text is not a [`HookSecret`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HookSecretError {
    /// Not `whsec_` and Base64.
    #[error(
        "the hook's secret is whsec_ and Base64, such as made by: echo whsec_$(openssl rand -base64 32)"
    )]
    Format,
    /// Fewer than 24 or more than 64 bytes, which is what Standard Webhooks asks for.
    #[error("the hook's secret must be of 24 to 64 random bytes")]
    Length,
}

impl HookSecret {
    /// Reads `whsec_` and Base64.
    ///
    /// # Errors
    /// [`HookSecretError`].
    pub fn parse(text: &str) -> Result<Self, HookSecretError> {
        let encoded = text
            .trim()
            .strip_prefix("whsec_")
            .ok_or(HookSecretError::Format)?;
        let bytes = STANDARD
            .decode(encoded)
            .map(Zeroizing::new)
            .map_err(|_| HookSecretError::Format)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(HookSecretError::Length);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The signature as the header `webhook-signature` has it: over id, timestamp and body, joined by dots.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(id.as_bytes());
        context.update(b".");
        context.update(timestamp.to_string().as_bytes());
        context.update(b".");
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

impl fmt::Debug for HookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answer_of_standard_webhooks_comes_out() {
        let secret = HookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(
            secret.sign(
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                br#"{"test": 2432232314}"#
            ),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_eq!(format!("{secret:?}"), "HookSecret(..)");
    }

    #[test]
    fn a_weak_or_garbled_secret_is_refused() {
        for (text, error) in [
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", HookSecretError::Format),
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
                HookSecretError::Format,
            ),
            ("whsec_c2hvcnQ=", HookSecretError::Length),
            ("whsec_", HookSecretError::Length),
        ] {
            assert_eq!(HookSecret::parse(text).unwrap_err(), error, "{text}");
        }
    }
}
