use std::fmt;

/// The table that goes into `docs/performance.md`.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    measured: String,
    limit: String,
    budget: String,
    met: bool,
}

impl Report {
    /// Adds a figure. `met` says whether it keeps the budget.
    pub(crate) fn add(
        &mut self,
        what: &str,
        measured: String,
        limit: String,
        budget: &str,
        met: bool,
    ) {
        println!(
            "{what}: {measured} (against {limit}; budget {budget}){}",
            if met { "" } else { "  MISSED" }
        );
        self.rows.push(Row {
            what: what.to_owned(),
            measured,
            limit,
            budget: budget.to_owned(),
            met,
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n| what | measured | against | budget | |\n|---|---|---|---|---|"
        )?;
        for row in &self.rows {
            let verdict = if row.met { "met" } else { "**missed**" };
            writeln!(
                f,
                "| {} | {} | {} | {} | {verdict} |",
                row.what, row.measured, row.limit, row.budget
            )?;
        }
        Ok(())
    }
}
