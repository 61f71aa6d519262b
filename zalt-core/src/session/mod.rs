//! Sessions: a user signed in on one device, until it expires or is revoked.

mod limit;
mod model;
mod refresh;
mod requirement;
mod service;
mod start;

pub use model::{
    Assurance, Authentication, AuthenticationMethod, RefreshState, RevokeReason, Session, Transport,
};
pub use requirement::Requirement;
pub use service::{Authenticated, Sessions};
pub(crate) use start::NewSession;
pub use start::{SessionCredentials, SignedIn};
