use serde::{Deserialize, Serialize};

/// What links an account at a provider, the first time that it comes, to the account here that has the same address. Both sides
/// have to have verified the address in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkingPolicy {
    /// Whoever comes proves that the account here is theirs, as at any sign-in. An address that a provider vouches for may have had
    /// another owner when the account was made.
    #[default]
    ProveAccount,
    /// The address is enough, and the second factor is asked for as ever.
    VerifiedAddress,
}

impl LinkingPolicy {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProveAccount => "prove_account",
            Self::VerifiedAddress => "verified_address",
        }
    }
}
