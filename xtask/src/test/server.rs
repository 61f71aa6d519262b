//! Builds `zalt-server` and keeps the binary apart for the tests that start it.

use crate::command::cargo;
use std::path::{Path, PathBuf};

/// The binary under test: a copy of its own, so that a build in another checkout with the same
/// target folder can't swap it in the middle of the run. It goes away with this value.
pub(super) struct Server {
    copy: PathBuf,
}

pub(super) fn build() -> Result<Server, String> {
    // The whole workspace is selected for the reason given at `unit::nextest`.
    let messages = cargo()
        .args(["build", "--quiet", "--workspace", "--bin", "zalt-server"])
        .args(["--message-format", "json-render-diagnostics"])
        .text()?;
    let built = executable(&messages)
        .ok_or_else(|| "cargo named no executable for zalt-server".to_owned())?;
    let copy = built.with_file_name(format!("zalt-server-under-test-{}", std::process::id()));
    std::fs::copy(&built, &copy).map_err(|source| {
        format!(
            "can't copy {} to {}: {source}",
            built.display(),
            copy.display()
        )
    })?;
    Ok(Server { copy })
}

impl Server {
    pub(super) fn path(&self) -> &Path {
        &self.copy
    }

    /// A folder of this name in the target folder.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        let target = self.copy.ancestors().nth(2).unwrap_or(&self.copy);
        target.join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing depends on it being gone; a left-over copy is only a waste of space.
        let _ = std::fs::remove_file(&self.copy);
    }
}

/// The path in cargo's message about the artifact. JSON, read by its one known field: the only
/// executable in a build with `--bin` is the one that was asked for.
fn executable(messages: &str) -> Option<PathBuf> {
    let (_, tail) = messages.split_once("\"executable\":\"")?;
    let (path, _) = tail.split_once('"')?;
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::executable;
    use std::path::Path;

    #[test]
    fn finds_the_executable_among_the_messages() {
        let messages = r#"{"reason":"compiler-artifact","filenames":["/t/libserde.rlib"],"executable":null}
{"reason":"compiler-artifact","target":{"name":"zalt-server"},"executable":"/t/debug/zalt-server","fresh":true}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(messages).as_deref(),
            Some(Path::new("/t/debug/zalt-server"))
        );
    }

    #[test]
    fn a_build_without_one_is_noticed() {
        assert_eq!(
            executable(r#"{"reason":"build-finished","success":true}"#),
            None
        );
    }
}
