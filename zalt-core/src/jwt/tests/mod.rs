//! Tokens from end to end within the module; one file per side.

mod keys;
mod tokens;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::digest;

use super::*;
use crate::environment::{Rng, RngError, Timestamp};

const ISSUER: &str = "https://auth.example.com";
const AUDIENCE: &str = "https://app.example.com";
const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// A stream of SHA-256 over a counter: other bytes at every call, the same in every run.
#[derive(Debug, Default)]
struct CountingRng(AtomicU64);

impl Rng for CountingRng {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RngError> {
        for chunk in bytes.chunks_mut(32) {
            let counter = self.0.fetch_add(1, Ordering::Relaxed);
            let block = digest::digest(&digest::SHA256, &counter.to_le_bytes());
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct ConstantRng(u8);

impl Rng for ConstantRng {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RngError> {
        bytes.fill(self.0);
        Ok(())
    }
}

#[derive(Debug)]
struct BrokenRng;

impl Rng for BrokenRng {
    fn fill(&self, _: &mut [u8]) -> Result<(), RngError> {
        Err(RngError)
    }
}

const ALL: [SigningAlgorithm; 3] = [
    SigningAlgorithm::EdDsa,
    SigningAlgorithm::Es256,
    SigningAlgorithm::Hs256,
];

fn key(algorithm: SigningAlgorithm) -> SigningKey {
    SigningKey::generate(algorithm, &CountingRng::default())
        .unwrap()
        .0
}

fn ring_of(key: &SigningKey) -> KeyRing {
    let mut ring = KeyRing::new();
    ring.insert(key.kid(), key.verifying_key()).unwrap();
    ring
}

fn claims() -> AccessClaims {
    AccessClaims {
        iss: ISSUER.into(),
        sub: "user_01h455vb4pex5vsknk084sn02q".into(),
        aud: Audience::One(AUDIENCE.into()),
        exp: (NOW + Duration::from_mins(5)).into(),
        iat: NOW.into(),
        nbf: NOW.into(),
        jti: "01h455vb4pex5vsknk084sn02q".into(),
        sid: "session_01h455vb4pex5vsknk084sn02q".into(),
        amr: vec!["pwd".into(), "otp".into()],
        auth_time: NOW.into(),
        custom: CustomClaims::default(),
    }
}

fn expected() -> Expected<'static> {
    Expected::access_token(ISSUER, AUDIENCE, NOW)
}
