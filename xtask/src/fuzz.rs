//! `cargo xtask fuzz`: every fuzz target in turn, for a given time.

use crate::command::nightly_cargo;
use crate::report::{Counts, Outcome, Report};
use std::process::ExitCode;

const DEFAULT_SECONDS: u32 = 60;

/// What to fuzz and for how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    seconds: u32,
    targets: Vec<String>,
}

impl Request {
    pub(crate) fn parse(words: &[&str]) -> Result<Self, String> {
        match words {
            ["--seconds", number, targets @ ..] => {
                let seconds = number
                    .parse()
                    .map_err(|_| format!("--seconds takes a whole number, not {number}"))?;
                Self {
                    seconds,
                    ..Self::parse(targets)?
                }
                .checked()
            }
            ["--seconds"] => Err("--seconds takes a number".to_owned()),
            targets => Self {
                seconds: DEFAULT_SECONDS,
                targets: targets.iter().map(|name| (*name).to_owned()).collect(),
            }
            .checked(),
        }
    }

    fn checked(self) -> Result<Self, String> {
        match self.targets.iter().find(|name| name.starts_with('-')) {
            Some(option) => Err(format!("fuzz does not know {option}")),
            None => Ok(self),
        }
    }
}

pub(crate) fn run(request: &Request) -> ExitCode {
    let targets = match request.choose() {
        Ok(targets) => targets,
        Err(reason) => return crate::refuse(&reason),
    };
    let mut report = Report::default();
    for target in targets {
        let does = format!("{} seconds of inputs", request.seconds);
        report.step(&target, &does, || fuzz(&target, request.seconds));
    }
    report.finish()
}

impl Request {
    /// The targets that were asked for, or all that there are.
    fn choose(&self) -> Result<Vec<String>, String> {
        let listing = nightly_cargo()
            .args(["fuzz", "list"])
            .text()
            .map_err(|reason| {
                format!("fuzzing needs a nightly toolchain and cargo-fuzz: {reason}")
            })?;
        let all: Vec<String> = listing.lines().map(|line| line.trim().to_owned()).collect();
        if self.targets.is_empty() {
            return Ok(all);
        }
        match self.targets.iter().find(|name| !all.contains(name)) {
            Some(unknown) => Err(format!(
                "there is no fuzz target {unknown}, only {}",
                all.join(", ")
            )),
            None => Ok(self.targets.clone()),
        }
    }
}

fn fuzz(target: &str, seconds: u32) -> Outcome {
    // New inputs go into the first folder, which git ignores; the seeds stay as committed.
    let corpus = format!("fuzz/corpus/{target}");
    let seeds = format!("fuzz/seeds/{target}");
    if let Err(source) = std::fs::create_dir_all(&corpus) {
        return Outcome::failed(format!("can't make {corpus}: {source}"));
    }
    let found = nightly_cargo()
        .args(["fuzz", "run", target, &corpus, &seeds, "--"])
        .args([
            format!("-max_total_time={seconds}"),
            "-timeout=10".to_owned(),
        ])
        .args(["-print_final_stats=1"])
        .run();
    match found {
        Ok(()) => Outcome::Tested(Counts {
            passed: 1,
            ..Counts::default()
        }),
        Err(reason) => Outcome::failed(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_SECONDS, Request};

    #[test]
    fn reads_seconds_and_targets() {
        let request = Request::parse(&["--seconds", "300", "jwt"]);
        assert_eq!(
            request,
            Ok(Request {
                seconds: 300,
                targets: vec!["jwt".to_owned()]
            })
        );
        let request = Request::parse(&[]);
        assert_eq!(
            request,
            Ok(Request {
                seconds: DEFAULT_SECONDS,
                targets: Vec::new()
            })
        );
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for words in [&["--seconds"][..], &["--seconds", "soon"], &["--fast"]] {
            assert!(Request::parse(words).is_err(), "{words:?}");
        }
    }
}
