//! What the steps came to: one line per step, and the total alone on the last line.

use std::fmt;
use std::ops::AddAssign;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

/// How one step ended.
pub(crate) enum Outcome {
    /// A check that holds.
    Held,
    /// A suite whose tests all passed.
    Tested(Counts),
    /// A check that does not hold, or a suite with failures or one that could not run.
    Failed { counts: Counts, reason: String },
    /// Not run, and why that is fine.
    Skipped(String),
}

#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<(String, Outcome, Duration)>,
}

impl Report {
    /// Announces, runs and times one step. Later steps run whatever came of it, so that one
    /// run shows all that is wrong.
    pub(crate) fn step(&mut self, name: &str, does: &str, run: impl FnOnce() -> Outcome) {
        println!("\n== {name}: {does}");
        let started = Instant::now();
        let outcome = run();
        let took = started.elapsed();
        println!("   {outcome} ({:.1} s)", took.as_secs_f64());
        self.steps.push((name.to_owned(), outcome, took));
    }

    /// The last step ran the tests that this earlier one left out, and left out those that it ran: none of them was
    /// skipped.
    pub(crate) fn last_made_up_for(&mut self, earlier: &str) {
        let Some((_, last, _)) = self.steps.last_mut() else {
            return;
        };
        let Some(counts) = last.counts_mut() else {
            return;
        };
        counts.skipped = 0;
        let run = counts.passed + counts.failed;
        let earlier = self.steps.iter_mut().find(|(name, ..)| name == earlier);
        if let Some(counts) = earlier.and_then(|(_, outcome, _)| outcome.counts_mut()) {
            counts.skipped = counts.skipped.saturating_sub(run);
        }
    }

    /// Prints the summary and turns it into the exit code.
    pub(crate) fn finish(self) -> ExitCode {
        println!("\nSummary");
        for (name, outcome, took) in &self.steps {
            println!("  {name:<14} {:>7.1} s  {outcome}", took.as_secs_f64());
        }
        let total = self.total();
        if total.passed + total.failed == 0 {
            println!("\nno test ran, which proves nothing: this counts as a failure\n{total}");
            return ExitCode::FAILURE;
        }
        println!("\n{total}");
        if total.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    /// A failed check, and a suite that broke without a failed test, count as one failure
    /// each: the last line never says "0 failed" when the run failed.
    fn total(&self) -> Counts {
        let mut total = Counts::default();
        for (_, outcome, _) in &self.steps {
            match outcome {
                Outcome::Held | Outcome::Skipped(_) => {}
                Outcome::Tested(counts) => total += *counts,
                Outcome::Failed { counts, .. } => {
                    total += *counts;
                    total.failed += usize::from(counts.failed == 0);
                }
            }
        }
        total
    }
}

impl Outcome {
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed {
            counts: Counts::default(),
            reason: reason.into(),
        }
    }

    fn counts_mut(&mut self) -> Option<&mut Counts> {
        match self {
            Self::Tested(counts) | Self::Failed { counts, .. } => Some(counts),
            Self::Held | Self::Skipped(_) => None,
        }
    }
}

impl From<Result<(), String>> for Outcome {
    fn from(result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::Held,
            Err(reason) => Self::failed(reason),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(out, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => write!(out, "ok"),
            Self::Tested(counts) => {
                let run = counts.passed + counts.failed;
                write!(out, "ok: {run} run, {counts}")
            }
            Self::Failed { counts, reason } if *counts == Counts::default() => {
                write!(out, "FAILED: {reason}")
            }
            Self::Failed { counts, reason } => {
                let run = counts.passed + counts.failed;
                write!(out, "FAILED: {run} run, {counts}: {reason}")
            }
            Self::Skipped(reason) => write!(out, "skipped: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Outcome, Report};
    use std::time::Duration;

    fn report(outcomes: Vec<Outcome>) -> Report {
        let steps = outcomes
            .into_iter()
            .enumerate()
            .map(|(number, outcome)| (format!("step {number}"), outcome, Duration::ZERO))
            .collect();
        Report { steps }
    }

    #[test]
    fn a_failed_check_counts_as_one_failure() {
        let passed = Outcome::Tested(Counts {
            passed: 3,
            failed: 0,
            skipped: 1,
        });
        let total = report(vec![
            passed,
            Outcome::Held,
            Outcome::failed("badly formatted"),
        ])
        .total();
        assert_eq!(total.to_string(), "3 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn what_a_later_step_runs_was_not_skipped() {
        let suite = |passed, failed, skipped| {
            Outcome::Tested(Counts {
                passed,
                failed,
                skipped,
            })
        };
        let mut report = report(vec![suite(10, 0, 5), suite(3, 1, 7)]);
        report.last_made_up_for("step 0");
        assert_eq!(report.total().to_string(), "13 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_failed_suite_counts_its_failed_tests_once() {
        let counts = Counts {
            passed: 3,
            failed: 2,
            skipped: 0,
        };
        let failed = Outcome::Failed {
            counts,
            reason: "exit status: 100".to_owned(),
        };
        assert_eq!(
            report(vec![failed]).total().to_string(),
            "3 passed, 2 failed"
        );
    }
}
