//! The hosted pages: how they look, and what they show.
//!
//! Pages work without JavaScript, load nothing from other origins and take every colour, length and font from the
//! theme. Handlers hold no rules: they call the core, and say what it says.

mod assets;
mod device;
mod fault;
mod flash;
mod handlers;
mod headers;
mod local;
mod marks;
mod messages;
mod moment;
mod paths;
mod policy;
mod posted;
mod return_to;
mod state;
mod theme;
mod views;
mod visit;

pub(crate) use handlers::{REQUEST_TIMEOUT, router};
pub(crate) use paths::SIGN_IN_CONNECTION;
pub(crate) use state::Pages;
pub(crate) use theme::{Theme, ThemeConfig};
pub(crate) use visit::KnownUser;

#[cfg(test)]
mod tests;
