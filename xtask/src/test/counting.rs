//! Reads the number of tests out of what the test runners say.

use crate::command::Finished;
use crate::report::{Counts, Outcome};

/// nextest's way of saying that the selection holds no test at all.
const NEXTEST_NO_TESTS: i32 = 4;

/// Turns a finished run of nextest, `cargo test` or `node --test` into an outcome.
pub(super) fn outcome(finished: &Result<Finished, String>) -> Outcome {
    let finished = match finished {
        Ok(finished) => finished,
        Err(reason) => return Outcome::failed(reason),
    };
    let counts = count(&finished.output);
    let accepted = finished.status.success() || finished.status.code() == Some(NEXTEST_NO_TESTS);
    if accepted && counts == Counts::default() {
        Outcome::Skipped("there are no tests in it".to_owned())
    } else if finished.status.success() && counts.failed == 0 {
        Outcome::Tested(counts)
    } else if counts.failed > 0 {
        Outcome::Failed {
            counts,
            reason: finished.status.to_string(),
        }
    } else {
        let reason = format!("{}, without a failed test: read on above", finished.status);
        Outcome::Failed { counts, reason }
    }
}

fn count(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines() {
        if let Some(found) = nextest_summary(line)
            .or_else(|| libtest_result(line))
            .or_else(|| tap_total(line))
        {
            counts += found;
        }
    }
    counts
}

/// `Summary [   0.010s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 2 skipped`
fn nextest_summary(line: &str) -> Option<Counts> {
    let (head, tail) = line
        .trim_start()
        .strip_prefix("Summary [")?
        .split_once(" run: ")?;
    head.contains(']').then(|| numbered_words(tail, ','))
}

/// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s`. nextest repeats it,
/// indented, for each test that failed, and has its own total.
fn libtest_result(line: &str) -> Option<Counts> {
    let (_, tail) = line.strip_prefix("test result: ")?.split_once(". ")?;
    Some(numbered_words(tail, ';'))
}

/// `# pass 3`, one line per kind; lines of single tests start otherwise.
fn tap_total(line: &str) -> Option<Counts> {
    let (word, number) = line.strip_prefix("# ")?.split_once(' ')?;
    let number = number.parse().ok()?;
    let mut counts = Counts::default();
    match word {
        "pass" => counts.passed = number,
        "fail" | "cancelled" => counts.failed = number,
        "skipped" | "todo" => counts.skipped = number,
        _ => return None,
    }
    Some(counts)
}

fn numbered_words(text: &str, separator: char) -> Counts {
    let mut counts = Counts::default();
    for part in without_brackets(text).split(separator) {
        let Some((number, word)) = part.trim().split_once(' ') else {
            continue;
        };
        let Ok(number) = number.parse::<usize>() else {
            continue;
        };
        match word.trim() {
            "passed" => counts.passed += number,
            "failed" | "timed out" | "exec failed" => counts.failed += number,
            "skipped" | "ignored" => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

/// Details in brackets hold the separator too: `3 passed (1 slow, 1 flaky), 0 skipped`.
fn without_brackets(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|letter| match letter {
            '(' => {
                depth += 1;
                false
            }
            ')' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn nextest() {
        let counts = count(
            "     Summary [   0.010s] 6 tests run: 3 passed (1 slow, 1 flaky), 1 failed, 2 timed out, 4 skipped\n",
        );
        assert_eq!(counts.to_string(), "3 passed, 3 failed, 4 skipped");
    }

    #[test]
    fn nextest_with_one_test() {
        let counts = count("     Summary [   0.010s] 1 test run: 1 passed, 0 skipped\n");
        assert_eq!(counts.to_string(), "1 passed, 0 failed");
    }

    #[test]
    fn nextest_with_a_failure_that_it_shows() {
        let counts = count(
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.28s\n\
             \x20    Summary [   0.010s] 10 tests run: 9 passed, 1 failed, 0 skipped\n",
        );
        assert_eq!(counts.to_string(), "9 passed, 1 failed");
    }

    #[test]
    fn cargo_test_adds_up_its_binaries() {
        let one = "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s";
        let two = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        let counts = count(&format!("{one}\nrunning 3 tests\n{two}\n"));
        assert_eq!(counts.to_string(), "6 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn node() {
        let counts = count(
            "ok 1 - signs in\n# tests 4\n# suites 0\n# pass 2\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 0\n# duration_ms 12.5\n",
        );
        assert_eq!(counts.to_string(), "2 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            count("12 passed, 3 failed\nSummary of changes\n").to_string(),
            "0 passed, 0 failed"
        );
    }
}
