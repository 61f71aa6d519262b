//! What Apple does its own way: the client's secret is a token that the client signs, and the name of a person comes once,
//! unsigned, beside the code.

use std::time::Duration;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use zalt_core::Timestamp;
use zalt_core::connection::{ConnectionSettings, ProviderError, ProviderIdentity, SettingsProblem};
use zalt_core::jwt::{NumericDate, SigningAlgorithm, SigningKey, TokenType};
use zalt_core::secret::SecretText;

use crate::preset::plain_text;

const AUDIENCE: &str = "https://appleid.apple.com";

/// Each is made for one request.
const LIFETIME: Duration = Duration::from_mins(5);

/// Apple's names have two parts; what is longer is nobody's.
const MAX_USER_JSON_BYTES: usize = 4096;

/// The key that the settings hold: a private key of P-256 as Apple hands it out (a `.p8` file).
pub(crate) fn key(settings: &ConnectionSettings) -> Result<SigningKey, SettingsProblem> {
    let problem = || {
        SettingsProblem::new(
            "client_secret",
            "the private key of Apple (the text of the .p8 file)",
        )
    };
    let pem = settings.client_secret.as_ref().ok_or_else(problem)?;
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| problem())?;
    SigningKey::from_private_key(SigningAlgorithm::Es256, der.secret_pkcs8_der())
        .and_then(|key| key.with_kid(option(settings, "key_id")))
        .map_err(|_| problem())
}

/// A secret for one request.
pub(crate) fn client_secret(
    settings: &ConnectionSettings,
    now: Timestamp,
) -> Result<SecretText, ProviderError> {
    #[derive(Serialize)]
    struct Claims<'a> {
        iss: &'a str,
        iat: NumericDate,
        exp: NumericDate,
        aud: &'a str,
        sub: &'a str,
    }
    let claims = Claims {
        iss: option(settings, "team_id"),
        iat: now.into(),
        exp: (now + LIFETIME).into(),
        aud: AUDIENCE,
        sub: &settings.client_id,
    };
    let signed = key(settings)?.sign(TokenType::JWT, &claims).map_err(|_| {
        SettingsProblem::new(
            "client_secret",
            "nothing can be signed with this private key",
        )
    })?;
    Ok(signed.into())
}

/// Takes the name from what the browser posted. Nobody signed it, so nothing but the name is taken, and only for want of one.
pub(crate) fn take_name(identity: &mut ProviderIdentity, user_json: &str) {
    #[derive(Deserialize)]
    struct User {
        name: Option<Name>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Name {
        first_name: Option<String>,
        last_name: Option<String>,
    }
    if user_json.len() > MAX_USER_JSON_BYTES {
        return;
    }
    let Ok(User { name: Some(name) }) = serde_json::from_str(user_json) else {
        return;
    };
    let plain = |part: Option<String>| part.as_deref().and_then(plain_text);
    let (given, family) = (plain(name.first_name), plain(name.last_name));
    if identity.name.is_none() {
        let parts: Vec<&str> = [&given, &family]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        identity.name = plain_text(&parts.join(" "));
    }
    identity.given_name = identity.given_name.take().or(given);
    identity.family_name = identity.family_name.take().or(family);
}

fn option<'a>(settings: &'a ConnectionSettings, name: &str) -> &'a str {
    settings.options.get(name).map_or("", String::as_str)
}
