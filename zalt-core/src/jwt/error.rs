use super::DuplicateKid;
use crate::environment::RngError;

/// Why a token was refused.
///
/// The reasons are for logs and tests; what an HTTP caller hears is "invalid token". Sources are left out on
/// purpose: a JSON error quotes its input, and tokens must not reach a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// Longer than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES), or its header is longer than 1 KiB.
    #[error("the token is too large")]
    TooLarge,
    /// Not three parts joined by two dots.
    #[error("the token is not a compact JWS")]
    NotCompact,
    /// A part is not base64url in its one canonical, unpadded spelling.
    #[error("a part of the token is not canonical base64url")]
    InvalidEncoding,
    /// The header is not a JSON object with `alg`, or a member has the wrong type.
    #[error("the token's header is malformed")]
    MalformedHeader,
    /// The header names a member twice.
    #[error("the token's header names a member twice")]
    DuplicateHeaderMember,
    /// The header asks for an extension (`crit`, `b64`); none is supported.
    #[error("the token's header asks for an extension")]
    UnsupportedExtension,
    /// The header brings a key or points to one (`jwk`, `jku`, `x5c`, `x5u`).
    #[error("the token's header brings its own key")]
    KeyInHeader,
    /// `typ` is missing or is not the expected kind of token.
    #[error("the token is not of the expected type")]
    WrongType,
    /// The header has no `kid`.
    #[error("the token does not name its key")]
    MissingKid,
    /// No key has this `kid`.
    #[error("the token names an unknown key")]
    UnknownKid,
    /// `alg` is not the key's algorithm; `none` ends here too.
    #[error("the token's algorithm is not its key's")]
    WrongAlgorithm,
    /// The signature does not hold.
    #[error("the token's signature is invalid")]
    InvalidSignature,
    /// The payload is not a JSON object in UTF-8, or `exp`, `nbf`, `iat`, `iss` or `aud` has the wrong type.
    #[error("the token's payload is malformed")]
    MalformedPayload,
    /// The payload names a member twice, at any depth.
    #[error("the token's payload names a member twice")]
    DuplicateClaim,
    /// There is no `exp`.
    #[error("the token does not expire")]
    MissingExpiry,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` lies ahead.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` lies ahead.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// `iss` is missing or another issuer.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` is missing or does not contain the expected audience.
    #[error("the token is for another audience")]
    WrongAudience,
    /// The payload lacks a claim that the caller's type asks for, or one has the wrong type.
    #[error("the token lacks an expected claim")]
    UnexpectedClaims,
}

/// Why a key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The shared secret is shorter than [`MIN_SHARED_SECRET_BYTES`](super::MIN_SHARED_SECRET_BYTES).
    #[error("the shared secret has {length} bytes; HS256 needs at least 32 random ones")]
    SecretTooShort {
        /// How many bytes were given.
        length: usize,
    },
    /// The private key is not PKCS#8 of the algorithm's kind.
    #[error("the private key is not a PKCS#8 key for its algorithm")]
    InvalidPrivateKey,
    /// Not a JSON object with the members of its key type, correctly encoded.
    #[error("the JSON Web Key is malformed")]
    Malformed,
    /// `kty` or `crv` is not one that we verify with; `oct` is among them: secrets don't travel in key sets.
    #[error("the key type or curve is not supported")]
    UnsupportedKeyType,
    /// `alg` is not one that we verify with.
    #[error("the key's algorithm is not supported")]
    UnsupportedAlgorithm,
    /// `use` or `key_ops` reserve the key for something else.
    #[error("the key is not meant for verifying signatures")]
    NotForVerification,
    /// The key carries private members: whoever published it gave it away.
    #[error("the key carries private members")]
    PrivateMembers,
    /// An RSA modulus outside 2048 to 8192 bits, a bad RSA exponent, or an Ed25519 point of small order.
    #[error("the key is too weak or too large")]
    Weak,
    /// The point is not on its curve.
    #[error("the key is not a point on its curve")]
    InvalidPoint,
    /// The key can't be used with the algorithm.
    #[error("the key does not belong to the algorithm")]
    AlgorithmMismatch,
    /// An RSA key without `alg`: say which algorithm its issuer uses.
    #[error("the key does not say its algorithm")]
    AlgorithmUnspecified,
    /// The random source failed.
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// Why a key set was refused as a whole. A single unusable key is skipped instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkSetError {
    /// Larger than 128 KiB.
    #[error("the key set is too large")]
    TooLarge,
    /// More than 100 keys.
    #[error("the key set holds too many keys")]
    TooManyKeys,
    /// Not a JSON object in UTF-8 with a `keys` array.
    #[error("the key set is malformed")]
    Malformed,
    /// A member is named twice.
    #[error("the key set names a member twice")]
    DuplicateMember,
    /// Two usable keys share a `kid`, so it does not say which one is meant.
    #[error(transparent)]
    DuplicateKid(#[from] DuplicateKid),
}

/// Why a token could not be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The claims can't be written as JSON.
    #[error("the claims can't be written as JSON")]
    Claims(#[from] serde_json::Error),
    /// The claims are not a JSON object.
    #[error("the claims are not a JSON object")]
    NotAnObject,
    /// The token would be longer than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES) and no reader would take it.
    #[error("the token would be too large")]
    TooLarge,
    /// The cryptographic library refused to sign.
    #[error("signing failed")]
    Signature,
}
