//! Tests that need servers: a bare `cargo test` ignores them.

use super::counting;
use super::results::{self, Results};
use super::unit::{SUITES, cargo_test, has_nextest, nextest};
use crate::architecture;
use crate::report::Outcome;
use crate::services::Variables;

/// Whose ignored tests these are. Others are ignored for other reasons.
const PACKAGES: [&str; 5] = [
    "zalt-every-store",
    "zalt-services",
    "zalt-store-postgres",
    "zalt-store-redis",
    "zalt-server",
];

pub(super) fn run(services: &Variables, results: &mut Results) -> Outcome {
    let tests = if has_nextest() {
        let filter = format!("package(/^({})$/)", PACKAGES.join("|"));
        nextest(&filter).args(["--run-ignored", "only"])
    } else {
        let members = match architecture::members() {
            Ok(members) => members,
            Err(reason) => return Outcome::failed(reason),
        };
        // As for nextest, all of the workspace is what is built.
        let others = members
            .iter()
            .filter(|member| !PACKAGES.contains(&member.as_str()))
            .flat_map(|member| ["--exclude", member]);
        cargo_test()
            .args(SUITES)
            .args(others)
            .args(["--", "--ignored"])
    };
    let finished = tests.envs(services).run_and_keep(results::is_quiet);
    results.read(&finished);
    counting::outcome(&finished)
}
