//! What a browser sends once an authenticator has answered, in the form of `PublicKeyCredential.toJSON()` (Web
//! Authentication Level 3, section 5.1).

use serde::{Deserialize, Deserializer, de};

use super::bytes::Base64Url;

/// The response to a request to register a passkey (`RegistrationResponseJSON`). Members that nothing is done with are
/// passed over; each that is kept has a limit.
#[derive(Debug, Clone)]
pub struct RegistrationResponse {
    /// What the authenticator calls the new passkey.
    pub credential_id: Base64Url,
    /// What the browser says of the request, as it was hashed.
    pub client_data: Base64Url,
    /// The authenticator's statement, in CBOR.
    pub attestation_object: Base64Url,
    /// How the authenticator may be reached.
    pub transports: Vec<String>,
}

/// The response to a request to sign in with a passkey (`AuthenticationResponseJSON`).
#[derive(Debug, Clone)]
pub struct AssertionResponse {
    /// What the authenticator calls the passkey.
    pub credential_id: Base64Url,
    /// What the browser says of the request, as it was hashed.
    pub client_data: Base64Url,
    /// What the authenticator says.
    pub authenticator_data: Base64Url,
    /// Its signature over both.
    pub signature: Base64Url,
    /// Whose the passkey is, as the authenticator has it.
    pub user_handle: Option<Base64Url>,
}

/// The longest credential id (section 4, "Credential ID").
const CREDENTIAL_ID: usize = 1023;
const CLIENT_DATA: usize = 4 * 1024;
/// An attestation with its certificates has a few KiB.
const ATTESTATION_OBJECT: usize = 24 * 1024;
const AUTHENTICATOR_DATA: usize = 4 * 1024;
/// RSA with 4096 bits has 512 bytes.
const SIGNATURE: usize = 1024;
/// Section 5.4.3.
const USER_HANDLE: usize = 64;
/// Browsers know a handful of transports, each a short word.
const TRANSPORTS: usize = 8;
const TRANSPORT: usize = 32;

#[derive(Deserialize)]
struct Envelope<R> {
    id: Base64Url,
    #[serde(rename = "rawId")]
    raw_id: Base64Url,
    #[serde(rename = "type")]
    kind: String,
    response: R,
}

impl<R> Envelope<R> {
    fn open<E: de::Error>(self) -> Result<(Base64Url, R), E> {
        // Both are the same bytes; who signs a message with two ids has something in mind.
        if self.kind != "public-key" || self.id != self.raw_id {
            return Err(E::custom("not a public key credential"));
        }
        let length = self.raw_id.as_bytes().len();
        if length == 0 || length > CREDENTIAL_ID {
            return Err(E::custom("the credential id has an impossible length"));
        }
        Ok((self.raw_id, self.response))
    }
}

fn at_most<E: de::Error>(limit: usize, bytes: &Base64Url) -> Result<(), E> {
    if bytes.as_bytes().len() <= limit {
        Ok(())
    } else {
        Err(E::custom("a member is too long"))
    }
}

impl<'de> Deserialize<'de> for RegistrationResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Made {
            #[serde(rename = "clientDataJSON")]
            client_data: Base64Url,
            #[serde(rename = "attestationObject")]
            attestation_object: Base64Url,
            #[serde(default)]
            transports: Vec<String>,
        }
        let (credential_id, response) = Envelope::<Made>::deserialize(deserializer)?.open()?;
        at_most(CLIENT_DATA, &response.client_data)?;
        at_most(ATTESTATION_OBJECT, &response.attestation_object)?;
        let mut transports = response.transports;
        transports.retain(|transport| is_word(transport));
        transports.truncate(TRANSPORTS);
        Ok(Self {
            credential_id,
            client_data: response.client_data,
            attestation_object: response.attestation_object,
            transports,
        })
    }
}

impl<'de> Deserialize<'de> for AssertionResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Signed {
            #[serde(rename = "clientDataJSON")]
            client_data: Base64Url,
            #[serde(rename = "authenticatorData")]
            authenticator_data: Base64Url,
            signature: Base64Url,
            #[serde(rename = "userHandle", default)]
            user_handle: Option<Base64Url>,
        }
        let (credential_id, response) = Envelope::<Signed>::deserialize(deserializer)?.open()?;
        at_most(CLIENT_DATA, &response.client_data)?;
        at_most(AUTHENTICATOR_DATA, &response.authenticator_data)?;
        at_most(SIGNATURE, &response.signature)?;
        // An authenticator without one is said by some browsers to have an empty one.
        let user_handle = response
            .user_handle
            .filter(|handle| !handle.as_bytes().is_empty());
        if let Some(handle) = &user_handle {
            at_most(USER_HANDLE, handle)?;
        }
        Ok(Self {
            credential_id,
            client_data: response.client_data,
            authenticator_data: response.authenticator_data,
            signature: response.signature,
            user_handle,
        })
    }
}

/// A transport as the specification writes them. It is sent back to browsers, and nothing else is made of it.
fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c == '-';
    !text.is_empty() && text.len() <= TRANSPORT && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn registration() -> Value {
        json!({
            "id": "AQID", "rawId": "AQID", "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": "e30", "attestationObject": "oA", "publicKeyAlgorithm": -7,
                "transports": ["internal", "hybrid", "<b>"],
            },
        })
    }

    #[test]
    fn what_to_json_makes_is_read_and_its_extras_passed_over() {
        let read: RegistrationResponse = serde_json::from_value(registration()).unwrap();
        assert_eq!(read.credential_id.as_bytes(), [1, 2, 3]);
        assert_eq!(read.client_data.as_bytes(), b"{}");
        assert_eq!(read.transports, ["internal", "hybrid"]);
        let assertion = json!({
            "id": "AQID", "rawId": "AQID", "type": "public-key",
            "response": { "clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA", "userHandle": "" },
        });
        let read: AssertionResponse = serde_json::from_value(assertion).unwrap();
        assert_eq!(read.user_handle, None);
    }

    #[test]
    fn two_ids_another_type_and_too_much_are_refused() {
        let wrong = |path: &str, value: Value| {
            let mut response = registration();
            *response.pointer_mut(path).unwrap() = value;
            serde_json::from_value::<RegistrationResponse>(response).is_err()
        };
        assert!(wrong("/id", json!("AQIE")));
        assert!(wrong("/type", json!("password")));
        assert!(wrong("/rawId", json!("AQID=")));
        assert!(wrong("/response/clientDataJSON", json!("A".repeat(8192))));
        assert!(wrong(
            "/response/attestationObject",
            json!("A".repeat(40_000))
        ));
        let long = "A".repeat(1400);
        let mut response = registration();
        response["id"] = json!(long);
        response["rawId"] = json!(long);
        assert!(serde_json::from_value::<RegistrationResponse>(response).is_err());
    }
}
