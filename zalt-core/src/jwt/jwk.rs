use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize, Serializer};

use super::algorithm::Curve;
use super::json::read_object;
use super::{Algorithm, KeyError, VerifyingKey};

/// A public key as JSON (RFC 7517). It has no room for private members or shared secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    key: PublicKey,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PublicKey {
    Ed25519([u8; 32]),
    Ec {
        curve: Curve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

impl Jwk {
    /// Reads one key and checks that it can verify signatures.
    pub fn parse(json: &[u8]) -> Result<Self, KeyError> {
        read_object(json, &mut ()).map_err(|_| KeyError::Malformed)?;
        serde_json::from_slice::<JwkMembers>(json)
            .map_err(|_| KeyError::Malformed)?
            .try_into()
    }

    /// The id that tokens name this key by.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm, as the key says it or as its curve implies it. An RSA key may leave it open.
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The key, bound to its own algorithm.
    pub fn verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        self.verifying_key_for(self.algorithm.ok_or(KeyError::AlgorithmUnspecified)?)
    }

    /// The key, bound to `algorithm`, which must be its own if it says one.
    pub fn verifying_key_for(&self, algorithm: Algorithm) -> Result<VerifyingKey, KeyError> {
        if self.algorithm.is_some_and(|own| own != algorithm) {
            return Err(KeyError::AlgorithmMismatch);
        }
        let key = match &self.key {
            PublicKey::Ed25519(x) => VerifyingKey::ed25519(x)?,
            PublicKey::Ec { curve, x, y } => {
                VerifyingKey::ec(*curve, &[&[0x04], x.as_slice(), y].concat())?
            }
            PublicKey::Rsa { n, e } => VerifyingKey::rsa(algorithm, n, e)?,
        };
        if key.algorithm() == algorithm {
            Ok(key)
        } else {
            Err(KeyError::AlgorithmMismatch)
        }
    }

    /// The SHA-256 thumbprint in base64url (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let canonical = match &self.key {
            PublicKey::Ed25519(x) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x))
            }
            PublicKey::Ec { curve, x, y } => format!(
                r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                curve.name(),
                encode(x),
                encode(y)
            ),
            PublicKey::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n))
            }
        };
        encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    }

    /// The same key under another id.
    #[must_use]
    pub fn with_kid(mut self, kid: String) -> Self {
        self.kid = Some(kid);
        self
    }

    pub(super) fn ed25519(x: [u8; 32]) -> Result<Self, KeyError> {
        Self::checked(None, Some(Algorithm::EdDsa), PublicKey::Ed25519(x))
    }

    /// `point` in uncompressed form.
    pub(super) fn ec(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        let (x, y) = point
            .strip_prefix(&[0x04])
            .and_then(|xy| xy.split_at_checked(curve.coordinate_bytes()))
            .ok_or(KeyError::Malformed)?;
        let (x, y) = (x.to_vec(), y.to_vec());
        Self::checked(None, Some(curve.algorithm()), PublicKey::Ec { curve, x, y })
    }

    fn checked(
        kid: Option<String>,
        algorithm: Option<Algorithm>,
        key: PublicKey,
    ) -> Result<Self, KeyError> {
        let jwk = Self {
            kid,
            algorithm,
            key,
        };
        // The size and exponent of an RSA key count whatever its algorithm turns out to be.
        jwk.verifying_key_for(algorithm.unwrap_or(Algorithm::Rs256))?;
        Ok(jwk)
    }
}

/// The members of a key as others write it.
#[derive(Deserialize)]
pub(super) struct JwkMembers {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    #[serde(rename = "use")]
    intended_use: Option<String>,
    key_ops: Option<Vec<String>>,
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
    dp: Option<IgnoredAny>,
    dq: Option<IgnoredAny>,
    qi: Option<IgnoredAny>,
    oth: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

impl TryFrom<JwkMembers> for Jwk {
    type Error = KeyError;

    fn try_from(members: JwkMembers) -> Result<Self, KeyError> {
        let key = members.public_key()?;
        if members.has_private_members() {
            return Err(KeyError::PrivateMembers);
        }
        if !members.is_for_verification() {
            return Err(KeyError::NotForVerification);
        }
        let named = match &members.alg {
            Some(alg) => Some(alg.parse().map_err(|_| KeyError::UnsupportedAlgorithm)?),
            None => None,
        };
        let implied = match &key {
            PublicKey::Ed25519(_) => Some(Algorithm::EdDsa),
            PublicKey::Ec { curve, .. } => Some(curve.algorithm()),
            PublicKey::Rsa { .. } => None,
        };
        Self::checked(members.kid, named.or(implied), key)
    }
}

impl JwkMembers {
    fn public_key(&self) -> Result<PublicKey, KeyError> {
        let crv = || self.crv.as_deref().ok_or(KeyError::Malformed);
        match self.kty.as_str() {
            "OKP" if crv()? == "Ed25519" => {
                let x = decode(self.x.as_ref())?;
                let x = x.try_into().map_err(|_| KeyError::Malformed)?;
                Ok(PublicKey::Ed25519(x))
            }
            "EC" => {
                let curve = Curve::from_name(crv()?).ok_or(KeyError::UnsupportedKeyType)?;
                let (x, y) = (decode(self.x.as_ref())?, decode(self.y.as_ref())?);
                // RFC 7518, section 6.2.1.2: full length, leading zeros included.
                if x.len() != curve.coordinate_bytes() || y.len() != curve.coordinate_bytes() {
                    return Err(KeyError::Malformed);
                }
                Ok(PublicKey::Ec { curve, x, y })
            }
            "RSA" => Ok(PublicKey::Rsa {
                n: decode(self.n.as_ref())?,
                e: decode(self.e.as_ref())?,
            }),
            _ => Err(KeyError::UnsupportedKeyType),
        }
    }

    const fn has_private_members(&self) -> bool {
        self.d.is_some()
            || self.p.is_some()
            || self.q.is_some()
            || self.dp.is_some()
            || self.dq.is_some()
            || self.qi.is_some()
            || self.oth.is_some()
            || self.k.is_some()
    }

    fn is_for_verification(&self) -> bool {
        let by_use = self.intended_use.as_deref().is_none_or(|one| one == "sig");
        let by_operations = self
            .key_ops
            .as_ref()
            .is_none_or(|operations| operations.iter().any(|one| one == "verify"));
        by_use && by_operations
    }
}

fn decode(member: Option<&String>) -> Result<Vec<u8>, KeyError> {
    URL_SAFE_NO_PAD
        .decode(member.ok_or(KeyError::Malformed)?)
        .map_err(|_| KeyError::Malformed)
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize, Default)]
        struct Members<'a> {
            kty: &'static str,
            #[serde(rename = "use")]
            intended_use: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            alg: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            kid: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            crv: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            x: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            y: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            n: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            e: Option<String>,
        }
        let encode = |bytes: &[u8]| Some(URL_SAFE_NO_PAD.encode(bytes));
        let common = Members {
            intended_use: "sig",
            alg: self.algorithm.map(Algorithm::as_str),
            kid: self.kid(),
            ..Members::default()
        };
        match &self.key {
            PublicKey::Ed25519(x) => Members {
                kty: "OKP",
                crv: Some("Ed25519"),
                x: encode(x),
                ..common
            },
            PublicKey::Ec { curve, x, y } => Members {
                kty: "EC",
                crv: Some(curve.name()),
                x: encode(x),
                y: encode(y),
                ..common
            },
            PublicKey::Rsa { n, e } => Members {
                kty: "RSA",
                n: encode(n),
                e: encode(e),
                ..common
            },
        }
        .serialize(serializer)
    }
}
