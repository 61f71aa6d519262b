//! The test vectors of Web Authentication Level 3, each registered and used through the whole of core.

#![expect(
    clippy::indexing_slicing,
    reason = "a vector that lacks what it has to have fails"
)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use zalt_core::attempt::{Attempt, AttemptState};
use zalt_core::credential::{CredentialHandle, CredentialState};
use zalt_core::id::{AttemptId, CredentialId};
use zalt_core::passkey::{
    Base64Url, OwnPasskeyRequest, Passkey, PasskeyPurpose, PasskeyRefusal as Refusal,
    PasskeyRequest,
};
use zalt_core::secret::AttemptToken;
use zalt_core::session::Authenticated;
use zalt_core::store::{Batch, Change};
use zalt_core::{Error, SystemRng};

use super::*;

/// What has to become of each vector's registration; the ones that are accepted have to sign in too.
///
/// The frames that are refused are ones that Zalt is never in. The algorithms that are refused are not offered: P-521, Ed25519,
/// Ed448, RSA of 3488 bits (2048 bits are known). Statements are not read, of whatever format: nobody is asked for one.
const OUTCOMES: &[(&str, Result<(), Refusal>)] = &[
    ("none-es256", Ok(())),
    ("packed-self-es256", Ok(())),
    ("none-es256-crossOrigin", Err(Refusal::CrossOrigin)),
    ("none-es256-topOrigin", Err(Refusal::CrossOrigin)),
    ("none-es256-long-credential-id", Ok(())),
    ("packed-es256", Ok(())),
    ("packed-es384", Ok(())),
    ("packed-es512", Err(Refusal::Algorithm)),
    ("packed-rs256", Err(Refusal::Algorithm)),
    ("packed-eddsa", Err(Refusal::Algorithm)),
    ("packed-ed448", Err(Refusal::Algorithm)),
    ("tpm-es256", Ok(())),
    ("android-key-es256", Ok(())),
    ("apple-es256", Ok(())),
    ("fido-u2f-es256", Ok(())),
];

#[test]
fn every_vector_has_the_outcome_that_is_listed() {
    let vectors = vectors();
    let names: Vec<_> = vectors.iter().map(name).collect();
    let listed: Vec<_> = OUTCOMES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, listed);
    for (vector, (name, expected)) in vectors.iter().zip(OUTCOMES) {
        let app = app();
        let who = check(&app, &app.sign_up(ADA));
        match (registered(&app, &who, vector), expected) {
            (Err(Error::PasskeyRefused(reason)), Err(expected)) => {
                assert_eq!(reason, *expected, "{name}");
            }
            (Ok(passkey), Ok(())) => {
                assert_eq!(passkey.attestation_format, "none", "{name}");
                let aaguid = hex(&vector["registration"]["aaguid"]);
                assert_eq!(passkey.aaguid.as_bytes(), aaguid, "{name}");
                let changed = used(&app, &who, vector, |response| flip(response, "signature"));
                refused(name, changed, Refusal::Signature);
                let changed = used(&app, &who, vector, |response| {
                    flip(response, "authenticatorData");
                });
                refused(name, changed, Refusal::Signature);
                let result = used(&app, &who, vector, |_| {});
                assert!(result.is_ok(), "{name}: {result:?}");
            }
            (result, expected) => panic!("{name}: {result:?}, not {expected:?}"),
        }
    }
}

#[test]
fn a_statement_is_not_read_whatever_it_says() {
    for vector in vectors() {
        let name = name(&vector);
        let listed = OUTCOMES.iter().find(|(listed, _)| *listed == name);
        if listed.unwrap().1.is_err() || name.starts_with("none") {
            continue;
        }
        // The statement signs these to the letter.
        let mut changed = vector.clone();
        let data = hex(&vector["registration"]["clientDataJSON"]);
        let text = String::from_utf8(data).unwrap();
        let text = text.replace("\"crossOrigin\":false", "\"crossOrigin\": false");
        changed["registration"]["clientDataJSON"] = json!(to_hex(text.as_bytes()));
        let app = app();
        let who = check(&app, &app.sign_up(ADA));
        registered(&app, &who, &changed).unwrap();
    }
}

#[test]
fn a_passkey_of_a_framed_vector_signs_in_on_its_own_page_only() {
    for vector in vectors() {
        let name = name(&vector);
        if !name.ends_with("Origin") {
            continue;
        }
        let app = app();
        let signed_in = app.sign_up(ADA);
        plant(&app, &signed_in, &vector);
        let who = check(&app, &signed_in);
        let framed = used(&app, &who, &vector, |_| {});
        refused(name, framed, Refusal::CrossOrigin);
    }
}

fn app() -> App {
    with(|config| {
        config.passkeys.rp_id = Some("example.org".to_owned());
        config.passkeys.origins = vec!["https://example.org".to_owned()];
    })
}

fn vectors() -> Vec<Value> {
    let text = include_str!("../../data/webauthn-l3/webauthn-l3-test-vectors.json");
    let document: Value = serde_json::from_str(text).unwrap();
    document["vectors"].as_array().unwrap().clone()
}

fn name(vector: &Value) -> &str {
    vector["id"].as_str().unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(name: &str, result: Result<T, Error>, expected: Refusal) {
    match result {
        Err(Error::PasskeyRefused(reason)) => assert_eq!(reason, expected, "{name}"),
        other => panic!("{name}: {other:?}"),
    }
}

/// Registers the passkey of a vector, as the answer to a request with its challenge.
fn registered(app: &App, who: &Authenticated, vector: &Value) -> Result<Passkey, Error> {
    let registration = &vector["registration"];
    open(app, who, PasskeyPurpose::Register, registration);
    let response = json!({
        "clientDataJSON": base64url(&registration["clientDataJSON"]),
        "attestationObject": base64url(&registration["attestationObject"]),
    });
    let response = attestation(credential(vector, &response));
    let credentials = app.zalt.credentials();
    let confirmed = run(credentials.confirm_passkey(&request(), who, &response, None));
    let (credential, _) = confirmed?;
    match credential.state {
        CredentialState::Passkey(passkey) => Ok(passkey),
        other => panic!("{other:?}"),
    }
}

/// Uses the passkey of a vector. The session stays as it was, but for its token.
fn used(
    app: &App,
    who: &Authenticated,
    vector: &Value,
    change: impl FnOnce(&mut Value),
) -> Result<(), Error> {
    let authentication = &vector["authentication"];
    open(app, who, PasskeyPurpose::StepUp, authentication);
    let mut response = json!({
        "clientDataJSON": base64url(&authentication["clientDataJSON"]),
        "authenticatorData": base64url(&authentication["authenticatorData"]),
        "signature": base64url(&authentication["signature"]),
    });
    change(&mut response);
    let answer = proof(assertion(credential(vector, &response)));
    run(app.zalt.sessions().step_up(&request(), who, &answer)).map(drop)
}

/// Opens a request with the challenge of a vector in place of one of ours. An open one of the same challenge is replaced.
fn open(app: &App, who: &Authenticated, purpose: PasskeyPurpose, step: &Value) {
    let challenge = hex(&step["challenge"]);
    let id = AttemptId::from_bytes(*challenge.first_chunk().unwrap());
    let now = app.zalt.now();
    let attempt = |version| Attempt {
        id,
        token: AttemptToken::mint(id, &SystemRng).unwrap().digest(),
        state: AttemptState::Passkey(OwnPasskeyRequest {
            user_id: who.user().id,
            session_id: who.session().id,
            purpose,
            request: Some(PasskeyRequest {
                challenge: Base64Url::new(challenge.clone()),
                expires_at: now + MINUTE,
            }),
        }),
        failed_codes: 0,
        sent_messages: 0,
        created_at: now,
        expires_at: now + MINUTE,
        version,
    };
    let store = app.zalt.store();
    let change = match run(store.attempt(id)).unwrap() {
        Some(before) => Change::UpdateAttempt(attempt(before.version)),
        None => Change::InsertAttempt(attempt(0)),
    };
    run(store.commit(Batch::new().change(change))).unwrap();
}

/// Keeps the passkey of a vector as if it had been registered. Its key is the end of the attestation object.
fn plant(app: &App, signed_in: &SignedIn, vector: &Value) {
    let registration = &vector["registration"];
    let object = registration["attestationObject"].as_str().unwrap();
    let key = &object[object.rfind("a5010203262001").unwrap()..];
    // The hash of the relying party's id, then the flags.
    let (_, after) = object.split_once("92a5e0f01452b2e4b5").unwrap();
    let flags = hex(&json!(&after[..2]))[0];
    let credential_id = Base64Url::new(hex(&registration["credential_id"]));
    let now = app.zalt.now();
    let credential = Credential {
        id: CredentialId::mint(now, &SystemRng).unwrap(),
        user_id: signed_in.user.id,
        handle: Some(CredentialHandle::of_passkey(&credential_id)),
        name: None,
        state: CredentialState::Passkey(Passkey {
            credential_id,
            public_key: Base64Url::new(hex(&json!(key))),
            counter: 0,
            user_verified: false,
            backup_eligible: flags & 0x08 != 0,
            backed_up: false,
            aaguid: Base64Url::new(vec![0; 16]),
            transports: Vec::new(),
            attestation_format: "none".to_owned(),
        }),
        created_at: now,
        last_used_at: None,
        version: 0,
    };
    let insert = Change::InsertCredential(credential);
    run(app.zalt.store().commit(Batch::new().change(insert))).unwrap();
}

fn credential(vector: &Value, response: &Value) -> Value {
    let id = base64url(&vector["registration"]["credential_id"]);
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response })
}

/// Turns a bit of the last byte over.
fn flip(response: &mut Value, member: &str) {
    let mut bytes = URL_SAFE_NO_PAD
        .decode(response[member].as_str().unwrap())
        .unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    response[member] = json!(URL_SAFE_NO_PAD.encode(bytes));
}

fn base64url(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(hex(value))
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
