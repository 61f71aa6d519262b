//! Loads: operations that begin when they are due, and what came of them.
//!
//! A load that sends the next request when the one before was answered (a closed loop) asks less of a server the slower it
//! gets, and so measures least where it matters most. [`open_loop`] decides beforehand when each request is due, sends it
//! then whatever became of the others, and counts its latency *from when it was due*: whoever waits for their turn waits.
//! [`closed_loop`] finds out how much a server does at the most.

mod latencies;
mod outcome;
mod random;
mod run;
mod schedule;

pub use latencies::{Latencies, median};
pub use outcome::Outcome;
pub use random::Random;
pub use run::{closed_loop, open_loop};
pub use schedule::{Arrivals, Schedule};
