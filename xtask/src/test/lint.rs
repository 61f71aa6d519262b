//! Form and lints.

use crate::command::cargo;
use crate::provision::ensure_component;
use crate::report::Outcome;

pub(super) fn format() -> Outcome {
    ensure_component("fmt", "rustfmt")
        .and_then(|()| cargo().args(["fmt", "--all", "--check"]).run())
        .into()
}

pub(super) fn clippy() -> Outcome {
    ensure_component("clippy", "clippy")
        .and_then(|()| {
            cargo()
                .args([
                    "clippy",
                    "--quiet",
                    "--keep-going",
                    "--workspace",
                    "--all-targets",
                ])
                .args(["--", "-D", "warnings"])
                .run()
        })
        .into()
}
