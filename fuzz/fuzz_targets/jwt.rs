//! `zalt_core::jwt::verify`: nothing is accepted that does not say what it has to say.
//!
//! The whole input is read as a token. An input of two lines is also a header and a payload of any
//! shape that get a true signature, or else no input would ever come past that check.

#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use zalt_core::Timestamp;
use zalt_core::jwt::{Expected, JwtError, KeyRing, VerifyingKey, verify};

const ISSUER: &str = "https://a.example";
const AUDIENCE: &str = "https://b.example";
const NOW: i64 = 1_700_000_000;
/// The leeway, and one second for fractions that are cut off.
const TOLERANCE: f64 = 31.0;
const SECRET: &[u8; 32] = b"the secret of a fuzz target only";
const KID: &str = "k";

static KEYS: LazyLock<KeyRing> = LazyLock::new(|| {
    let mut ring = KeyRing::new();
    let key = VerifyingKey::from_shared_secret(SECRET).expect("the secret is long enough");
    ring.insert(KID, key).expect("the ring was empty");
    ring
});

fuzz_target!(|data: &[u8]| {
    if let Ok(token) = std::str::from_utf8(data) {
        let _ = read(token);
    }
    let Some(at) = data.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (header, payload) = (&data[..at], &data[at + 1..]);
    let Ok(claims) = read(&sign(header, payload)) else {
        return;
    };

    let header: Value = serde_json::from_slice(header).expect("an accepted header is JSON");
    assert_eq!(header["alg"], "HS256");
    assert_eq!(header["kid"], KID);
    let typ = header["typ"]
        .as_str()
        .expect("an access token has its type");
    assert!(typ.to_ascii_lowercase().ends_with("at+jwt"));
    for forbidden in ["crit", "b64", "jwk", "jku", "x5u", "x5c"] {
        assert!(header.get(forbidden).is_none(), "{forbidden} was accepted");
    }

    assert_eq!(claims["iss"], ISSUER);
    let audience = &claims["aud"];
    let listed = audience
        .as_array()
        .is_some_and(|all| all.contains(&AUDIENCE.into()));
    assert!(audience == AUDIENCE || listed, "for {audience}");
    let seconds = |name| {
        claims
            .get(name)
            .map(|value: &Value| value.as_f64().expect("a number"))
    };
    assert!(seconds("exp").expect("an end") > NOW as f64 - TOLERANCE);
    assert!(seconds("nbf").is_none_or(|at| at < NOW as f64 + TOLERANCE));
    assert!(seconds("iat").is_none_or(|at| at < NOW as f64 + TOLERANCE));
});

fn read(token: &str) -> Result<Map<String, Value>, JwtError> {
    let expected = Expected::access_token(ISSUER, AUDIENCE, Timestamp::from_unix_seconds(NOW));
    verify(token, &KEYS, &expected)
}

fn sign(header: &[u8], payload: &[u8]) -> String {
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(tag, &mut token);
    token
}
