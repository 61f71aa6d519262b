//! One-time codes: the answers of RFC 6238, and those of another program.

use std::process::Command;

use serde_json::Value;
use zalt_core::Timestamp;
use zalt_core::credential::TotpSecret;

#[test]
fn codes_of_rfc_6238_that_an_app_with_sha_1_and_six_digits_shows() {
    let vectors: Value =
        serde_json::from_str(include_str!("../data/otp/rfc4226-rfc6238.json")).unwrap();
    let mut checked = 0;
    for case in vectors["totp"].as_array().unwrap() {
        if case["alg"] != "SHA1" {
            continue;
        }
        let secret = TotpSecret::from_base32(case["key_base32"].as_str().unwrap()).unwrap();
        let at = Timestamp::from_unix_seconds(case["unix_time"].as_i64().unwrap());
        assert_eq!(secret.code_at(at), case["otp6"].as_str().unwrap());
        checked += 1;
    }
    // The counters of RFC 4226 are the time steps from 1970 on.
    let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
    for (counter, code) in (0..).zip(vectors["hotp"]["values"].as_array().unwrap()) {
        let at = Timestamp::from_unix_seconds(counter * 30);
        assert_eq!(secret.code_at(at), code.as_str().unwrap());
        checked += 1;
    }
    assert_eq!(checked, 16);
}

/// Thousands of times, secrets of every beginning.
#[test]
#[ignore = "needs oathtool: cargo xtask test"]
fn oathtool_shows_the_same_codes() {
    let mut checked = 0;
    for seed in 0..8_u8 {
        let secret = TotpSecret::from_bytes(&[seed.wrapping_mul(37) ^ 0x5a; 20]).unwrap();
        let from = 1_600_000_000 + i64::from(seed) * 86_400 * 365;
        let window = 499;
        let shown = Command::new("oathtool")
            .args(["--totp", "--base32", "--window", "499", "--now"])
            .arg(format!("@{from}"))
            .arg(&*secret.base32())
            .output()
            .expect("oathtool is installed");
        assert!(shown.status.success());
        let text = String::from_utf8(shown.stdout).unwrap();
        let codes: Vec<&str> = text.lines().collect();
        assert_eq!(codes.len(), window + 1);
        for (step, code) in (0..).zip(codes) {
            let at = Timestamp::from_unix_seconds(from + step * 30);
            assert_eq!(secret.code_at(at), code, "{at}");
            checked += 1;
        }
    }
    assert_eq!(checked, 4000);
}
