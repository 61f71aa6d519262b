//! The fuzz targets still compile. They are a workspace of their own, so nothing else notices.

use crate::command::cargo;
use crate::provision::find_program;
use crate::report::Outcome;

/// Checked with the compiler in use: only running the targets needs the sanitizers of a nightly.
pub(super) fn run() -> Outcome {
    if find_program(&["c++", "g++", "clang++"]).is_none() {
        return Outcome::Skipped("the fuzzing library needs a C++ compiler".to_owned());
    }
    cargo()
        .args(["check", "--quiet", "--manifest-path", "fuzz/Cargo.toml"])
        .run()
        .into()
}
