//! The keys of passkeys, as COSE writes them (RFC 9053, RFC 8230).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

use crate::cbor;

#[derive(Debug)]
pub(crate) enum Key {
    /// ECDSA with P-256 and SHA-256.
    Es256(EcdsaKeyPair),
    /// RSA of 2048 bits with PKCS #1 v1.5 and SHA-256.
    Rs256(RsaKeyPair),
}

impl Key {
    pub(crate) fn generate(rsa: bool) -> Self {
        if rsa {
            Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
        } else {
            Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
        }
    }

    pub(crate) const fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => -7,
            Self::Rs256(_) => -257,
        }
    }

    /// The public key, with another number of its algorithm if one is given.
    pub(crate) fn cose(&self, algorithm: Option<i64>) -> Vec<u8> {
        let algorithm = cbor::integer(algorithm.unwrap_or(self.algorithm()));
        let label = cbor::integer;
        match self {
            Self::Es256(pair) => {
                let public = pair.public_key().as_ref();
                cbor::map(&[
                    (label(1), label(2)),
                    (label(3), algorithm),
                    (label(-1), label(1)),
                    (label(-2), cbor::bytes(&public[1..33])),
                    (label(-3), cbor::bytes(&public[33..])),
                ])
            }
            Self::Rs256(pair) => {
                // RSAPublicKey (RFC 8017, appendix A.1.1): a sequence of a modulus of 256 bytes, with a zero before it, and
                // an exponent of 3.
                let public = pair.public_key().as_ref();
                assert_eq!(public.len(), 4 + 4 + 1 + 256 + 2 + 3);
                cbor::map(&[
                    (label(1), label(3)),
                    (label(3), algorithm),
                    (label(-1), cbor::bytes(&public[9..265])),
                    (label(-2), cbor::bytes(&public[267..])),
                ])
            }
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }
}
