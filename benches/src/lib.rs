//! Measures Zalt, and by the same driver any other product.
//!
//! `cargo xtask bench` builds the server and this program for release and measures everything that `docs/performance.md`
//! says; `cargo xtask bench --against URL --adapter FILE` measures a server of somebody else's on this machine.
//!
//! # Rooms
//!
//! | room | what is in it |
//! |---|---|
//! | [`load`] | when requests are due, and how long they took |
//! | [`client`] | HTTP to a server on this machine, and to no other |
//! | [`adapter`] | what a product is asked, read from a file |
//! | [`drive`] | an adapter, a server and a crowd put together |
//! | [`population`] | a store full of people |
//! | [`server`], [`process`] | our own server as a process, and what a process uses |
//! | [`measure`] | operations on running servers, as tables |
//! | [`chart`] | curves |
//! | [`document`] | where the results are written |
//! | [`app`] | an application inside this process |
//! | [`budget`] | the performance budget, each figure beside the limit that it is held against |

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::missing_panics_doc,
    reason = "a measuring program: it reads the clock, prints, and ends at the unexpected"
)]

pub mod adapter;
pub mod app;
pub mod budget;
pub mod chart;
pub mod client;
pub mod document;
pub mod drive;
pub mod load;
pub mod measure;
pub mod population;
pub mod process;
pub mod server;
