//! A software authenticator and the browser around it: it answers requests to register a passkey and to sign in with one,
//! in JSON both ways, as a page gets them from `navigator.credentials`. It can also do what a good one never does.
//!
//! Written from the specification (Web Authentication Level 3, sections 5.8.1 and 6) and from nothing of Zalt's.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "for tests, where a panic is the report"
)]

mod cbor;
mod key;

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::key::Key;

/// An authenticator with the passkeys that it has made.
#[derive(Debug)]
pub struct Authenticator {
    passkeys: Vec<Held>,
    /// How it, and the browser, go about the next answers.
    pub manner: Manner,
}

#[derive(Debug)]
struct Held {
    id: Vec<u8>,
    rp_id: String,
    user_handle: Vec<u8>,
    key: Arc<Key>,
    counter: u32,
}

/// How an authenticator, and the browser, go about an answer. The default is as it should be.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the flags of authenticator data"
)]
pub struct Manner {
    /// The origin of the page.
    pub origin: String,
    /// Whether somebody touches it.
    pub user_present: bool,
    /// Whether it checks who.
    pub user_verified: bool,
    /// Whether the passkey may be backed up.
    pub backup_eligible: bool,
    /// Whether it is.
    pub backed_up: bool,
    /// By how much the counter moves with each use; 0 for one that doesn't count.
    pub counts_by: u32,
    /// What it says its model is.
    pub aaguid: [u8; 16],
    /// Another kind of request than the one that was made.
    pub client_type: Option<&'static str>,
    /// Another challenge than the one that was sent.
    pub challenge: Option<String>,
    /// Another relying party than the one that asks.
    pub rp_id: Option<String>,
    /// Whether the page was framed by one of another origin.
    pub cross_origin: Option<bool>,
    /// Which page framed it.
    pub top_origin: Option<String>,
    /// Another user than the one whose passkey it is; an empty one is none.
    pub user_handle: Option<Vec<u8>>,
    /// Whether its keys are RSA keys, as those of older Windows machines.
    pub rsa: bool,
    /// Another number of the algorithm than that of its keys.
    pub algorithm: Option<i64>,
    /// Another format of attestation statements than `none`.
    pub attestation_format: &'static str,
    /// Whether a bit of the signature is turned over.
    pub corrupt_signature: bool,
}

impl Authenticator {
    /// An authenticator without passkeys, in a browser that shows a page of `origin`. It verifies people and counts.
    pub fn new(origin: &str) -> Self {
        Self {
            passkeys: Vec::new(),
            manner: Manner {
                origin: origin.to_owned(),
                user_present: true,
                user_verified: true,
                backup_eligible: false,
                backed_up: false,
                counts_by: 1,
                aaguid: [0; 16],
                client_type: None,
                challenge: None,
                rp_id: None,
                cross_origin: Some(false),
                top_origin: None,
                user_handle: None,
                rsa: false,
                algorithm: None,
                attestation_format: "none",
                corrupt_signature: false,
            },
        }
    }

    /// Makes a passkey (`navigator.credentials.create`). `options` is a `PublicKeyCredentialCreationOptionsJSON`, and the
    /// answer what `toJSON()` makes of a credential. `None` where it has one of those that are excluded.
    pub fn create(&mut self, options: &Value) -> Option<Value> {
        let excluded = ids(&options["excludeCredentials"]);
        if self.passkeys.iter().any(|held| excluded.contains(&held.id)) {
            return None;
        }
        let key = Key::generate(self.manner.rsa);
        let offered = options["pubKeyCredParams"].as_array().unwrap();
        assert!(
            offered
                .iter()
                .any(|params| params["alg"] == key.algorithm())
        );
        let mut id = vec![0; 32];
        SystemRandom::new().fill(&mut id).unwrap();
        let held = Held {
            id,
            rp_id: options["rp"]["id"].as_str().unwrap().to_owned(),
            user_handle: bytes(&options["user"]["id"]),
            key: Arc::new(key),
            counter: 0,
        };
        let response = self.created(&held, options);
        self.passkeys.push(held);
        Some(response)
    }

    /// Answers a request to make a passkey with the newest that it has made before, whatever the request excludes.
    pub fn create_again(&self, options: &Value) -> Value {
        self.created(self.passkeys.last().unwrap(), options)
    }

    /// Answers for a passkey (`navigator.credentials.get`): the newest of those that are allowed, or of those that it has for
    /// the relying party if none is named. `None` where there is none.
    pub fn get(&mut self, options: &Value) -> Option<Value> {
        let allowed = ids(&options["allowCredentials"]);
        let rp_id = options["rpId"].as_str().unwrap();
        let step = self.manner.counts_by;
        let position = self.passkeys.iter().rposition(|held| {
            held.rp_id == rp_id && (allowed.is_empty() || allowed.contains(&held.id))
        })?;
        let held = &mut self.passkeys[position];
        held.counter = held.counter.wrapping_add(step);
        Some(self.signed(&self.passkeys[position], options))
    }

    /// An authenticator with the same passkeys, where their counters are now.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copied = |held: &Held| Held {
            id: held.id.clone(),
            rp_id: held.rp_id.clone(),
            user_handle: held.user_handle.clone(),
            key: Arc::clone(&held.key),
            counter: held.counter,
        };
        Self {
            passkeys: self.passkeys.iter().map(copied).collect(),
            manner: self.manner.clone(),
        }
    }

    /// Takes all passkeys of another authenticator over, as whoever steals it does.
    pub fn take_over(&mut self, other: &Self) {
        self.passkeys.extend(other.copy().passkeys);
    }

    fn created(&self, held: &Held, options: &Value) -> Value {
        let mut data = self.authenticator_data(&held.rp_id, held.counter, true);
        data.extend(self.manner.aaguid);
        data.extend(u16::try_from(held.id.len()).unwrap().to_be_bytes());
        data.extend(&held.id);
        data.extend(held.key.cose(self.manner.algorithm));
        let object = cbor::map(&[
            (
                cbor::text("fmt"),
                cbor::text(self.manner.attestation_format),
            ),
            (cbor::text("attStmt"), cbor::map(&[])),
            (cbor::text("authData"), cbor::bytes(&data)),
        ]);
        credential(
            &held.id,
            &json!({
                "clientDataJSON": text(&self.client_data("webauthn.create", options)),
                "attestationObject": text(&object),
                "authenticatorData": text(&data),
                "publicKeyAlgorithm": held.key.algorithm(),
                "transports": ["internal", "hybrid"],
            }),
        )
    }

    fn signed(&self, held: &Held, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.authenticator_data(&held.rp_id, held.counter, false);
        let mut message = data.clone();
        message.extend(Sha256::digest(&client_data));
        let mut signature = held.key.sign(&message);
        if self.manner.corrupt_signature {
            *signature.last_mut().unwrap() ^= 1;
        }
        let handle = self.manner.user_handle.as_ref();
        let handle = handle.unwrap_or(&held.user_handle);
        let handle = (!handle.is_empty()).then(|| text(handle));
        credential(
            &held.id,
            &json!({
                "clientDataJSON": text(&client_data),
                "authenticatorData": text(&data),
                "signature": text(&signature),
                "userHandle": handle,
            }),
        )
    }

    fn client_data(&self, asked: &str, options: &Value) -> Vec<u8> {
        let challenge = options["challenge"].as_str().unwrap();
        let mut data = json!({
            "type": self.manner.client_type.unwrap_or(asked),
            "challenge": self.manner.challenge.as_deref().unwrap_or(challenge),
            "origin": self.manner.origin,
        });
        if let Some(cross_origin) = self.manner.cross_origin {
            data["crossOrigin"] = json!(cross_origin);
        }
        if let Some(top_origin) = &self.manner.top_origin {
            data["topOrigin"] = json!(top_origin);
        }
        serde_json::to_vec(&data).unwrap()
    }

    fn authenticator_data(&self, rp_id: &str, counter: u32, attested: bool) -> Vec<u8> {
        let manner = &self.manner;
        let rp_id = manner.rp_id.as_deref().unwrap_or(rp_id);
        let flags = [
            (manner.user_present, 0x01),
            (manner.user_verified, 0x04),
            (manner.backup_eligible, 0x08),
            (manner.backed_up, 0x10),
            (attested, 0x40),
        ];
        let flags: u8 = flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, bit)| bit)
            .sum();
        let mut data = Sha256::digest(rp_id).to_vec();
        data.push(flags);
        data.extend(counter.to_be_bytes());
        data
    }
}

fn credential(id: &[u8], response: &Value) -> Value {
    json!({
        "id": text(id),
        "rawId": text(id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    })
}

fn ids(descriptors: &Value) -> Vec<Vec<u8>> {
    let listed = descriptors.as_array().map(Vec::as_slice);
    listed
        .unwrap_or_default()
        .iter()
        .map(|descriptor| bytes(&descriptor["id"]))
        .collect()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("base64url text");
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
