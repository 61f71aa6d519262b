use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn read(token: &str, key: &SigningKey) -> Result<AccessClaims, JwtError> {
    verify(token, &ring_of(key), &expected())
}

/// Signs `header` and `payload` as they stand.
fn signed(key: &SigningKey, header: &str, payload: &[u8]) -> String {
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    key.sign_text(token)
}

fn header_of(key: &SigningKey) -> String {
    format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"at+jwt"}}"#, key.kid())
}

/// The refusal of a payload that is signed as it should be.
fn refusal(payload: &str) -> Option<JwtError> {
    let key = key(SigningAlgorithm::EdDsa);
    let token = signed(&key, &header_of(&key), payload.as_bytes());
    verify::<Value>(&token, &ring_of(&key), &expected()).err()
}

/// The refusal of good claims with one of them replaced.
fn refusal_with(name: &str, value: Value) -> Option<JwtError> {
    let mut payload = serde_json::to_value(claims()).unwrap();
    if value == json!("absent") {
        payload.as_object_mut().unwrap().remove(name).unwrap();
    } else {
        payload[name] = value;
    }
    refusal(&payload.to_string())
}

#[test]
fn what_is_signed_is_read_back() {
    for algorithm in ALL {
        let key = key(algorithm);
        let custom = Map::from_iter([
            ("plan".into(), json!("pro")),
            ("seats".into(), json!([1, 2.5])),
        ]);
        let claims = AccessClaims {
            custom: CustomClaims::new(custom).unwrap(),
            ..claims()
        };
        let token = key.sign(TokenType::ACCESS, &claims).unwrap();
        assert_eq!(read(&token, &key), Ok(claims));
    }
}

#[test]
fn a_header_says_algorithm_key_and_type_and_no_more() {
    let key = key(SigningAlgorithm::EdDsa);
    let token = key.sign(TokenType::ACCESS, &claims()).unwrap();
    let header = URL_SAFE_NO_PAD
        .decode(token.split('.').next().unwrap())
        .unwrap();
    assert_eq!(String::from_utf8(header).unwrap(), header_of(&key));
}

#[test]
fn a_token_of_another_kind_is_refused() {
    let key = key(SigningAlgorithm::EdDsa);
    let access = key.sign(TokenType::ACCESS, &claims()).unwrap();
    let plain = key.sign(TokenType::JWT, &claims()).unwrap();
    let id = Expected::id_token(ISSUER, AUDIENCE, NOW);
    let ring = ring_of(&key);
    assert_eq!(read(&plain, &key), Err(JwtError::WrongType));
    assert_eq!(
        verify::<Value>(&access, &ring, &id),
        Err(JwtError::WrongType)
    );
    assert_eq!(verify(&plain, &ring, &id), Ok(claims()));

    let payload = serde_json::to_vec(&claims()).unwrap();
    let untyped = signed(
        &key,
        &format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, key.kid()),
        &payload,
    );
    assert_eq!(read(&untyped, &key), Err(JwtError::WrongType));
    assert_eq!(verify(&untyped, &ring, &id), Ok(claims()));
    let other = Expected::new(TokenType::new("logout+jwt"), ISSUER, AUDIENCE, NOW);
    assert_eq!(
        verify::<Value>(&untyped, &ring, &other),
        Err(JwtError::WrongType)
    );

    let long = header_of(&key).replace("at+jwt", "Application/AT+JWT");
    assert_eq!(read(&signed(&key, &long, &payload), &key), Ok(claims()));
}

#[test]
fn the_key_id_finds_the_key_and_the_key_rules_the_algorithm() {
    let key = key(SigningAlgorithm::EdDsa);
    let payload = serde_json::to_vec(&claims()).unwrap();
    let with = |header: &str| read(&signed(&key, header, &payload), &key);

    assert_eq!(
        with(r#"{"alg":"EdDSA","typ":"at+jwt"}"#),
        Err(JwtError::MissingKid)
    );
    for kid in ["", "x", "../../etc/passwd", "' OR 1=1 --"] {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid}).to_string();
        assert_eq!(with(&header), Err(JwtError::UnknownKid), "{kid}");
    }
    for alg in [
        "none", "None", "eddsa", "Ed25519", "HS256", "ES256", "RS256", "",
    ] {
        let header = header_of(&key).replace("EdDSA", alg);
        assert_eq!(with(&header), Err(JwtError::WrongAlgorithm), "{alg}");
    }
    let crit = header_of(&key).replace('{', r#"{"crit":["exp"],"#);
    assert_eq!(with(&crit), Err(JwtError::UnsupportedExtension));
    let jwk = serde_json::to_string(key.public_jwk().unwrap()).unwrap();
    let brought = header_of(&key).replace('{', &format!(r#"{{"jwk":{jwk},"#));
    assert_eq!(with(&brought), Err(JwtError::KeyInHeader));
}

#[test]
fn an_id_token_may_leave_its_key_open_where_there_is_one_only() {
    let other = key(SigningAlgorithm::Es256);
    let key = key(SigningAlgorithm::EdDsa);
    let payload = serde_json::to_vec(&claims()).unwrap();
    let token = signed(&key, r#"{"alg":"EdDSA"}"#, &payload);
    let expected = Expected::id_token(ISSUER, AUDIENCE, NOW);
    let mut ring = ring_of(&key);
    assert!(verify::<Value>(&token, &ring, &expected).is_ok());
    ring.insert(other.kid(), other.verifying_key()).unwrap();
    assert_eq!(
        verify::<Value>(&token, &ring, &expected),
        Err(JwtError::MissingKid)
    );
    let header = unverified_header(&token).unwrap();
    assert_eq!(
        (header.algorithm, header.kid),
        (Some(Algorithm::EdDsa), None)
    );
}

#[test]
fn a_key_signs_under_the_id_that_its_reader_gave_it() {
    let key = key(SigningAlgorithm::Es256).with_kid("ABC123DEFG").unwrap();
    for typ in [TokenType::JWT, TokenType::ACCESS] {
        let token = key.sign(typ, &claims()).unwrap();
        let header = unverified_header(&token).unwrap();
        assert_eq!(header.algorithm, Some(Algorithm::Es256));
        assert_eq!(header.kid.as_deref(), Some("ABC123DEFG"));
    }
    let unsigned = unverified_header("eyJhbGciOiJub25lIn0.e30.").unwrap();
    assert_eq!(unsigned.algorithm, None);
}

#[test]
fn a_public_key_is_not_taken_as_a_shared_secret() {
    let key = key(SigningAlgorithm::EdDsa);
    let jwk = serde_json::to_value(key.public_jwk().unwrap()).unwrap();
    let public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let stranger = SigningKey::from_shared_secret(&public).unwrap();
    let payload = serde_json::to_vec(&claims()).unwrap();
    let forged = signed(
        &stranger,
        &header_of(&key).replace("EdDSA", "HS256"),
        &payload,
    );
    assert_eq!(read(&forged, &key), Err(JwtError::WrongAlgorithm));
    assert_eq!(
        verify_jws(&forged, &key.verifying_key()),
        Err(JwtError::WrongAlgorithm)
    );
}

#[test]
fn another_keys_signature_is_refused() {
    for algorithm in ALL {
        let rng = CountingRng::default();
        let (ours, _) = SigningKey::generate(algorithm, &rng).unwrap();
        let (theirs, _) = SigningKey::generate(algorithm, &rng).unwrap();
        assert_ne!(ours.kid(), theirs.kid());
        let token = theirs.sign(TokenType::ACCESS, &claims()).unwrap();
        assert_eq!(read(&token, &ours), Err(JwtError::UnknownKid));
        assert_eq!(
            verify_jws(&token, &ours.verifying_key()),
            Err(JwtError::InvalidSignature)
        );
    }
}

#[test]
fn times_are_kept_to_within_the_leeway() {
    let now = NOW.unix_seconds();
    let cases = [
        ("exp", now - 30, Some(JwtError::Expired)),
        ("exp", now - 29, None),
        ("nbf", now + 31, Some(JwtError::NotYetValid)),
        ("nbf", now + 30, None),
        ("iat", now + 31, Some(JwtError::IssuedInFuture)),
        ("iat", now + 30, None),
        ("exp", i64::MIN, Some(JwtError::Expired)),
        ("exp", i64::MAX, None),
    ];
    for (name, at, refused) in cases {
        assert_eq!(refusal_with(name, at.into()), refused, "{name} {at}");
    }
    assert_eq!(
        refusal_with("exp", json!("absent")),
        Some(JwtError::MissingExpiry)
    );
    assert_eq!(refusal_with("nbf", json!("absent")), None);
    assert_eq!(refusal_with("iat", json!("absent")), None);

    let key = key(SigningAlgorithm::EdDsa);
    let token = key.sign(TokenType::ACCESS, &claims()).unwrap();
    let at = |seconds, leeway| {
        let later = Expected::access_token(ISSUER, AUDIENCE, NOW + Duration::from_secs(seconds));
        verify::<Value>(&token, &ring_of(&key), &later.with_leeway(leeway)).err()
    };
    assert_eq!(at(299, Leeway::NONE), None);
    assert_eq!(at(300, Leeway::NONE), Some(JwtError::Expired));
    assert_eq!(at(359, Leeway::MAX), None);
    assert_eq!(at(360, Leeway::MAX), Some(JwtError::Expired));
    assert_eq!(Leeway::new(Duration::from_secs(61)), None);
}

#[test]
fn issuer_and_audience_are_compared_exactly() {
    let lookalike = json!("https://auth.example.com/");
    for value in [
        lookalike,
        json!("HTTPS://auth.example.com"),
        json!(""),
        json!("absent"),
    ] {
        assert_eq!(refusal_with("iss", value), Some(JwtError::WrongIssuer));
    }
    for value in [
        json!(format!("{AUDIENCE}.evil")),
        json!([]),
        json!(["a", "b"]),
        json!("absent"),
    ] {
        assert_eq!(refusal_with("aud", value), Some(JwtError::WrongAudience));
    }
    assert_eq!(refusal_with("aud", json!(["a", AUDIENCE])), None);
}

#[test]
fn a_payload_is_one_object_with_each_member_once() {
    use JwtError::{DuplicateClaim, MalformedPayload, UnexpectedClaims};
    for payload in ["", "null", "[]", "\"a\"", "{", "{}{}"] {
        assert_eq!(refusal(payload), Some(MalformedPayload), "{payload}");
    }
    for (name, value) in [
        ("exp", json!("1700000000")),
        ("exp", json!(null)),
        ("nbf", json!([])),
        ("iat", json!({})),
        ("iss", json!(["https://auth.example.com"])),
        ("aud", json!(7)),
        ("aud", json!([AUDIENCE, 7])),
        ("aud", json!({"x": AUDIENCE})),
    ] {
        assert_eq!(refusal_with(name, value), Some(MalformedPayload), "{name}");
    }
    let good = serde_json::to_string(&claims()).unwrap();
    for extra in [
        r#"{"sub":"admin","#,
        r#"{"\u0073ub":"admin","#,
        r#"{"x":[{"y":1,"y":2}],"#,
    ] {
        assert_eq!(
            refusal(&good.replacen('{', extra, 1)),
            Some(DuplicateClaim),
            "{extra}"
        );
    }

    let key = key(SigningAlgorithm::EdDsa);
    let thin = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW.unix_seconds() + 9}).to_string();
    let token = signed(&key, &header_of(&key), thin.as_bytes());
    assert_eq!(read(&token, &key), Err(UnexpectedClaims));
    let binary = signed(&key, &header_of(&key), b"{\"a\":\"\xff\"}");
    assert_eq!(read(&binary, &key), Err(MalformedPayload));
}

#[test]
fn sizes_are_capped_on_both_sides() {
    let key = key(SigningAlgorithm::Hs256);
    let large = json!({"a": "x".repeat(MAX_TOKEN_BYTES)});
    let refused = key.sign(TokenType::ACCESS, &large);
    assert!(matches!(refused, Err(SignError::TooLarge)));
    assert_eq!(
        read(&"x".repeat(MAX_TOKEN_BYTES + 1), &key),
        Err(JwtError::TooLarge)
    );
    assert_eq!(
        read(&format!("{}..", "e".repeat(1025)), &key),
        Err(JwtError::TooLarge)
    );
    let token = signed(&key, r#"{"alg":"HS256"}"#, b"");
    let padded = format!("{token}{}", "A".repeat(1400));
    assert_eq!(
        verify_jws(&padded, &key.verifying_key()),
        Err(JwtError::InvalidSignature)
    );
    assert!(matches!(
        key.sign(TokenType::ACCESS, &[1]),
        Err(SignError::NotAnObject)
    ));
}

#[test]
fn any_other_character_anywhere_breaks_a_token() {
    for algorithm in ALL {
        let key = key(algorithm);
        let token = key.sign(TokenType::ACCESS, &claims()).unwrap();
        let ring = ring_of(&key);
        for (at, _) in token.char_indices() {
            for other in ["A", "B", "-", "_", "=", ".", "+", "/", " ", "\n", "\u{e9}"] {
                let mut changed = token.clone();
                changed.replace_range(at..=at, other);
                let read = verify::<AccessClaims>(&changed, &ring, &expected());
                assert!(changed == token || read.is_err(), "{changed}");
            }
        }
        // Every other spelling of the last character, whose low bits carry nothing.
        for other in ('A'..='Z').chain('a'..='z').chain('0'..='9') {
            let mut changed = token.clone();
            changed.pop();
            changed.push(other);
            let read = verify::<AccessClaims>(&changed, &ring, &expected());
            assert!(changed == token || read.is_err(), "{changed}");
        }
    }
}

proptest! {
    #[test]
    fn any_claims_survive_the_round_trip(
        sub in any::<String>(),
        amr in proptest::collection::vec(any::<String>(), 0..4),
        name in "[a-z]{8}",
        value in any::<String>(),
        algorithm in proptest::sample::select(ALL.as_slice()),
    ) {
        let key = key(algorithm);
        let custom = Map::from_iter([(name, Value::from(value))]);
        let claims = AccessClaims {
            sub,
            amr,
            custom: CustomClaims::new(custom).unwrap(),
            ..claims()
        };
        let token = key.sign(TokenType::ACCESS, &claims).unwrap();
        prop_assert_eq!(read(&token, &key), Ok(claims));
    }

    #[test]
    fn no_text_is_taken_for_a_token(text in any::<String>()) {
        prop_assert!(read(&text, &key(SigningAlgorithm::EdDsa)).is_err());
    }

    #[test]
    fn no_three_parts_are_taken_for_a_token(
        header in any::<Vec<u8>>(),
        payload in any::<Vec<u8>>(),
        signature in any::<Vec<u8>>(),
    ) {
        let parts = [header, payload, signature].map(|part| URL_SAFE_NO_PAD.encode(part));
        prop_assert!(read(&parts.join("."), &key(SigningAlgorithm::EdDsa)).is_err());
    }

    #[test]
    fn a_signed_payload_of_any_bytes_does_no_harm(payload in any::<Vec<u8>>()) {
        let key = key(SigningAlgorithm::EdDsa);
        let token = signed(&key, &header_of(&key), &payload);
        prop_assert_eq!(verify_jws(&token, &key.verifying_key()), Ok(payload));
        prop_assert!(read(&token, &key).is_err());
    }

    #[test]
    fn a_changed_character_breaks_a_token(at in any::<proptest::sample::Index>(), other in any::<char>()) {
        let key = key(SigningAlgorithm::EdDsa);
        let token = key.sign(TokenType::ACCESS, &claims()).unwrap();
        let at = at.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
        prop_assume!(changed != token);
        prop_assert!(read(&changed, &key).is_err());
    }
}
