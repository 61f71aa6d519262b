//! The documentation builds without a warning: no dead link, no missing item.

use crate::command::cargo;
use crate::report::Outcome;

pub(super) fn run() -> Outcome {
    cargo()
        .args(["doc", "--quiet", "--keep-going", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
        .into()
}
