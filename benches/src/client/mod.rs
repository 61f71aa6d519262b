//! A small HTTP/1.1 client that is cheap enough to drive a server on the same cores, and reaches this machine only.

mod connections;
mod target;

pub use connections::{Client, Reply, SendError};
pub use target::{Target, TargetError};
