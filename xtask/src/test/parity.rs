//! The parity table: which room of the storage contract which store passes, by the tests of this run.

use super::results::Results;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What is put to the test where the kit's macros stand: the test binary, the module in it, the store. PostgreSQL is
/// used in four ways: a batch in as few statements as may be, one statement at a time, through a pooler in transaction
/// mode, and behind the cache that Redis keeps true.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("testkit", "memory", "memory"),
    ("sqlite", "contract", "SQLite"),
    ("postgres", "contract::merged", "PostgreSQL"),
    ("postgres", "contract::one_by_one", "PostgreSQL one by one"),
    ("postgres", "contract::pooled", "PostgreSQL + PgBouncer"),
    ("redis", "contract::cached", "PostgreSQL + Redis"),
    ("redis", "contract::cached_sqlite", "SQLite + Redis"),
    ("redis", "budgets::server", "Redis"),
    ("redis", "budgets::cluster", "Redis cluster"),
];

const FILE: &str = "parity.md";

/// How many tests of one room passed, of how many that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    passed: usize,
    run: usize,
}

struct Table<'a> {
    /// By room, one cell for each of the columns.
    rooms: BTreeMap<&'a str, Vec<Cell>>,
    /// Tests of the kit in other modules, by binary and module.
    elsewhere: BTreeMap<String, Cell>,
}

/// Prints the table and leaves it in the target folder too.
pub(super) fn show(results: &Results) {
    let table = Table::of(results).to_markdown();
    println!("\nParity of the stores, by room of the contract\n\n{table}");
    let Some(file) = file() else {
        return;
    };
    match std::fs::write(&file, &table) {
        Ok(()) => println!("kept in {}", file.display()),
        Err(source) => println!("could not be kept in {}: {source}", file.display()),
    }
}

/// In the target folder, where cargo put this program.
fn file() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.ancestors().nth(2).map(Path::to_owned)?.join(FILE))
}

impl<'a> Table<'a> {
    fn of(results: &'a Results) -> Self {
        let mut rooms: BTreeMap<&str, Vec<Cell>> = BTreeMap::new();
        let mut behaviours = BTreeSet::new();
        let mut others = Vec::new();
        for (binary, path, passed) in results.iter() {
            let Some((module, room, behaviour)) = split(path) else {
                continue;
            };
            let column = COLUMNS
                .iter()
                .position(|(of, at, _)| (*of, *at) == (binary, module));
            let cells = column.map(|column| {
                let cells = rooms.entry(room);
                (column, cells.or_insert_with(empty_row))
            });
            match cells {
                Some((column, cells)) => {
                    behaviours.insert((room, behaviour));
                    if let Some(cell) = cells.get_mut(column) {
                        cell.count(passed);
                    }
                }
                None => others.push((binary, module, (room, behaviour), passed)),
            }
        }
        let mut elsewhere: BTreeMap<String, Cell> = BTreeMap::new();
        for (binary, module, behaviour, passed) in others {
            if behaviours.contains(&behaviour) {
                let place = elsewhere.entry(format!("{binary} {module}"));
                place.or_default().count(passed);
            }
        }
        Self { rooms, elsewhere }
    }

    fn to_markdown(&self) -> String {
        let names = COLUMNS.iter().map(|(_, _, name)| (*name).to_owned());
        let mut lines = vec![row("room", names)];
        let mut all = empty_row();
        for (room, cells) in &self.rooms {
            for (sum, cell) in all.iter_mut().zip(cells) {
                sum.passed += cell.passed;
                sum.run += cell.run;
            }
            lines.push(row(room, cells.iter().map(Cell::text)));
        }
        lines.push(row("all", all.iter().map(Cell::text)));
        let mut text = aligned(&lines);
        if !self.elsewhere.is_empty() {
            let places = self
                .elsewhere
                .iter()
                .map(|(place, cell)| format!("{place} {}", cell.text()));
            let places = places.collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "\nThe same behaviours elsewhere: {places}.");
        }
        text
    }
}

impl Cell {
    fn count(&mut self, passed: bool) {
        self.run += 1;
        self.passed += usize::from(passed);
    }

    fn text(&self) -> String {
        let Self { passed, run } = self;
        match (*run, run - passed) {
            (0, _) => "–".to_owned(),
            (_, 0) => format!("{passed}/{run}"),
            _ => format!("{passed}/{run} FAILED"),
        }
    }
}

fn empty_row() -> Vec<Cell> {
    vec![Cell::default(); COLUMNS.len()]
}

/// `contract::merged::users::reads` is the behaviour `reads` of the room `users` in the module `contract::merged`.
fn split(path: &str) -> Option<(&str, &str, &str)> {
    let (rest, behaviour) = path.rsplit_once("::")?;
    let (module, room) = rest.rsplit_once("::")?;
    Some((module, room, behaviour))
}

fn row(first: &str, rest: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(rest).collect()
}

/// A Markdown table that can be read as it stands; the first line is its head.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                let _ = write!(text, "|{:-<1$}", "", width + 2);
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, Table};
    use crate::test::results::Results;
    use std::collections::BTreeSet;

    fn table(output: &str) -> String {
        let mut results = Results::default();
        results.read_lines(output);
        Table::of(&results).to_markdown()
    }

    /// The cells of the row that starts with this.
    fn cells<'a>(table: &'a str, room: &str) -> Vec<&'a str> {
        let row = table
            .lines()
            .map(|line| line.trim_matches('|').split('|').map(str::trim))
            .find(|cells| cells.clone().next() == Some(room));
        row.unwrap().skip(1).collect()
    }

    #[test]
    fn cells_count_what_ran() {
        let table = table(
            "\
PASS [   0.1s] (1/9) zalt-store-testkit::testkit memory::users::reads
PASS [   0.1s] (2/9) zalt-store-testkit::testkit memory::users::writes
PASS [   0.1s] (3/9) zalt-store-sqlite::sqlite contract::users::reads
FAIL [   0.1s] (4/9) zalt-store-sqlite::sqlite contract::users::writes
PASS [   0.1s] (5/9) zalt-store-sqlite::sqlite contract::durability::reopens
PASS [   0.1s] (6/9) zalt-store-postgres::postgres contract::merged::users::reads
PASS [   0.1s] (7/9) zalt-store-postgres::postgres opening::at_once::it_opens
PASS [   0.1s] (8/9) zalt-store-redis::redis budgets::one_of_its_own
PASS [   0.1s] (9/9) zalt-core id::tests::sorts
",
        );
        assert_eq!(cells(&table, "room").len(), COLUMNS.len());
        assert_eq!(
            cells(&table, "users")[..4],
            ["2/2", "1/2 FAILED", "1/1", "–"]
        );
        assert_eq!(cells(&table, "durability")[..3], ["–", "1/1", "–"]);
        assert_eq!(cells(&table, "all")[..4], ["2/2", "2/3 FAILED", "1/1", "–"]);
        assert_eq!(table.lines().count(), 5, "{table}");
    }

    #[test]
    fn tests_of_the_kit_in_other_modules_are_told() {
        let table = table(
            "\
PASS [   0.1s] (1/4) zalt-store-testkit::testkit memory::users::reads
PASS [   0.1s] (2/4) zalt-store-testkit::testkit cached::users::reads
FAIL [   0.1s] (3/4) zalt-store-new::new contract::somehow::users::reads
PASS [   0.1s] (4/4) zalt-store-new::new contract::somehow::users::sings
",
        );
        assert!(
            table.ends_with(
                "\nThe same behaviours elsewhere: new contract::somehow 0/1 FAILED, testkit cached 1/1.\n"
            ),
            "{table}"
        );
    }

    #[test]
    fn every_line_of_the_table_is_as_wide() {
        let table =
            table("PASS [   0.1s] (1/1) zalt-store-testkit::testkit memory::users::reads\n");
        let widths: BTreeSet<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths.len(), 1, "{table}");
    }
}
