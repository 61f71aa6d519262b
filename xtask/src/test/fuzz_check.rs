//! The fuzz targets still compile. They are a workspace of their own, so nothing else notices.

use crate::command::{cargo, nightly_cargo};
use crate::report::Outcome;

pub(super) fn run() -> Outcome {
    let as_fuzzed = nightly_cargo().args(["fuzz", "--version"]).answers();
    let check = if as_fuzzed {
        nightly_cargo().args(["fuzz", "check"])
    } else {
        // Only running them needs the sanitizers of a nightly compiler.
        cargo().args(["check", "--quiet", "--manifest-path", "fuzz/Cargo.toml"])
    };
    check.run().into()
}
