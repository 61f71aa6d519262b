//! Connections: providers that people sign in with.
//!
//! A connection is set up in code ([`Config::connections`](crate::Config::connections)) or at run time
//! ([`Connections::create`]). Whatever speaks OAuth 2 or OpenID Connect is behind [`ProviderProtocol`]; `zalt-oauth` has the
//! implementation. Here are the rules: who comes in as whom, and what is kept.
//!
//! # What an adapter does
//!
//! | request | call | then |
//! |---|---|---|
//! | which there are | [`Connections::usable`] | a button for each |
//! | begin | [`Connections::begin`] | keep the token in a cookie that comes along from the provider (`SameSite=Lax`), redirect to `url` |
//! | begin to link | [`Connections::begin_link`] | the same |
//! | the provider posts | | 303 to the same address with `code`, `state`, `iss`, `error`, `user` as query, so that the cookies come along |
//! | the provider redirects | [`Connections::callback`] with the cookie's token, and who is signed in | by [`ConnectionProgress`](crate::attempt::ConnectionProgress), below |
//! | an app's ID token | [`Connections::begin_id_token`], [`Connections::take_id_token`] | the same |
//! | take away | [`Connections::unlink`] | |
//! | a provider's API | [`Connections::provider_token`] | for the application, not for browsers |
//!
//! | progress | what is next |
//! |---|---|
//! | `SignIn` | as after any first factor: a session, or a second factor for the attempt |
//! | `SignedUp` | a session |
//! | `ProveAccount` | the attempt is a sign-in at its first factor: [`sign_ins`](crate::Zalt::sign_ins), with the same token |
//! | `VerifyAddress` | the attempt is a sign-up whose code was mailed: [`sign_ups`](crate::Zalt::sign_ups), with the same token |
//! | `NeedsEmailAddress` | [`Connections::give_email_address`], then as `VerifyAddress` |
//! | `Linked` | back to the account page |
//!
//! The token of the attempt stays the same from the beginning to the end, unless a progress brings one. A sign-in or sign-up says
//! where it came from and where the person wants to be in its `connection`.
//!
//! # What holds
//!
//! - An account at a provider is known by issuer and subject, and belongs to one user. Addresses only ever matter the first time.
//! - What comes back counts in the browser that was sent, once, within ten minutes, and for the connection that it was begun with.
//! - An address that the provider does not vouch for leads to nothing but a code of our own to that address.
//! - An address that it vouches for and that has an account here leads to proving that account, or links by policy.
//! - Tokens are sealed for their row, and go with it.

mod administration;
mod attempt;
mod external_account;
mod external_accounts;
mod failure;
mod linking;
mod model;
mod provider;
mod return_address;
mod service;
mod settings;
mod tokens;

pub use administration::ConnectionUpdate;
pub use attempt::{
    ConnectionAttempt, ConnectionPurpose, ConnectionStatus, RedirectMode, ViaConnection,
};
pub use external_account::{ExternalAccount, PendingAccount};
pub(crate) use external_accounts::unlinked;
pub use failure::ConnectionFailure;
pub use linking::LinkingPolicy;
pub use model::{Connection, ConnectionState};
pub use provider::{
    AuthorizationRequest, IdTokenProblem, OAuthErrorCode, Prompt, ProviderEmail, ProviderError,
    ProviderIdentity, ProviderProtocol, ProviderTokens, ProviderTraits, Redeemed, Redemption,
    SettingsProblem, VerifiedIdToken,
};
pub use return_address::ReturnAddress;
pub(crate) use return_address::may_be_listed;
pub(crate) use service::Usable;
pub use service::{ConnectionInfo, ConnectionSource, Connections};
pub use settings::{
    ConnectionKey, ConnectionKeyError, ConnectionSettings, OAuthEndpoints, ProviderMark,
};
pub use tokens::ProviderToken;
pub(crate) use tokens::Refreshing;
