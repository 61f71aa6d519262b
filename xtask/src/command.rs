//! Running other programs: quietly for their text, or aloud while keeping what they said.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};

/// One program to run. Standard input is always closed: no step may wait for a person.
pub(crate) struct Program {
    name: String,
    inner: Command,
}

/// What a program that ran aloud said, and how it ended.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
}

/// The cargo that runs this task, so that a toolchain chosen by the caller stays chosen.
pub(crate) fn cargo() -> Program {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    Program::named("cargo", cargo)
}

/// The cargo of the nightly toolchain, found by rustup. `CARGO` and its companions name the
/// running toolchain and would win over `+nightly`, so they are taken out.
pub(crate) fn nightly_cargo() -> Program {
    let mut program = Program::named("cargo +nightly", "cargo");
    program.inner.arg("+nightly");
    for inherited in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        program.inner.env_remove(inherited);
    }
    program
}

pub(crate) fn program(name: &str) -> Program {
    Program::named(name, name)
}

impl Program {
    fn named(name: &str, path: impl AsRef<OsStr>) -> Self {
        let mut inner = Command::new(path);
        inner.stdin(Stdio::null());
        // Colours would get between the words that the summaries are read from.
        inner.env("CARGO_TERM_COLOR", "never").env("NO_COLOR", "1");
        Self {
            name: name.to_owned(),
            inner,
        }
    }

    pub(crate) fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, words: I) -> Self {
        self.inner.args(words);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(key, value);
        self
    }

    pub(crate) fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(mut self, pairs: &[(K, V)]) -> Self {
        self.inner
            .envs(pairs.iter().map(|(key, value)| (key, value)));
        self
    }

    pub(crate) fn folder(mut self, path: &str) -> Self {
        self.inner.current_dir(path);
        self
    }

    /// What it says goes to the caller's error stream.
    pub(crate) fn output_to_errors(mut self) -> Self {
        self.inner.stdout(std::io::stderr());
        self
    }

    /// Whether the program is there and ends well; what it says is dropped.
    pub(crate) fn answers(mut self) -> bool {
        self.inner
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Standard output of a program that has to end well.
    pub(crate) fn text(mut self) -> Result<String, String> {
        let name = self.name;
        let output = self
            .inner
            .output()
            .map_err(|source| format!("can't run {name}: {source}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!(
                "{name} ended with {}: {}",
                output.status,
                said.trim()
            ))
        }
    }

    /// Runs with the caller's standard streams; an error says how it ended.
    pub(crate) fn run(mut self) -> Result<(), String> {
        let name = self.name;
        let status = self
            .inner
            .status()
            .map_err(|source| format!("can't run {name}: {source}"))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{name} ended with {status}"))
        }
    }

    /// Runs aloud and keeps the lines, to read from them what became of each test. Those that are `quiet` are kept only.
    pub(crate) fn run_and_keep(mut self, quiet: fn(&str) -> bool) -> Result<Finished, String> {
        let name = self.name;
        let unable = |source| format!("can't run {name}: {source}");
        // One pipe for both streams: cargo says on one which tests run, and the tests on the other how they end.
        let (said, output) = std::io::pipe().map_err(unable)?;
        self.inner.stdout(output.try_clone().map_err(unable)?);
        self.inner.stderr(output);
        let mut child = self.inner.spawn().map_err(unable)?;
        // It holds the writing end too, and the lines end when nobody does.
        drop(self.inner);
        let output = echo_lines(said, quiet);
        let status = child
            .wait()
            .map_err(|source| format!("lost sight of {name}: {source}"))?;
        Ok(Finished { status, output })
    }
}

fn echo_lines(stream: impl Read, quiet: fn(&str) -> bool) -> String {
    let mut kept = String::new();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if !quiet(&line) {
            // A closed terminal is no reason to stop reading: the verdict still counts.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
        kept.push_str(&line);
        kept.push('\n');
    }
    kept
}
