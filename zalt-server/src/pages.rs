//! The hosted pages: how they look and what they show.
//!
//! - [`theme`]: theme variables, their checked overrides and the stylesheet they become
//! - [`assets`]: the files that pages load, with hashed names
//! - [`views`]: one struct per page, plain data in, HTML out
//! - [`paths`]: every address, said once for templates and router
//! - [`policy`]: the content security policies
//!
//! Pages work without JavaScript; the one script only adds comfort. Nothing is inline, so the policy allows neither
//! inline script nor inline style.

pub(crate) mod assets;
pub(crate) mod paths;
pub(crate) mod policy;
pub(crate) mod theme;
pub(crate) mod views;
