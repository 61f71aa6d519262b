//! The fuzz targets still compile. They are a workspace of their own, so nothing else notices.

use crate::command::nightly_cargo;
use crate::report::Outcome;

pub(super) fn run() -> Outcome {
    if !nightly_cargo().args(["fuzz", "--version"]).answers() {
        return Outcome::Skipped("needs a nightly toolchain and cargo-fuzz".to_owned());
    }
    nightly_cargo().args(["fuzz", "check"]).run().into()
}
