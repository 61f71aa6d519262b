//! Signatures and keys of Wycheproof, the JOSE RFCs and the JOSE cookbook.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the readers of the vectors are part of the tests and fail them by panicking"
)]

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use zalt_core::Timestamp;
use zalt_core::jwt::{
    Algorithm, Expected, Jwk, JwtError, KeyError, KeyRing, SigningAlgorithm, SigningKey, TokenType,
    VerifyingKey, verify, verify_jws,
};

/// Valid by the file. Four name another algorithm than their key (346 and 350 PS384 under PS256, 347 and 351 the
/// inexistent ES521), two hold a character outside the alphabet (372 and 373): a strict reader refuses them.
const DISPUTED: [u64; 6] = [346, 347, 350, 351, 372, 373];

/// Invalid by the file for their padding, which it lost: as they stand they are the valid test 357, byte for byte.
const PADDING_LOST: [u64; 2] = [367, 370];

#[test]
fn wycheproof_json_web_signatures() {
    let file = data("wycheproof/json_web_signature_test.json");
    let mut seen = 0;
    for group in array(&file["testGroups"]) {
        let jwk = group.get("public").unwrap_or(&group["private"]);
        let key = verifying_key(jwk);
        for test in array(&group["tests"]) {
            let id = test["tcId"].as_u64().unwrap();
            let accepted = key
                .as_ref()
                .is_ok_and(|key| verify_jws(text(&test["jws"]), key).is_ok());
            let valid = test["result"] == "valid" || PADDING_LOST.contains(&id);
            let expected = valid && !DISPUTED.contains(&id);
            assert_eq!(accepted, expected, "test {id}: {}", test["comment"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 401);
}

#[test]
fn padding_that_two_wycheproof_tests_lost_is_refused() {
    let file = data("wycheproof/json_web_signature_test.json");
    let groups = array(&file["testGroups"]);
    let find = |id: u64| {
        let tests = groups.iter().flat_map(|group| array(&group["tests"]));
        text(&tests.clone().find(|test| test["tcId"] == id).unwrap()["jws"])
    };
    let jws = find(357);
    for id in PADDING_LOST {
        assert_eq!(find(id), jws);
    }
    let group = groups.iter().find(|group| group["tests"][0]["tcId"] == 357);
    let key = verifying_key(&group.unwrap()["private"]).unwrap();
    let (signing_input, mac) = jws.rsplit_once('.').unwrap();
    assert!(verify_jws(jws, &key).is_ok());
    let padded = format!("{jws}=");
    assert_eq!(verify_jws(&padded, &key), Err(JwtError::InvalidEncoding));
    let padded = format!("{signing_input}==.{mac}");
    assert_eq!(verify_jws(&padded, &key), Err(JwtError::InvalidSignature));
}

#[test]
fn wycheproof_keys_of_another_purpose() {
    let file = data("wycheproof/json_web_signature_test.json");
    let refused: Vec<_> = array(&file["testGroups"])
        .iter()
        .filter_map(|group| {
            let jwk = group.get("public").unwrap_or(&group["private"]);
            let error = verifying_key(jwk).err()?;
            Some((group["tests"][0]["tcId"].as_u64().unwrap(), error))
        })
        .collect();
    assert_eq!(
        refused,
        [
            (347, KeyError::UnsupportedAlgorithm),
            (351, KeyError::UnsupportedAlgorithm),
            (353, KeyError::NotForVerification),
            (354, KeyError::NotForVerification),
            (355, KeyError::NotForVerification),
            (356, KeyError::NotForVerification),
        ]
    );
}

#[test]
fn wycheproof_ed25519() {
    assert_eq!(raw_signatures("wycheproof/ed25519_test.json"), 151);
}

#[test]
fn wycheproof_ecdsa_p256_with_r_and_s_at_fixed_length() {
    let file = "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json";
    assert_eq!(raw_signatures(file), 262);
}

/// Checks every signature of a file against its verdict and returns how many there were.
fn raw_signatures(file: &str) -> usize {
    let mut seen = 0;
    for group in array(&data(file)["testGroups"]) {
        let key = match group.get("publicKeyJwk") {
            Some(jwk) => verifying_key(jwk).unwrap(),
            None => p256_key(&group["publicKey"]),
        };
        for test in array(&group["tests"]) {
            let accepted = key.verifies(&hex(&test["msg"]), &hex(&test["sig"]));
            assert_eq!(accepted, test["result"] == "valid", "{test}");
            seen += 1;
        }
    }
    seen
}

#[test]
fn rfc_examples_verify_and_their_claims_have_expired() {
    for vector in rfc_vectors()
        .iter()
        .filter(|vector| vector["result"] == "valid")
    {
        let mut jwk = vector["jwk"].clone();
        jwk["alg"] = vector["alg"].clone();
        let key = verifying_key(&jwk).unwrap();
        assert_eq!(key.algorithm().as_str(), vector["alg"]);
        let payload = verify_jws(text(&vector["jws"]), &key).unwrap();
        if let Some(expected) = vector["payload"].as_str() {
            assert_eq!(payload, expected.as_bytes());
        } else {
            let claims: Value = serde_json::from_slice(&payload).unwrap();
            assert_eq!(claims["exp"], 1_300_819_380);
        }
    }
}

#[test]
fn the_unsecured_rfc_example_is_refused() {
    let vectors = rfc_vectors();
    let unsecured = find(&vectors, "RFC 7515 A.5");
    let key = verifying_key(&data("rfc-jose/rfc-jose.json")["verify_key"]).unwrap();
    assert_eq!(
        verify_jws(text(&unsecured["jws"]), &key),
        Err(JwtError::WrongAlgorithm)
    );
}

#[test]
fn thumbprints_are_those_of_rfc_7638_and_rfc_8037() {
    let vectors = rfc_vectors();
    let with_thumbprint = vectors
        .iter()
        .filter(|vector| vector["thumbprint_sha256"].is_string());
    assert_eq!(with_thumbprint.clone().count(), 2);
    for vector in with_thumbprint {
        let thumbprint = public_jwk(&vector["jwk"]).unwrap().thumbprint();
        assert_eq!(thumbprint, vector["thumbprint_sha256"]);
    }
}

#[test]
fn the_rfc_8037_key_signs_under_its_thumbprint() {
    let vectors = rfc_vectors();
    let vector = find(&vectors, "RFC 8037 A.1-A.5");
    // PKCS#8 around a bare seed (RFC 8410, section 7).
    let mut pkcs8 = hex(&json!("302e020100300506032b657004220420"));
    pkcs8.extend(base64url(&vector["jwk"]["d"]));
    let key = SigningKey::from_private_key(SigningAlgorithm::EdDsa, &pkcs8).unwrap();
    assert_eq!(key.kid(), vector["thumbprint_sha256"]);
    let published = serde_json::to_value(key.public_jwk().unwrap()).unwrap();
    assert_eq!(published["x"], vector["jwk"]["x"]);

    let now = Timestamp::from_unix_seconds(1_300_819_300);
    let mut ring = KeyRing::new();
    ring.insert(key.kid(), key.verifying_key()).unwrap();
    let claims = json!({"iss": "joe", "aud": "a", "exp": 1_300_819_380});
    let token = key.sign(TokenType::JWT, &claims).unwrap();
    let read = |now| verify::<Value>(&token, &ring, &Expected::id_token("joe", "a", now));
    assert_eq!(read(now), Ok(claims.clone()));
    assert_eq!(read(now + Duration::from_mins(5)), Err(JwtError::Expired));
}

#[test]
fn cookbook_signatures() {
    for (file, algorithm) in [
        ("jws/4_1.rsa_v15_signature.json", Algorithm::Rs256),
        ("jws/4_2.rsa-pss_signature.json", Algorithm::Ps384),
        ("jws/4_3.ecdsa_signature.json", Algorithm::Es512),
        (
            "jws/4_4.hmac-sha2_integrity_protection.json",
            Algorithm::Hs256,
        ),
        (
            "jws/4_6.protecting_specific_header_fields.json",
            Algorithm::Hs256,
        ),
        ("curve25519/jws.json", Algorithm::EdDsa),
    ] {
        let example = data(&format!("jose-cookbook/{file}"));
        let input = &example["input"];
        let mut jwk = input["key"].clone();
        jwk["alg"] = input["alg"].clone();
        let key = verifying_key(&jwk).unwrap();
        assert_eq!(key.algorithm(), algorithm, "{file}");
        let signing = &example["signing"];
        let jws = format!("{}.{}", text(&signing["sig-input"]), text(&signing["sig"]));
        if let Some(compact) = example["output"]["compact"].as_str() {
            assert_eq!(jws, compact, "{file}");
        }
        let payload = verify_jws(&jws, &key);
        assert_eq!(
            payload.as_deref(),
            Ok(text(&input["payload"]).as_bytes()),
            "{file}"
        );
        assert_eq!(
            verify_jws(&example["output"]["json_flat"].to_string(), &key),
            Err(JwtError::NotCompact)
        );
    }
}

#[test]
fn a_cookbook_signature_without_its_content_is_refused() {
    let example = data("jose-cookbook/jws/4_5.signature_with_detached_content.json");
    let key = verifying_key(&example["input"]["key"]).unwrap();
    let jws = text(&example["output"]["compact"]);
    assert_eq!(verify_jws(jws, &key), Err(JwtError::InvalidSignature));
}

#[test]
fn cookbook_keys() {
    for (file, refused) in [
        ("3_1.ec_public_key", None),
        ("3_2.ec_private_key", Some(KeyError::PrivateMembers)),
        ("3_3.rsa_public_key", None),
        ("3_4.rsa_private_key", Some(KeyError::PrivateMembers)),
        (
            "3_5.symmetric_key_mac_computation",
            Some(KeyError::UnsupportedKeyType),
        ),
        (
            "3_6.symmetric_key_encryption",
            Some(KeyError::UnsupportedKeyType),
        ),
    ] {
        let json = data(&format!("jose-cookbook/jwk/{file}.json"));
        let jwk = Jwk::parse(json.to_string().as_bytes());
        assert_eq!(jwk.as_ref().err(), refused.as_ref(), "{file}");
        if let Ok(jwk) = jwk {
            let mut written = serde_json::to_value(jwk).unwrap();
            // The curve implies it, so we say it.
            let alg = written.as_object_mut().unwrap().remove("alg");
            assert!(matches!(
                alg.as_ref().and_then(Value::as_str),
                None | Some("ES512")
            ));
            assert_eq!(written, json, "{file}");
        }
    }
}

/// A key of the vectors, whose `alg` is the one algorithm it may serve; private members are left out.
fn verifying_key(jwk: &Value) -> Result<VerifyingKey, KeyError> {
    if jwk["kty"] == "oct" {
        assert_eq!(jwk.get("alg").unwrap_or(&json!("HS256")), "HS256");
        VerifyingKey::from_shared_secret(&base64url(&jwk["k"]))
    } else {
        public_jwk(jwk)?.verifying_key()
    }
}

/// A few groups give the point only.
fn p256_key(public_key: &Value) -> VerifyingKey {
    let point = hex(&public_key["uncompressed"]);
    let [x, y] = [&point[1..33], &point[33..]].map(|one| URL_SAFE_NO_PAD.encode(one));
    verifying_key(&json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})).unwrap()
}

fn public_jwk(jwk: &Value) -> Result<Jwk, KeyError> {
    let mut jwk = jwk.clone();
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        jwk.as_object_mut().unwrap().remove(private);
    }
    Jwk::parse(jwk.to_string().as_bytes())
}

fn rfc_vectors() -> Vec<Value> {
    array(&data("rfc-jose/rfc-jose.json")["vectors"]).clone()
}

fn find<'v>(vectors: &'v [Value], reference: &str) -> &'v Value {
    let mut found = vectors.iter().filter(|vector| vector["ref"] == reference);
    found.next().unwrap()
}

fn data(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn base64url(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text(value)).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let digits = text(value).as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
