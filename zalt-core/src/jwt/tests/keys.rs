use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn parse(jwk: &Value) -> Result<Jwk, KeyError> {
    Jwk::parse(jwk.to_string().as_bytes())
}

fn parse_set(set: &Value) -> Result<JwkSet, JwkSetError> {
    JwkSet::parse(set.to_string().as_bytes())
}

fn public(algorithm: SigningAlgorithm) -> Value {
    serde_json::to_value(key(algorithm).public_jwk().unwrap()).unwrap()
}

/// `base` with one member replaced.
fn with(base: &Value, name: &str, value: Value) -> Value {
    let mut jwk = base.clone();
    jwk[name] = value;
    jwk
}

fn rsa(bits: usize) -> Value {
    let mut n = vec![0xff; bits.div_ceil(8)];
    n[0] = 0xff >> (n.len() * 8 - bits);
    json!({"kty": "RSA", "kid": "r", "n": URL_SAFE_NO_PAD.encode(n), "e": "AQAB"})
}

#[test]
fn a_generated_key_is_taken_up_again_from_its_bytes() {
    for algorithm in ALL {
        let (key, bytes) = SigningKey::generate(algorithm, &CountingRng::default()).unwrap();
        let again = SigningKey::from_private_key(algorithm, bytes.as_bytes()).unwrap();
        assert_eq!(again.kid(), key.kid());
        assert_eq!(again.algorithm(), algorithm);
        let token = again.sign(TokenType::ACCESS, &claims()).unwrap();
        assert_eq!(verify(&token, &ring_of(&key), &expected()), Ok(claims()));
    }
}

#[test]
fn a_key_comes_from_the_given_source_alone() {
    for algorithm in ALL {
        let rng = CountingRng::default();
        let (first, first_bytes) = SigningKey::generate(algorithm, &rng).unwrap();
        let (second, _) = SigningKey::generate(algorithm, &rng).unwrap();
        let (_, replay) = SigningKey::generate(algorithm, &CountingRng::default()).unwrap();
        assert_ne!(first.kid(), second.kid());
        assert_eq!(replay.as_bytes(), first_bytes.as_bytes());
        let broken = SigningKey::generate(algorithm, &BrokenRng).err();
        assert_eq!(broken, Some(KeyError::Rng(RngError)));
    }
    // Neither zero nor a scalar past the group's order makes a P-256 key.
    for byte in [0, 0xff] {
        let refused = SigningKey::generate(SigningAlgorithm::Es256, &ConstantRng(byte)).err();
        assert_eq!(refused, Some(KeyError::InvalidPrivateKey));
    }
}

#[test]
fn private_keys_of_another_kind_are_refused() {
    let (_, ed25519) =
        SigningKey::generate(SigningAlgorithm::EdDsa, &CountingRng::default()).unwrap();
    let (_, p256) = SigningKey::generate(SigningAlgorithm::Es256, &CountingRng::default()).unwrap();
    for (algorithm, bytes) in [
        (SigningAlgorithm::Es256, ed25519.as_bytes()),
        (SigningAlgorithm::EdDsa, p256.as_bytes()),
        (SigningAlgorithm::EdDsa, &[]),
        (SigningAlgorithm::Es256, &[0x30; 64]),
    ] {
        let refused = SigningKey::from_private_key(algorithm, bytes).err();
        assert_eq!(refused, Some(KeyError::InvalidPrivateKey));
    }
}

#[test]
fn a_short_shared_secret_is_refused_on_both_sides() {
    let short = KeyError::SecretTooShort { length: 31 };
    assert_eq!(SigningKey::from_shared_secret(&[7; 31]).err(), Some(short));
    assert_eq!(
        VerifyingKey::from_shared_secret(&[7; 31]).err(),
        Some(short)
    );
    let key = SigningKey::from_shared_secret(&[7; 32]).unwrap();
    let token = key.sign(TokenType::ACCESS, &claims()).unwrap();
    assert!(verify_jws(&token, &VerifyingKey::from_shared_secret(&[7; 32]).unwrap()).is_ok());
    // The id holds 16 bytes of a MAC and none of the secret.
    assert_eq!(URL_SAFE_NO_PAD.decode(key.kid()).unwrap().len(), 16);
    assert_ne!(
        key.kid(),
        SigningKey::from_shared_secret(&[8; 32]).unwrap().kid()
    );
}

#[test]
fn nothing_secret_is_published_or_shown() {
    let keys = ALL.map(key);
    let set = serde_json::to_value(JwkSet::of(&keys).unwrap()).unwrap();
    let published = set["keys"].as_array().unwrap();
    assert_eq!(published.len(), 2);
    let allowed = ["kty", "use", "alg", "kid", "crv", "x", "y"];
    for (jwk, key) in published.iter().zip(&keys) {
        let members = jwk.as_object().unwrap();
        assert!(
            members.keys().all(|name| allowed.contains(&name.as_str())),
            "{jwk}"
        );
        assert_eq!(jwk["kid"], key.kid());
        assert_eq!(jwk["use"], "sig");
    }
    let (key, bytes) = SigningKey::generate(SigningAlgorithm::Hs256, &ConstantRng(0xab)).unwrap();
    let shown = format!("{key:?} {bytes:?} {:?}", key.verifying_key()).to_lowercase();
    assert!(
        !shown.contains("abab") && !shown.contains("171, 171"),
        "{shown}"
    );
}

#[test]
fn a_published_set_verifies_what_its_keys_sign() {
    let keys = [key(SigningAlgorithm::EdDsa), key(SigningAlgorithm::Es256)];
    let json = serde_json::to_vec(&JwkSet::of(&keys).unwrap()).unwrap();
    let set = JwkSet::parse(&json).unwrap();
    assert_eq!(set.skipped(), []);
    assert_eq!(set, JwkSet::of(&keys).unwrap());
    for key in &keys {
        let token = key.sign(TokenType::ACCESS, &claims()).unwrap();
        assert_eq!(verify(&token, &set.key_ring(), &expected()), Ok(claims()));
    }
    let one = set.key_ring_for(Algorithm::Es256);
    assert_eq!(one.len(), 1);
    let token = keys[0].sign(TokenType::ACCESS, &claims()).unwrap();
    assert_eq!(
        verify::<Value>(&token, &one, &expected()),
        Err(JwtError::UnknownKid)
    );
}

#[test]
fn keys_for_another_purpose_or_of_another_kind_are_refused() {
    let ed25519 = public(SigningAlgorithm::EdDsa);
    let p256 = public(SigningAlgorithm::Es256);
    for (jwk, error) in [
        (
            json!({"kty": "oct", "k": "AAAA"}),
            KeyError::UnsupportedKeyType,
        ),
        (
            with(&ed25519, "crv", json!("X25519")),
            KeyError::UnsupportedKeyType,
        ),
        (
            with(&ed25519, "crv", json!("Ed448")),
            KeyError::UnsupportedKeyType,
        ),
        (
            with(&p256, "crv", json!("secp256k1")),
            KeyError::UnsupportedKeyType,
        ),
        (with(&p256, "crv", json!("P-384")), KeyError::Malformed),
        (
            with(&ed25519, "alg", json!("ES256")),
            KeyError::AlgorithmMismatch,
        ),
        (
            with(&p256, "alg", json!("ES384")),
            KeyError::AlgorithmMismatch,
        ),
        (
            with(&p256, "alg", json!("HS256")),
            KeyError::AlgorithmMismatch,
        ),
        (
            with(&rsa(2048), "alg", json!("EdDSA")),
            KeyError::AlgorithmMismatch,
        ),
        (
            with(&rsa(2048), "alg", json!("HS256")),
            KeyError::AlgorithmMismatch,
        ),
        (
            with(&ed25519, "alg", json!("none")),
            KeyError::UnsupportedAlgorithm,
        ),
        (
            with(&rsa(2048), "alg", json!("RSA-OAEP")),
            KeyError::UnsupportedAlgorithm,
        ),
        (
            with(&ed25519, "use", json!("enc")),
            KeyError::NotForVerification,
        ),
        (
            with(&ed25519, "key_ops", json!(["sign"])),
            KeyError::NotForVerification,
        ),
        (with(&ed25519, "d", json!("AAAA")), KeyError::PrivateMembers),
        (
            with(&rsa(2048), "p", json!("AAAA")),
            KeyError::PrivateMembers,
        ),
        (with(&ed25519, "x", json!("AAAA")), KeyError::Malformed),
        (with(&ed25519, "x", json!(7)), KeyError::Malformed),
        (json!({"kty": "OKP", "crv": "Ed25519"}), KeyError::Malformed),
        (
            json!({"kty": "EC", "crv": "P-256", "x": p256["x"]}),
            KeyError::Malformed,
        ),
        (json!({"crv": "P-256"}), KeyError::Malformed),
        (json!([]), KeyError::Malformed),
    ] {
        assert_eq!(parse(&jwk), Err(error), "{jwk}");
    }
    let twice = br#"{"kty":"RSA","kty":"RSA"}"#;
    assert_eq!(Jwk::parse(twice), Err(KeyError::Malformed));
    assert!(parse(&with(&ed25519, "key_ops", json!(["verify"]))).is_ok());
}

#[test]
fn weak_keys_and_points_off_the_curve_are_refused() {
    assert_eq!(parse(&rsa(2047)), Err(KeyError::Weak));
    assert_eq!(parse(&rsa(8193)), Err(KeyError::Weak));
    assert!(parse(&rsa(2048)).is_ok());
    assert!(parse(&rsa(8192)).is_ok());
    for e in ["AQ", "Ag", "AQAA", "AAEAAQ", "AQAAAAE", ""] {
        assert_eq!(
            parse(&with(&rsa(2048), "e", json!(e))),
            Err(KeyError::Weak),
            "{e}"
        );
    }
    let p256 = public(SigningAlgorithm::Es256);
    let swapped = with(&with(&p256, "x", p256["y"].clone()), "y", p256["x"].clone());
    assert_eq!(parse(&swapped), Err(KeyError::InvalidPoint));
    let zero = json!(URL_SAFE_NO_PAD.encode([0; 32]));
    assert_eq!(
        parse(&with(&with(&p256, "x", zero.clone()), "y", zero.clone())),
        Err(KeyError::InvalidPoint)
    );
    // All zeros is a point of order four.
    assert_eq!(
        parse(&with(&public(SigningAlgorithm::EdDsa), "x", zero)),
        Err(KeyError::Weak)
    );
}

#[test]
fn an_rsa_key_without_algorithm_takes_the_configured_one() {
    let jwk = parse(&rsa(2048)).unwrap();
    assert_eq!(
        jwk.verifying_key().err(),
        Some(KeyError::AlgorithmUnspecified)
    );
    let bound = jwk.verifying_key_for(Algorithm::Ps256).unwrap();
    assert_eq!(bound.algorithm(), Algorithm::Ps256);
    for other in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256] {
        assert_eq!(
            jwk.verifying_key_for(other).err(),
            Some(KeyError::AlgorithmMismatch)
        );
    }
    let set = parse_set(&json!({"keys": [rsa(2048)]})).unwrap();
    assert!(set.key_ring().is_empty());
    assert_eq!(set.key_ring_for(Algorithm::Rs256).len(), 1);
}

#[test]
fn a_set_skips_what_it_can_not_use_and_says_why() {
    let ed25519 = public(SigningAlgorithm::EdDsa);
    let set = parse_set(&json!({"keys": [
        7,
        {"kty": "oct", "k": "AAAA", "kid": ed25519["kid"]},
        with(&ed25519, "use", json!("enc")),
        rsa(1024),
        ed25519,
    ], "other": true}))
    .unwrap();
    assert_eq!(set.keys().len(), 1);
    assert_eq!(
        set.skipped(),
        [
            KeyError::Malformed,
            KeyError::UnsupportedKeyType,
            KeyError::NotForVerification,
            KeyError::Weak
        ]
    );
}

#[test]
fn a_set_is_refused_as_a_whole_when_it_is_ambiguous_or_too_large() {
    let ed25519 = public(SigningAlgorithm::EdDsa);
    let p256 = with(
        &public(SigningAlgorithm::Es256),
        "kid",
        ed25519["kid"].clone(),
    );
    let twice = json!({"keys": [ed25519, p256]});
    assert_eq!(
        parse_set(&twice),
        Err(JwkSetError::DuplicateKid(DuplicateKid))
    );
    let key = key(SigningAlgorithm::EdDsa);
    assert_eq!(
        JwkSet::of([&key, &key]),
        Err(JwkSetError::DuplicateKid(DuplicateKid))
    );

    assert!(parse_set(&json!({"keys": vec![0; 100]})).is_ok());
    assert_eq!(
        parse_set(&json!({"keys": vec![0; 101]})),
        Err(JwkSetError::TooManyKeys)
    );
    let large = json!({"keys": [], "x": "x".repeat(128 * 1024)});
    assert_eq!(parse_set(&large), Err(JwkSetError::TooLarge));
    for json in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#] {
        assert_eq!(
            JwkSet::parse(json.as_bytes()),
            Err(JwkSetError::Malformed),
            "{json}"
        );
    }
    let members = br#"{"keys":[],"keys":[]}"#;
    assert_eq!(JwkSet::parse(members), Err(JwkSetError::DuplicateMember));
}

proptest! {
    #[test]
    fn no_bytes_harm_the_readers_of_keys(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        prop_assert!(JwkSet::parse(&bytes).is_err());
        prop_assert!(Jwk::parse(&bytes).is_err());
        prop_assert!(JwkSet::parse(text.as_bytes()).is_err());
        let _ = SigningKey::from_private_key(SigningAlgorithm::EdDsa, &bytes);
        let _ = SigningKey::from_private_key(SigningAlgorithm::Es256, &bytes);
    }

    #[test]
    fn no_members_harm_the_reader_of_keys(
        kty in proptest::sample::select(vec!["OKP", "EC", "RSA", "oct"]),
        crv in proptest::sample::select(vec!["Ed25519", "P-256", "P-384", "P-521"]),
        x in proptest::collection::vec(any::<u8>(), 0..67),
        n in proptest::collection::vec(any::<u8>(), 0..1100),
        e in proptest::collection::vec(any::<u8>(), 0..6),
    ) {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk = json!({
            "kty": kty, "crv": crv, "x": encode(&x), "y": encode(&x), "n": encode(&n), "e": encode(&e),
        });
        if let Ok(jwk) = parse(&jwk) {
            let key = jwk.verifying_key_for(jwk.algorithm().unwrap_or(Algorithm::Rs256));
            prop_assert!(!key.unwrap().verifies(b"message", &x));
        }
    }
}
