//! The kit itself: the reference store passes it, and stores with one fault each are caught.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a double that fails otherwise than by its fault is a failed test"
)]

mod broken;
mod cached;
mod doubles;
mod memory;
mod memory_budgets;
mod places;
