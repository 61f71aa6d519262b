use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use zeroize::Zeroizing;

use super::algorithm::Curve;
use super::verifying_key::shared_key;
use super::{
    Jwk, KeyError, MAX_TOKEN_BYTES, MIN_SHARED_SECRET_BYTES, SignError, SigningAlgorithm,
    TokenType, VerifyingKey,
};
use crate::environment::Rng;

/// A private key that signs tokens, parsed once.
pub struct SigningKey {
    algorithm: SigningAlgorithm,
    kid: Box<str>,
    access_header: Box<str>,
    secret: Secret,
    verifying_key: VerifyingKey,
    public_jwk: Option<Jwk>,
}

enum Secret {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Shared(Arc<hmac::Key>),
}

impl SigningKey {
    /// Makes a key from `rng` and returns it with the bytes to seal and keep.
    pub fn generate(
        algorithm: SigningAlgorithm,
        rng: &dyn Rng,
    ) -> Result<(Self, PrivateKeyBytes), KeyError> {
        let bytes = PrivateKeyBytes(match algorithm {
            SigningAlgorithm::EdDsa => generate_ed25519(rng)?,
            SigningAlgorithm::Es256 => generate_p256(rng)?,
            SigningAlgorithm::Hs256 => {
                let mut secret = Zeroizing::new(vec![0; MIN_SHARED_SECRET_BYTES]);
                rng.fill(&mut secret)?;
                secret
            }
        });
        Ok((Self::from_private_key(algorithm, bytes.as_bytes())?, bytes))
    }

    /// Takes up a key that [`SigningKey::generate`] made: PKCS#8 in DER for EdDSA and ES256, the secret for HS256.
    pub fn from_private_key(algorithm: SigningAlgorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        match algorithm {
            SigningAlgorithm::EdDsa => {
                let pair =
                    Ed25519KeyPair::from_pkcs8(bytes).map_err(|_| KeyError::InvalidPrivateKey)?;
                let public = pair.public_key().as_ref();
                let jwk = Jwk::ed25519(public.try_into().map_err(|_| KeyError::Malformed)?)?;
                Self::asymmetric(algorithm, Secret::Ed25519(pair), jwk)
            }
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes)
                    .map_err(|_| KeyError::InvalidPrivateKey)?;
                let jwk = Jwk::ec(Curve::P256, pair.public_key().as_ref())?;
                Self::asymmetric(algorithm, Secret::P256(pair), jwk)
            }
            SigningAlgorithm::Hs256 => Self::from_shared_secret(bytes),
        }
    }

    /// An HS256 key from a secret of at least 32 random bytes.
    ///
    /// Its `kid` tells keys apart and changes with the secret, but is a MAC under it and says nothing about it.
    pub fn from_shared_secret(secret: &[u8]) -> Result<Self, KeyError> {
        // No signing input can be this label: it has no dot.
        const LABEL: &[u8] = b"zalt jwt kid";
        let key = shared_key(secret)?;
        let label = hmac::sign(&key, LABEL);
        let kid = URL_SAFE_NO_PAD.encode(label.as_ref().first_chunk::<16>().unwrap_or(&[0; 16]));
        Self::new(
            SigningAlgorithm::Hs256,
            kid,
            Secret::Shared(Arc::clone(&key)),
            VerifyingKey::shared(key),
            None,
        )
    }

    /// The same key under the id that a reader of its tokens gave it, as Apple does for client secrets.
    pub fn with_kid(mut self, kid: &str) -> Result<Self, KeyError> {
        self.access_header = encode_header(self.algorithm, kid, TokenType::ACCESS)
            .map_err(|_| KeyError::Malformed)?
            .into();
        self.kid = kid.into();
        self.public_jwk = self.public_jwk.map(|jwk| jwk.with_kid(kid.to_owned()));
        Ok(self)
    }

    /// The algorithm that this key signs with.
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The id that its tokens name: for EdDSA and ES256 the thumbprint of the public key (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half to publish; none for HS256, which has none.
    pub const fn public_jwk(&self) -> Option<&Jwk> {
        self.public_jwk.as_ref()
    }

    /// The key that verifies what this one signs.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying_key.clone()
    }

    /// Signs `claims` as a token of kind `typ`.
    ///
    /// The nonce of an ES256 signature is drawn inside the cryptographic library, which mixes in the private key and
    /// the message, so that a weak generator does not give the key away; EdDSA and HS256 are deterministic.
    pub fn sign(&self, typ: TokenType, claims: &impl Serialize) -> Result<String, SignError> {
        let payload = serde_json::to_vec(claims)?;
        if payload.first() != Some(&b'{') {
            return Err(SignError::NotAnObject);
        }
        let mut token = String::with_capacity(payload.len() * 4 / 3 + 256);
        if typ == TokenType::ACCESS {
            token.push_str(&self.access_header);
        } else {
            token.push_str(&encode_header(self.algorithm, &self.kid, typ)?);
        }
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&payload, &mut token);
        self.append_signature(&mut token)?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(SignError::TooLarge);
        }
        Ok(token)
    }

    /// Turns a signing input into a JWS.
    fn append_signature(&self, token: &mut String) -> Result<(), SignError> {
        let message = token.as_bytes();
        let signature: &dyn AsRef<[u8]> = match &self.secret {
            Secret::Ed25519(pair) => &pair.sign(message),
            Secret::P256(pair) => &pair
                .sign(&SystemRandom::new(), message)
                .map_err(|_| SignError::Signature)?,
            Secret::Shared(key) => &hmac::sign(key, message),
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, token);
        Ok(())
    }

    /// Signs a signing input that no rule of ours shaped.
    #[cfg(test)]
    pub(super) fn sign_text(&self, mut signing_input: String) -> String {
        self.append_signature(&mut signing_input).unwrap();
        signing_input
    }

    fn asymmetric(algorithm: SigningAlgorithm, secret: Secret, jwk: Jwk) -> Result<Self, KeyError> {
        let verifying_key = jwk.verifying_key()?;
        let kid = jwk.thumbprint();
        let jwk = jwk.with_kid(kid.clone());
        Self::new(algorithm, kid, secret, verifying_key, Some(jwk))
    }

    fn new(
        algorithm: SigningAlgorithm,
        kid: String,
        secret: Secret,
        verifying_key: VerifyingKey,
        public_jwk: Option<Jwk>,
    ) -> Result<Self, KeyError> {
        let access_header =
            encode_header(algorithm, &kid, TokenType::ACCESS).map_err(|_| KeyError::Malformed)?;
        Ok(Self {
            algorithm,
            kid: kid.into(),
            access_header: access_header.into(),
            secret,
            verifying_key,
            public_jwk,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// A private key in its stored form, wiped from memory when dropped. Seal it before it goes anywhere.
pub struct PrivateKeyBytes(Zeroizing<Vec<u8>>);

impl PrivateKeyBytes {
    /// What [`SigningKey::from_private_key`] takes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PrivateKeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKeyBytes(..)")
    }
}

fn encode_header(
    algorithm: SigningAlgorithm,
    kid: &str,
    typ: TokenType,
) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Header<'a> {
        alg: &'static str,
        kid: &'a str,
        typ: &'static str,
    }
    let json = serde_json::to_vec(&Header {
        alg: algorithm.as_str(),
        kid,
        typ: typ.as_str(),
    })?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn generate_ed25519(rng: &dyn Rng) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill(seed.as_mut_slice())?;
    let pkcs8 = Ed25519KeyPair::from_seed_unchecked(seed.as_slice())
        .map_err(|_| KeyError::InvalidPrivateKey)?
        .to_pkcs8v1()
        .map_err(|_| KeyError::InvalidPrivateKey)?;
    Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

/// The library has no generator that takes our `rng`, but reads a bare private scalar (RFC 5915) and computes the point.
fn generate_p256(rng: &dyn Rng) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // SEQUENCE { INTEGER 1, OCTET STRING of 32 bytes, [0] OID prime256v1 }
    const BEFORE: [u8; 7] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
    const AFTER: [u8; 12] = [
        0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
    ];
    let mut scalar = Zeroizing::new([0; 32]);
    let mut der = Zeroizing::new(Vec::with_capacity(51));
    // One scalar in 2^32 is past the order of the group and refused; a third in a row means a broken source.
    for _ in 0..3 {
        rng.fill(scalar.as_mut_slice())?;
        der.clear();
        der.extend_from_slice(&BEFORE);
        der.extend_from_slice(scalar.as_slice());
        der.extend_from_slice(&AFTER);
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der);
        if let Ok(pkcs8) = pair
            .map_err(drop)
            .and_then(|pair| pair.to_pkcs8v1().map_err(drop))
        {
            return Ok(Zeroizing::new(pkcs8.as_ref().to_vec()));
        }
    }
    Err(KeyError::InvalidPrivateKey)
}
