//! Our one-time codes against those of oathtool, a program that is none of ours.

use super::counting;
use super::results::{self, Results};
use super::unit::{SUITES, cargo_test, has_nextest, nextest};
use crate::provision;
use crate::report::Outcome;

const TEST: &str = "oathtool_shows_the_same_codes";

/// Installs oathtool where it is missing, and says so.
pub(super) fn run(results: &mut Results) -> Outcome {
    if let Err(reason) = provision::ensure_program(&["oathtool"], &["oathtool"]) {
        return Outcome::failed(reason);
    }
    let tests = if has_nextest() {
        let filter = format!("package(zalt-core) & test({TEST})");
        nextest(&filter).args(["--run-ignored", "only"])
    } else {
        cargo_test().args(SUITES).args([TEST, "--", "--ignored"])
    };
    let finished = tests.run_and_keep(results::is_quiet);
    results.read(&finished);
    counting::outcome(&finished)
}
