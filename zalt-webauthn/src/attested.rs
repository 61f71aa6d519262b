use std::collections::BTreeMap;

use serde::Deserialize;
use serde_cbor_2::{Deserializer, Value};
use zalt_core::passkey::PasskeyRefusal;

/// What authenticator data says of a new key (Web Authentication Level 3, section 6.5.1), in the bytes that it was
/// written in.
pub(crate) struct Attested<'a> {
    pub(crate) aaguid: [u8; 16],
    pub(crate) credential_id: &'a [u8],
    /// A COSE key.
    pub(crate) public_key: &'a [u8],
}

/// An attestation object without what it attests.
pub(crate) struct AttestationObject {
    auth_data: Vec<u8>,
}

/// The format of an object that attests nothing.
pub(crate) const NONE: &str = "none";

/// The hash of the relying party's id, the flags and the counter.
const HEADER: usize = 32 + 1 + 4;

impl AttestationObject {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, PasskeyRefusal> {
        let Ok(Value::Map(mut members)) = serde_cbor_2::from_slice(bytes) else {
            return Err(PasskeyRefusal::Malformed);
        };
        let mut take = |name: &str| members.remove(&Value::Text(name.to_owned()));
        match (take("fmt"), take("authData")) {
            (Some(Value::Text(_)), Some(Value::Bytes(auth_data))) => Ok(Self { auth_data }),
            _ => Err(PasskeyRefusal::Malformed),
        }
    }

    /// The object as an authenticator writes it that attests nothing.
    pub(crate) fn without_statement(&self) -> Result<Vec<u8>, PasskeyRefusal> {
        let text = |text: &str| Value::Text(text.to_owned());
        let members = [
            (text("fmt"), text(NONE)),
            (text("attStmt"), Value::Map(BTreeMap::new())),
            (text("authData"), Value::Bytes(self.auth_data.clone())),
        ];
        let object = Value::Map(members.into_iter().collect());
        serde_cbor_2::to_vec(&object).map_err(|_| PasskeyRefusal::Malformed)
    }

    pub(crate) fn attested(&self) -> Result<Attested<'_>, PasskeyRefusal> {
        self.split().ok_or(PasskeyRefusal::Malformed)
    }

    fn split(&self) -> Option<Attested<'_>> {
        let rest = self.auth_data.get(HEADER..)?;
        let (aaguid, rest) = rest.split_first_chunk::<16>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (credential_id, rest) =
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        // Extensions may follow the key.
        let mut key = Deserializer::from_slice(rest);
        Value::deserialize(&mut key).ok()?;
        Some(Attested {
            aaguid: *aaguid,
            credential_id,
            public_key: rest.get(..key.byte_offset())?,
        })
    }
}
