//! The `zalt-tests` crate: the real binary, driven over HTTP.

use super::server::Server;
use super::{counting, unit};
use crate::command::cargo;
use crate::report::Outcome;

/// Where the tests find the binary to start.
pub(super) const SERVER_VARIABLE: &str = "ZALT_SERVER_BIN";

pub(super) fn run(server: &Server) -> Outcome {
    let tests = if unit::has_nextest() {
        unit::nextest("package(zalt-tests)")
    } else {
        cargo().args(["test", "--quiet", "-p", "zalt-tests", "--no-fail-fast"])
    };
    counting::outcome(tests.env(SERVER_VARIABLE, server.path()).run_and_keep())
}
