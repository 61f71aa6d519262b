//! Speaks OAuth 2 and OpenID Connect with the providers that people sign in with; core's
//! [`ProviderProtocol`](zalt_core::connection::ProviderProtocol).
//!
//! | room | what is in it |
//! |---|---|
//! | [`OAuthProviders`] | all of it, for settings of any provider |
//! | [`preset`] | what is known of providers: data, with the pages that it is from |
//! | [`Transport`] | what carries requests; by default a client that keeps out of the host's networks |
//!
//! ```
//! use std::sync::Arc;
//! use zalt_core::SystemClock;
//! use zalt_core::connection::{ConnectionKey, ConnectionSettings, ProviderProtocol};
//! use zalt_oauth::{OAuthProviders, OutboundConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let providers = OAuthProviders::new(Arc::new(SystemClock), &OutboundConfig::default())?;
//!
//! let mut company = ConnectionSettings::new(ConnectionKey::parse("company")?, "oidc", "zalt");
//! company.issuer = Some("https://login.example.com".parse()?);
//! company.client_secret = Some("from the provider".into());
//! assert!(providers.check(&company)?.nonce);
//! # Ok(())
//! # }
//! ```

mod apple;
mod cache;
mod call;
mod endpoint;
mod id_token;
mod identity;
mod keys;
mod metadata;
mod place;
pub mod preset;
mod provider;
mod providers;
mod token_answer;
mod transport;

pub use metadata::Metadata;
pub use providers::OAuthProviders;
pub use transport::Transport;
pub use zalt_outbound::{OutboundConfig, Reach, SendError, SetupError, tls};
