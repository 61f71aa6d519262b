//! `cargo xtask bench`: builds the server and the measuring program for release and runs the latter, which reads all
//! options itself.

use crate::command::{cargo, program};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) fn run(words: &[&str]) -> ExitCode {
    match build_and_run(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn build_and_run(words: &[&str]) -> Result<(), String> {
    println!("building for release");
    let messages = cargo()
        .args(["build", "--quiet", "--release", "--message-format"])
        .args(["json-render-diagnostics", "-p", "zalt-benches"])
        .args(["-p", "zalt-server", "--bin", "zalt-benches"])
        .args(["--bin", "zalt-server"])
        .text()?;
    let benches = executable(&messages, "zalt-benches")?;
    let server = executable(&messages, "zalt-server")?;
    program(&benches.to_string_lossy())
        .args(["--server".as_ref(), server.as_os_str()])
        .args(words)
        .run()
}

/// The path of a program in cargo's messages about what it built. JSON, read by its one known field.
fn executable(messages: &str, name: &str) -> Result<PathBuf, String> {
    let paths = messages
        .split("\"executable\":\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(path, _)| Path::new(path));
    let mut named = paths.filter(|path| path.file_stem().is_some_and(|stem| stem == name));
    let found = named.next().map(Path::to_owned);
    found.ok_or_else(|| format!("cargo named no executable for {name}"))
}

#[cfg(test)]
mod tests {
    use super::executable;
    use std::path::PathBuf;

    #[test]
    fn finds_each_executable_among_the_messages() {
        let messages = r#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/t/release/zalt-benches","fresh":true}
{"reason":"compiler-artifact","executable":"/t/release/zalt-server","fresh":true}"#;
        for name in ["zalt-benches", "zalt-server"] {
            let found = executable(messages, name);
            assert_eq!(found, Ok(PathBuf::from(format!("/t/release/{name}"))));
        }
        assert!(executable(messages, "zalt").is_err());
    }
}
