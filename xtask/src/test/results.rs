//! How each single test ended, read from what the test runner says of it.

use crate::command::Finished;
use std::collections::BTreeMap;

/// A test, by the binary that holds it and its path in there.
pub(super) type Test = (String, String);

/// Every test that ran, and whether it passed.
#[derive(Default)]
pub(super) struct Results(BTreeMap<Test, bool>);

impl Results {
    pub(super) fn read(&mut self, finished: &Result<Finished, String>) {
        if let Ok(finished) = finished {
            self.read_lines(&finished.output);
        }
    }

    pub(super) fn read_lines(&mut self, output: &str) {
        let mut running = String::new();
        for line in output.lines() {
            if let Some(binary) = cargo_binary(line) {
                running = binary;
            } else if let Some((test, passed)) = nextest(line).or_else(|| libtest(line, &running)) {
                // A runner may tell of a failure twice; a test that failed once has not passed.
                *self.0.entry(test).or_insert(passed) &= passed;
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.0
            .iter()
            .map(|((binary, path), passed)| (binary.as_str(), path.as_str(), *passed))
    }
}

/// Whether a line only says that a test did as it should, which nobody wants to read hundreds of times.
pub(super) fn is_quiet(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("PASS [")
        || (line.starts_with("test ")
            && (line.ends_with(" ... ok") || line.contains(" ... ignored")))
}

/// `PASS [   0.012s] ( 1/17) zalt-store-sqlite::sqlite contract::users::text_of_any_kind_survives`
fn nextest(line: &str) -> Option<(Test, bool)> {
    let (status, rest) = line.trim_start().split_once(" [")?;
    let passed = match status {
        "PASS" | "LEAK" => true,
        "FAIL" | "TIMEOUT" | "ABORT" => false,
        _ if status.starts_with("SIG") => false,
        _ => return None,
    };
    let (_, rest) = rest.split_once("] ")?;
    let mut words = rest.split_whitespace().rev();
    let (path, binary) = (words.next()?, words.next()?);
    let binary = binary.rsplit("::").next()?;
    Some(((binary.to_owned(), path.to_owned()), passed))
}

/// `Running tests/sqlite/main.rs (target/debug/deps/sqlite-0123456789abcdef)`, ahead of the tests in it.
fn cargo_binary(line: &str) -> Option<String> {
    let (_, file) = line
        .trim_start()
        .strip_prefix("Running ")?
        .rsplit_once(" (")?;
    let name = file.strip_suffix(')')?.rsplit(['/', '\\']).next()?;
    let (name, _hash) = name.rsplit_once('-')?;
    Some(name.to_owned())
}

/// `test contract::users::text_of_any_kind_survives ... ok`; what nextest repeats of such lines is indented.
fn libtest(line: &str, binary: &str) -> Option<(Test, bool)> {
    let (path, end) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let passed = match end {
        "ok" => true,
        "FAILED" => false,
        _ => return None,
    };
    // A test that has to panic says so behind its name.
    let path = path.split(" - ").next()?;
    Some(((binary.to_owned(), path.to_owned()), passed))
}

#[cfg(test)]
mod tests {
    use super::{Results, is_quiet};

    fn read(output: &str) -> Vec<(String, String, bool)> {
        let mut results = Results::default();
        results.read_lines(output);
        results
            .iter()
            .map(|(binary, path, passed)| (binary.to_owned(), path.to_owned(), passed))
            .collect()
    }

    fn test(binary: &str, path: &str, passed: bool) -> (String, String, bool) {
        (binary.to_owned(), path.to_owned(), passed)
    }

    #[test]
    fn nextest_names_binary_and_test() {
        let output = "\
    Starting 3 tests across 2 binaries
        PASS [   0.012s] ( 1/17) zalt-store-sqlite::sqlite contract::users::reads
        PASS [   0.012s] zalt-core id::tests::sorts
        FAIL [   1.012s] (12/17) zalt-store-sqlite::sqlite contract::races::wins
        SLOW [> 60.000s] (─────) zalt-store-sqlite::sqlite contract::races::ends
 TERMINATING [>180.000s] (─────) zalt-store-sqlite::sqlite contract::races::ends
     TIMEOUT [ 180.007s] (17/17) zalt-store-sqlite::sqlite contract::races::ends
    test contract::races::aborts ... FAILED
     SIGABRT [   0.007s] (17/17) zalt-store-sqlite::sqlite contract::races::aborts
     Summary [ 180.062s] 17 tests run: 14 passed, 2 failed, 1 timed out, 0 skipped
        FAIL [   1.012s] (12/17) zalt-store-sqlite::sqlite contract::races::wins
";
        assert_eq!(
            read(output),
            [
                test("sqlite", "contract::races::aborts", false),
                test("sqlite", "contract::races::ends", false),
                test("sqlite", "contract::races::wins", false),
                test("sqlite", "contract::users::reads", true),
                test("zalt-core", "id::tests::sorts", true),
            ]
        );
    }

    #[test]
    fn cargo_test_names_the_binary_first() {
        let output = "\
     Running unittests src/lib.rs (target/debug/deps/zalt_core-0123456789abcdef)

running 2 tests
test id::tests::sorts ... ok
test id::tests::panics - should panic ... ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/sqlite/main.rs (/else/where/target/debug/deps/sqlite-0123456789abcdef)
test contract::users::reads ... FAILED
test contract::users::writes ... ignored, needs something
";
        assert_eq!(
            read(output),
            [
                test("sqlite", "contract::users::reads", false),
                test("zalt_core", "id::tests::panics", true),
                test("zalt_core", "id::tests::sorts", true),
            ]
        );
    }

    #[test]
    fn a_failure_is_not_made_good_by_another_run() {
        let line = "[   0.1s] (1/2) a::b c::d";
        assert_eq!(
            read(&format!("FAIL {line}\nPASS {line}\n")),
            [test("b", "c::d", false)]
        );
    }

    #[test]
    fn only_what_went_well_is_quiet() {
        assert!(is_quiet("        PASS [   0.012s] ( 1/17) a::b c::d"));
        assert!(is_quiet("test c::d ... ok"));
        assert!(is_quiet("test c::d ... ignored, needs something"));
        for loud in [
            "        FAIL [   0.012s] ( 1/17) a::b c::d",
            "        SLOW [> 60.000s] (─────) a::b c::d",
            "test c::d ... FAILED",
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            assert!(!is_quiet(loud), "{loud}");
        }
    }
}
