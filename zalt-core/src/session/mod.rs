//! Sessions: a user signed in on one device, until it expires or is revoked.

mod model;

pub use model::{AuthenticationMethod, RefreshState, RevokeReason, Session, Transport};
