//! The policy for dependencies in `deny.toml`.

use crate::command::cargo;
use crate::report::Outcome;

pub(super) fn run() -> Outcome {
    if !cargo().args(["deny", "--version"]).answers() {
        return Outcome::Skipped(
            "cargo-deny is not installed; the architecture step holds the bans that matter most"
                .to_owned(),
        );
    }
    cargo()
        .args(["deny", "--workspace", "check", "--hide-inclusion-graph"])
        .args(["bans", "licenses", "sources"])
        .run()
        .into()
}
