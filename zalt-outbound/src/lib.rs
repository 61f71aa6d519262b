//! Requests that Zalt sends out: whom it trusts (TLS), and where it may go.
//!
//! Where a stranger, or an administrator at run time, has a say in an address, a plain HTTP client is a way into the network
//! that it runs in: metadata services, databases, admin pages. [`GuardedClient`] is for those addresses:
//!
//! - `https` only; `http` to this machine where the caller asked for it by [`Reach`], and nowhere else;
//! - the address that a name resolves to is checked, and that very address is connected to: there is no second look-up
//!   that could answer otherwise (DNS rebinding);
//! - no redirects, no proxy from the environment, a timeout on everything, a cap on the answer.
//!
//! ```
//! use std::time::Duration;
//! use zalt_outbound::{GuardedClient, OutboundConfig, Reach, SendError};
//!
//! # async fn metadata() -> Result<(), Box<dyn std::error::Error>> {
//! let client = GuardedClient::new(
//!     &OutboundConfig::default()
//!         .with_timeout(Duration::from_secs(5))
//!         // A company's own provider, in a network that nobody else reaches.
//!         .with_private_host("login.corp.example"),
//! )?;
//! let request = http::Request::get("https://169.254.169.254/latest/meta-data").body(Vec::new())?;
//! assert!(matches!(client.send(request, Reach::Internet).await, Err(SendError::Blocked)));
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(metadata()).unwrap();
//! ```

mod address;
mod client;
mod host;
mod resolver;
pub mod tls;

pub use address::is_public;
pub use client::{GuardedClient, OutboundConfig, Reach, SendError, SetupError};
pub use host::is_loopback;
