//! ID tokens (OpenID Connect Core 1.0, section 3.1.3.7).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use zalt_core::Timestamp;
use zalt_core::connection::{IdTokenProblem, ProviderError};
use zalt_core::jwt::{
    Algorithm, Audience, Expected, JwtError, KeyRing, NumericDate, unverified_header, verify,
    verify_jws,
};

use crate::keys::{KeySource, Keys};

/// The placeholder in the issuer of a provider that has one for each tenant.
pub(crate) const TENANT: &str = "{tenantid}";
/// The tenant of accounts that belong to no organization.
pub(crate) const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// What an ID token is held against.
pub(crate) struct Check<'a> {
    /// The issuer as its metadata names it; it may have a placeholder for the tenant.
    pub(crate) issuer: &'a str,
    /// For whom the token may be: the client, and its siblings on phones where an app hands it in.
    pub(crate) clients: &'a [&'a str],
    pub(crate) algorithms: &'a [Algorithm],
    /// What has to be in it; nothing has to, and nothing may, where no nonce was sent.
    pub(crate) nonce: Nonce<'a>,
    /// The access token that came with it.
    pub(crate) access_token: Option<&'a str>,
    /// Whether accounts of organizations only may come, where there is an issuer for each tenant.
    pub(crate) organizations_only: bool,
    /// How long ago it may have been issued.
    pub(crate) max_age: Option<Duration>,
    pub(crate) now: Timestamp,
}

/// What is asked of `nonce`.
#[derive(Clone, Copy)]
pub(crate) enum Nonce<'a> {
    /// This, or none on both sides.
    Exactly(Option<&'a str>),
    /// Nothing: the provider sends none back.
    NotSent,
}

/// What a token that held says.
#[derive(Debug)]
pub(crate) struct IdToken {
    /// The issuer; where it is one for each tenant, that of the tenant.
    pub(crate) issuer: String,
    pub(crate) expires_at: Timestamp,
    /// All of it.
    pub(crate) claims: Value,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    exp: NumericDate,
    /// That it is not in the future is checked with the signature.
    iat: NumericDate,
    azp: Option<String>,
    nonce: Option<String>,
    at_hash: Option<String>,
}

#[derive(Deserialize)]
struct TenantClaim {
    tid: String,
}

impl Check<'_> {
    /// Checks `token`. A key that is not known makes the keys be fetched anew, at most once a minute.
    pub(crate) async fn verify(
        &self,
        token: &str,
        source: KeySource<'_>,
    ) -> Result<IdToken, ProviderError> {
        let header = unverified_header(token).map_err(|error| problem(&error))?;
        let algorithm = header
            .algorithm
            .filter(|algorithm| {
                *algorithm != Algorithm::Hs256 && self.algorithms.contains(algorithm)
            })
            .ok_or(invalid(IdTokenProblem::Algorithm))?;
        let keys = source.current().await?;
        let refused = match self.hold(token, algorithm, &keys) {
            Err(error) if may_be_rotation(&error, header.kid.is_some()) => error,
            held => return self.judge(held, algorithm),
        };
        let newer = source.after(&keys).await?;
        if Arc::ptr_eq(&newer, &keys) {
            return Err(problem(&refused));
        }
        self.judge(self.hold(token, algorithm, &newer), algorithm)
    }

    /// Signature, type, times, issuer and audience.
    fn hold(
        &self,
        token: &str,
        algorithm: Algorithm,
        keys: &Keys,
    ) -> Result<(String, Value), JwtError> {
        let ring = keys.ring(algorithm).ok_or(JwtError::WrongAlgorithm)?;
        let issuer = self.issuer_of(token, ring)?;
        let mut refused = JwtError::WrongAudience;
        for client in self.clients {
            let expected = Expected::id_token(&issuer, client, self.now);
            match verify::<Value>(token, ring, &expected) {
                Ok(claims) => return Ok((issuer, claims)),
                Err(JwtError::WrongAudience) => {}
                Err(error) => {
                    refused = error;
                    break;
                }
            }
        }
        Err(refused)
    }

    /// The issuer that the token must name. Where there is one for each tenant it depends on the token's own tenant, which is
    /// read once the signature holds.
    fn issuer_of(&self, token: &str, ring: &KeyRing) -> Result<String, JwtError> {
        if !self.issuer.contains(TENANT) {
            return Ok(self.issuer.to_owned());
        }
        let kid = unverified_header(token)?.kid.ok_or(JwtError::MissingKid)?;
        let payload = verify_jws(token, ring.key(&kid).ok_or(JwtError::UnknownKid)?)?;
        let TenantClaim { tid } =
            serde_json::from_slice(&payload).map_err(|_| JwtError::WrongIssuer)?;
        let may_come = !self.organizations_only || tid != PERSONAL_ACCOUNTS;
        if is_tenant(&tid) && may_come {
            Ok(self.issuer.replace(TENANT, &tid))
        } else {
            Err(JwtError::WrongIssuer)
        }
    }

    /// What is asked of ID tokens beyond that.
    fn judge(
        &self,
        held: Result<(String, Value), JwtError>,
        algorithm: Algorithm,
    ) -> Result<IdToken, ProviderError> {
        let (issuer, claims) = held.map_err(|error| problem(&error))?;
        let read = Claims::deserialize(&claims).map_err(|_| {
            let nobody = claims.get("sub").and_then(Value::as_str).is_none();
            invalid(if nobody {
                IdTokenProblem::Subject
            } else {
                IdTokenProblem::Malformed
            })
        })?;
        if read.sub.is_empty() || read.sub.len() > 255 {
            return Err(invalid(IdTokenProblem::Subject));
        }
        let mut expires_at = read.exp.timestamp();
        if let Some(max_age) = self.max_age {
            expires_at = expires_at.min(read.iat.timestamp() + max_age);
        }
        let expires_at = expires_at + LEEWAY;
        if expires_at <= self.now {
            return Err(invalid(IdTokenProblem::Expired));
        }
        self.check_party(&read)?;
        self.check_nonce(read.nonce.as_deref())?;
        if let (Some(hash), Some(access_token)) = (&read.at_hash, self.access_token)
            && left_half(algorithm, access_token) != *hash
        {
            return Err(invalid(IdTokenProblem::Signature));
        }
        Ok(IdToken {
            issuer,
            expires_at,
            claims,
        })
    }

    /// A token for several has to say to whom it was issued, and whoever it says has to be us.
    fn check_party(&self, claims: &Claims) -> Result<(), ProviderError> {
        let several = matches!(&claims.aud, Audience::Many(all) if all.len() > 1);
        let ours = match claims.azp.as_deref() {
            Some(azp) => self.clients.contains(&azp),
            None => !several,
        };
        if ours {
            Ok(())
        } else {
            Err(invalid(IdTokenProblem::AuthorizedParty))
        }
    }

    fn check_nonce(&self, named: Option<&str>) -> Result<(), ProviderError> {
        let same = match (self.nonce, named) {
            (Nonce::NotSent, _) | (Nonce::Exactly(None), None) => true,
            (Nonce::Exactly(Some(sent)), Some(named)) => {
                sent.as_bytes().ct_eq(named.as_bytes()).into()
            }
            (Nonce::Exactly(_), _) => false,
        };
        if same {
            Ok(())
        } else {
            Err(invalid(IdTokenProblem::Nonce))
        }
    }
}

/// What the default [`Leeway`](zalt_core::jwt::Leeway) is.
const LEEWAY: Duration = Duration::from_secs(30);

/// `at_hash` (section 3.1.3.6): the left half of the digest that goes with the algorithm.
fn left_half(algorithm: Algorithm, access_token: &str) -> String {
    let digest = match algorithm {
        Algorithm::Es384 | Algorithm::Rs384 | Algorithm::Ps384 => {
            Sha384::digest(access_token).to_vec()
        }
        Algorithm::Es512 | Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::EdDsa => {
            Sha512::digest(access_token).to_vec()
        }
        _ => Sha256::digest(access_token).to_vec(),
    };
    let half = digest.get(..digest.len() / 2).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(half)
}

/// A UUID in its usual spelling, which is all that may take the place of the placeholder.
pub(crate) fn is_tenant(tid: &str) -> bool {
    tid.len() == 36
        && tid.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Whether a token might hold under keys that were published since. One without a key id fits any key by name.
fn may_be_rotation(error: &JwtError, names_key: bool) -> bool {
    match error {
        JwtError::UnknownKid | JwtError::MissingKid => true,
        JwtError::InvalidSignature => !names_key,
        _ => false,
    }
}

fn invalid(problem: IdTokenProblem) -> ProviderError {
    ProviderError::IdTokenInvalid(problem)
}

fn problem(error: &JwtError) -> ProviderError {
    invalid(match error {
        JwtError::InvalidSignature | JwtError::UnknownKid | JwtError::MissingKid => {
            IdTokenProblem::Signature
        }
        JwtError::WrongAlgorithm => IdTokenProblem::Algorithm,
        JwtError::WrongIssuer => IdTokenProblem::Issuer,
        JwtError::WrongAudience => IdTokenProblem::Audience,
        JwtError::Expired => IdTokenProblem::Expired,
        JwtError::NotYetValid | JwtError::IssuedInFuture => IdTokenProblem::NotYetValid,
        _ => IdTokenProblem::Malformed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_an_access_token_is_as_in_the_specification() {
        // OpenID Connect Core 1.0, appendix A.3.
        let hash = left_half(
            Algorithm::Rs256,
            "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
        );
        assert_eq!(hash, "77QmUPtjPfzWtF2AnpK9RQ");
    }

    #[test]
    fn a_tenant_is_a_uuid_and_nothing_that_bends_an_address() {
        assert!(is_tenant("9188040d-6c67-4c5b-b112-36a304b66dad"));
        for tid in [
            "",
            "common",
            "9188040D-6c67-4c5b-b112-36a304b66dad",
            "9188040d-6c67-4c5b-b112-36a304b66dad/",
            "../../../../../../../../../../evil.e",
            "9188040d_6c67_4c5b_b112_36a304b66dad",
        ] {
            assert!(!is_tenant(tid), "{tid}");
        }
    }
}
