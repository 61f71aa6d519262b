use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The binary under test.
pub(crate) fn path() -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| std::env::var_os("ZALT_SERVER_BIN").map_or_else(build, PathBuf::from))
}

/// The same build that `cargo xtask test` makes, beside this test's own executable.
fn build() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).expect("tests are built in `deps`");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--workspace", "--bin", "zalt-server"]);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().expect("cargo can be run");
    assert!(status.success(), "zalt-server could not be built");
    profile.join("zalt-server")
}
