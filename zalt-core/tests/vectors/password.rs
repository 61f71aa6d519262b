//! Password hashes of RFCs and of other systems; see `tests/data/password-hash/README.md`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures_executor::block_on;
use serde::Deserialize;
use zalt_core::environment::SystemRng;
use zalt_core::password::danger::insecure_params_for_tests;
use zalt_core::password::{
    FirebaseScrypt, ForeignHashKeys, HashingConfig, HashingPool, Password, PasswordPhc, PhcError,
    Scheme, Verified,
};

const UPGRADE: Verified = Verified::Match { needs_rehash: true };

fn pool(keys: ForeignHashKeys) -> HashingPool {
    let mut config = HashingConfig::default();
    config.params = insecure_params_for_tests();
    // One at a time, because the largest vector takes a gigabyte.
    config.threads = NonZeroUsize::MIN;
    config.memory_limit_kib = 1024 * 1024 + 1;
    HashingPool::new(config, keys, Arc::new(SystemRng)).unwrap()
}

static POOL: LazyLock<HashingPool> = LazyLock::new(|| pool(ForeignHashKeys::default()));

fn verify(password: &str, stored: &str) -> Verified {
    let stored = PasswordPhc::parse(stored).unwrap_or_else(|e| panic!("{stored}: {e}"));
    block_on(POOL.verify(Password::parse(password).unwrap(), Some(stored))).unwrap()
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn base64_of_hex(hex: &str) -> String {
    STANDARD_NO_PAD.encode(unhex(hex))
}

#[derive(Deserialize)]
struct Argon2Vectors {
    rfc9106: Vec<Rfc9106>,
    phc_tests: Vec<Phc>,
    malformed: Vec<Malformed>,
}

#[derive(Deserialize)]
struct Rfc9106 {
    r#type: String,
    version: u32,
    t: u32,
    m_kib: u32,
    p: u32,
    taglen: usize,
    password_hex: String,
    salt_hex: String,
    secret_hex: String,
    ad_hex: String,
    tag_hex: String,
}

#[derive(Deserialize)]
struct Phc {
    r#type: String,
    m_kib: u32,
    password: String,
    tag_hex: String,
    #[serde(rename = "phc")]
    text: String,
}

#[derive(Deserialize)]
struct Malformed {
    #[serde(rename = "phc")]
    text: String,
    password: String,
    expect: String,
}

fn argon2_vectors() -> Argon2Vectors {
    serde_json::from_str(include_str!("../data/password-hash/argon2.json")).unwrap()
}

/// With secret and associated data, which no stored hash has: the library itself is on trial.
#[test]
fn argon2_of_rfc_9106() {
    let vectors = argon2_vectors().rfc9106;
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let params = ParamsBuilder::new()
            .m_cost(vector.m_kib)
            .t_cost(vector.t)
            .p_cost(vector.p)
            .data(AssociatedData::new(&unhex(&vector.ad_hex)).unwrap())
            .output_len(vector.taglen)
            .build()
            .unwrap();
        let secret = unhex(&vector.secret_hex);
        let argon2 = Argon2::new_with_secret(
            &secret,
            Algorithm::new(&vector.r#type).unwrap(),
            Version::try_from(vector.version).unwrap(),
            params,
        )
        .unwrap();
        let mut tag = vec![0; vector.taglen];
        argon2
            .hash_password_into(
                &unhex(&vector.password_hex),
                &unhex(&vector.salt_hex),
                &mut tag,
            )
            .unwrap();
        assert_eq!(tag, unhex(&vector.tag_hex), "{}", vector.r#type);
    }
}

#[test]
fn argon2_strings_of_the_reference_implementation() {
    let vectors = argon2_vectors().phc_tests;
    assert_eq!(vectors.len(), 24);
    for vector in vectors {
        let scheme = match vector.r#type.as_str() {
            "argon2i" => Scheme::Argon2i,
            "argon2id" => Scheme::Argon2id,
            other => panic!("{other}"),
        };
        assert_eq!(PasswordPhc::parse(&vector.text).unwrap().scheme(), scheme);
        assert!(vector.text.ends_with(&base64_of_hex(&vector.tag_hex)));
        assert_eq!(
            verify(&vector.password, &vector.text),
            UPGRADE,
            "{}",
            vector.text
        );
        if vector.m_kib == 256 {
            assert_eq!(
                verify("Password", &vector.text),
                Verified::Mismatch,
                "{}",
                vector.text
            );
        }
    }
}

#[test]
fn argon2_strings_that_are_malformed_or_wrong() {
    let vectors = argon2_vectors().malformed;
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        match vector.expect.as_str() {
            "ARGON2_DECODING_FAIL" => {
                assert_eq!(
                    PasswordPhc::parse(&vector.text).unwrap_err(),
                    PhcError::Malformed,
                    "{}",
                    vector.text
                );
            }
            "ARGON2_SALT_TOO_SHORT" => {
                assert_eq!(
                    PasswordPhc::parse(&vector.text).unwrap_err(),
                    PhcError::SaltLength,
                    "{}",
                    vector.text
                );
            }
            "ARGON2_VERIFY_MISMATCH" => {
                assert_eq!(
                    verify(&vector.password, &vector.text),
                    Verified::Mismatch,
                    "{}",
                    vector.text
                );
            }
            other => panic!("{other}"),
        }
    }
}

#[derive(Deserialize)]
struct Bcrypt {
    password_hex: String,
    hash: String,
    verified: bool,
}

/// Those whose password is text; the others are tested where bytes can be given.
#[test]
fn bcrypt_strings() {
    #[derive(Deserialize)]
    struct File {
        vectors: Vec<Bcrypt>,
    }
    let file: File =
        serde_json::from_str(include_str!("../data/password-hash/bcrypt.json")).unwrap();
    let mut tried = 0;
    for vector in file.vectors {
        let Ok(password) = String::from_utf8(unhex(&vector.password_hex)) else {
            continue;
        };
        tried += 1;
        assert!(vector.verified);
        assert_eq!(verify(&password, &vector.hash), UPGRADE, "{}", vector.hash);
        let other = format!("{password}x");
        assert_eq!(
            verify(&other, &vector.hash),
            Verified::Mismatch,
            "{}",
            vector.hash
        );
    }
    assert_eq!(tried, 23);
}

#[derive(Deserialize)]
struct ScryptPbkdf2 {
    scrypt: Vec<Scrypt>,
    pbkdf2: Vec<Pbkdf2>,
}

#[derive(Deserialize)]
struct Scrypt {
    password: String,
    salt: String,
    n: u32,
    r: u32,
    p: u32,
    dk_hex: String,
}

#[derive(Deserialize)]
struct Pbkdf2 {
    prf: String,
    password: String,
    salt: String,
    iterations: u32,
    dk_hex: String,
}

fn scrypt_pbkdf2() -> ScryptPbkdf2 {
    serde_json::from_str(include_str!("../data/password-hash/scrypt-pbkdf2.json")).unwrap()
}

#[test]
fn scrypt_of_rfc_7914() {
    let vectors = scrypt_pbkdf2().scrypt;
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let stored = format!(
            "$scrypt$ln={},r={},p={}${}${}",
            vector.n.ilog2(),
            vector.r,
            vector.p,
            STANDARD_NO_PAD.encode(&vector.salt),
            base64_of_hex(&vector.dk_hex),
        );
        if vector.salt.is_empty() {
            // No stored hash is without salt; the function is still the right one.
            assert_eq!(
                PasswordPhc::parse(&stored).unwrap_err(),
                PhcError::SaltLength
            );
            let params = scrypt::Params::new(4, vector.r, vector.p).unwrap();
            let mut derived = [0; 64];
            scrypt::scrypt(b"", b"", &params, &mut derived).unwrap();
            assert_eq!(derived.as_slice(), unhex(&vector.dk_hex));
        } else {
            assert_eq!(verify(&vector.password, &stored), UPGRADE, "{stored}");
        }
    }
}

#[test]
fn pbkdf2_of_rfc_6070_and_rfc_7914() {
    let vectors = scrypt_pbkdf2().pbkdf2;
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let stored = format!(
            "$pbkdf2-{}$i={}${}${}",
            vector.prf.strip_prefix("HMAC-").unwrap().to_lowercase(),
            vector.iterations,
            STANDARD_NO_PAD.encode(&vector.salt),
            base64_of_hex(&vector.dk_hex),
        );
        assert_eq!(verify(&vector.password, &stored), UPGRADE, "{stored}");
        assert_eq!(verify("passwords", &stored), Verified::Mismatch, "{stored}");
    }
}

#[test]
fn strings_that_passlib_and_django_made() {
    #[derive(Deserialize)]
    struct File {
        vectors: Vec<Spelling>,
    }
    #[derive(Deserialize)]
    struct Spelling {
        password: String,
        hash: String,
    }
    let file: File =
        serde_json::from_str(include_str!("../data/password-hash/spellings.json")).unwrap();
    assert_eq!(file.vectors.len(), 20);
    for vector in file.vectors {
        assert_eq!(
            verify(&vector.password, &vector.hash),
            UPGRADE,
            "{}",
            vector.hash
        );
        assert_eq!(
            verify("another", &vector.hash),
            Verified::Mismatch,
            "{}",
            vector.hash
        );
    }
}

#[test]
fn firebase_exports() {
    #[derive(Deserialize)]
    struct File {
        vectors: Vec<Firebase>,
    }
    #[derive(Deserialize)]
    struct Firebase {
        password: String,
        salt: String,
        hash: String,
        salt_separator: String,
        signer_key: String,
        rounds: u32,
        mem_cost: u32,
    }
    let file: File =
        serde_json::from_str(include_str!("../data/password-hash/firebase-scrypt.json")).unwrap();
    assert_eq!(file.vectors.len(), 4);
    for vector in file.vectors {
        let project = FirebaseScrypt {
            key: "main",
            rounds: vector.rounds,
            mem_cost: vector.mem_cost,
            salt_separator: &vector.salt_separator,
        };
        let stored = project.import(&vector.salt, &vector.hash).unwrap();
        assert!(
            !stored
                .as_str()
                .contains(vector.signer_key.trim_end_matches('='))
        );
        let verify = |signer_key: &str, password: &str| {
            let keys = ForeignHashKeys::default()
                .with_firebase("main", signer_key)
                .unwrap();
            block_on(pool(keys).verify(Password::parse(password).unwrap(), Some(stored.clone())))
                .unwrap()
        };
        assert_eq!(verify(&vector.signer_key, &vector.password), UPGRADE);
        assert_eq!(verify(&vector.signer_key, "another"), Verified::Mismatch);
        assert_eq!(
            verify(&"A".repeat(86), &vector.password),
            Verified::Mismatch
        );
    }
}
