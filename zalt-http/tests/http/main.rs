//! The API in process: the shared behaviours, and what only concerns this crate.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

mod auth;
mod bodies;
mod documents;
mod logs;
mod races;
mod support;

use futures_executor::block_on;
use zalt_http_behaviours::InProcess;

zalt_http_behaviours::tests!(|behaviour: &zalt_http_behaviours::Behaviour| {
    logs::captured();
    block_on(behaviour.run(&InProcess));
});
