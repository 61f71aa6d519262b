//! Connections: providers that people sign in with.

mod model;
mod provider;
mod settings;

pub use model::{Connection, ConnectionState};
pub use provider::{
    AuthorizationRequest, IdTokenProblem, OAuthErrorCode, Prompt, ProviderEmail, ProviderError,
    ProviderIdentity, ProviderProtocol, ProviderTokens, ProviderTraits, Redeemed, Redemption,
    SettingsProblem, VerifiedIdToken,
};
pub use settings::{ConnectionKey, ConnectionKeyError, ConnectionSettings, OAuthEndpoints};
