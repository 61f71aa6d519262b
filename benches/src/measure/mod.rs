//! Operations on a running server: figures for each, tables and curves of many.

mod figure;
mod ground;
mod limits;
mod loads;
mod pictures;
mod reads;
mod tables;
mod verdicts;

pub use figure::{Figure, Meter, Pace, run_tag};
pub use ground::{Backend, Ground, Storage};
pub use limits::{Limits, one_hash};
pub use loads::{Loads, Place, Plan, measure};
pub use reads::{Read, What};
pub use tables::{duration, figures_table};
