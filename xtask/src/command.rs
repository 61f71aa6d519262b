//! Running other programs: quietly for their text, or aloud while keeping what they said.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

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

    /// Runs aloud and keeps the lines of both streams, to count tests from.
    pub(crate) fn run_and_keep(mut self) -> Result<Finished, String> {
        let name = self.name;
        let mut child = self
            .inner
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| format!("can't run {name}: {source}"))?;
        let errors = child.stderr.take();
        // Both pipes are drained at once: a child that fills the one not being read would stop.
        let errors = thread::spawn(move || errors.map(echo_lines).unwrap_or_default());
        let mut output = child.stdout.take().map(echo_lines).unwrap_or_default();
        output.push_str(&errors.join().unwrap_or_default());
        let status = child
            .wait()
            .map_err(|source| format!("lost sight of {name}: {source}"))?;
        Ok(Finished { status, output })
    }
}

fn echo_lines(stream: impl Read) -> String {
    let mut kept = String::new();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        // A closed terminal is no reason to stop reading: the verdict still counts.
        let _ = writeln!(std::io::stdout(), "{line}");
        kept.push_str(&line);
        kept.push('\n');
    }
    kept
}
