//! Operations on a running server: figures for each, tables and curves of many.

mod figure;
mod ground;
mod limits;
mod listing;
mod loads;
mod pictures;
mod tables;
mod verdicts;

pub use figure::{Figure, Meter, Pace, run_tag};
pub use ground::{Backend, Ground, NotHere};
pub use limits::{Limits, durable_commits, one_hash};
pub use listing::{Listing, list};
pub use loads::{Loads, Place, Plan, measure};
pub use tables::{duration, figures_table};
