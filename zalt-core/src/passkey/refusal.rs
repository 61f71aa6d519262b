/// Why a passkey was not accepted. Whoever shows one is told only that it was not; the reason is for logs and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PasskeyRefusal {
    /// A part of what the browser sent is not in the form that it has to have.
    #[error("the response is malformed")]
    Malformed,
    /// The response is to another kind of request: one to sign in, where a passkey was to be registered, or the reverse.
    #[error("the response is to another kind of request")]
    Type,
    /// No request is open, it was answered before, or its time is over.
    #[error("no request is open that this could be the response to")]
    NoRequest,
    /// The response is to another request: an older one, somebody else's, or one of another purpose.
    #[error("the response is to another request")]
    Challenge,
    /// A page of another origin asked for it.
    #[error("a page of another origin asked for the response")]
    Origin,
    /// It was asked for in a frame on a page of another origin.
    #[error("the response was asked for in a frame of another origin")]
    CrossOrigin,
    /// It is for another relying party.
    #[error("the response is for another relying party")]
    RpId,
    /// Nobody touched the authenticator.
    #[error("nobody was there")]
    UserNotPresent,
    /// The authenticator did not check who was there, and that was required.
    #[error("the user was not verified")]
    UserNotVerified,
    /// Nobody has registered this passkey, or it is none that may be used here.
    #[error("the passkey is not known")]
    Unknown,
    /// It is somebody else's, or its authenticator holds it for another user.
    #[error("the passkey belongs to another user")]
    Foreign,
    /// The signature is not of this passkey over this request.
    #[error("the signature is wrong")]
    Signature,
    /// It says of itself that it may be backed up where it said before that it may not, or the reverse, or that it is
    /// backed up where it may not be.
    #[error("what the passkey says of its backup contradicts what it said before")]
    Backup,
    /// Its counter did not move on since it was last used: somebody may have a copy.
    #[error("the counter did not move on: there may be a copy of the passkey")]
    Counter,
    /// Its key is of an algorithm that is not offered.
    #[error("the key is of an algorithm that is not supported")]
    Algorithm,
    /// Its attestation is of a format that is not known.
    #[error("the attestation is of a format that is not supported")]
    AttestationFormat,
    /// Its attestation is not valid.
    #[error("the attestation is not valid")]
    Attestation,
    /// It was registered before, by this user or another.
    #[error("the passkey is registered already")]
    AlreadyRegistered,
}
