use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keys::{EncryptionKeys, Purpose};

impl EncryptionKeys {
    /// The token that a form carries so that no other site can submit it: bound to `holder`, a secret of the browser
    /// such as the value of a cookie, which another site can neither read nor set.
    pub fn form_token(&self, holder: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(Purpose::Form, &[holder.as_bytes()]))
    }

    /// Whether `token` is the form token of `holder` under any live key, in constant time.
    pub fn is_form_token(&self, holder: &str, token: &str) -> bool {
        let mut bytes = [0; 32];
        URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) == Ok(32)
            && self.mac_matches(Purpose::Form, &[holder.as_bytes()], &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemRng;

    #[test]
    fn a_form_token_fits_its_holder_only() {
        let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
        let token = keys.form_token("holder");
        assert!(keys.is_form_token("holder", &token));
        assert!(!keys.is_form_token("another", &token));
        assert!(!keys.is_form_token("holder", ""));
        assert!(!keys.is_form_token("holder", &token[1..]));
    }
}
