//! The driver against servers that run: one of somebody else's, made up for this, and our own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

mod adapter_files;
mod other_product;
mod population;
mod stub;
mod zalt;
