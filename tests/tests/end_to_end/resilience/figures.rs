use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use super::mails::Delivered;
use super::person::Tally;
use super::pulse::Stretch;
use super::world::World;

/// What was measured in one run, as a part of a document.
pub(super) struct Figures {
    title: String,
    rows: String,
}

impl Figures {
    pub(super) fn of(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            rows: String::new(),
        }
    }

    /// What happened, how it went from then on, and after what time every replica was ready again.
    pub(super) fn fault(&mut self, what: &str, stretch: Stretch, ready: Duration) {
        let first = stretch.first_write.map_or("none".to_owned(), shown);
        let _ = writeln!(
            self.rows,
            "| {what} | {first} | {} | {} of {} | {} |",
            shown(stretch.longest_gap),
            stretch.in_vain,
            stretch.writes,
            shown(ready)
        );
    }

    /// Prints what was measured, and adds it to the file that `ZALT_RESILIENCE_FIGURES` names.
    pub(super) fn publish(self, world: &World, tally: Tally, mails: Delivered, seed: u64) {
        let lags = world.revoked.lags();
        let mut text = format!("### {}\n\n", self.title);
        if !self.rows.is_empty() {
            let _ = write!(
                text,
                "| what happened | first write acknowledged after | longest time without one | writes in vain | \
                 all replicas ready after |\n|---|---|---|---|---|\n{}\n",
                self.rows
            );
        }
        let _ = writeln!(
            text,
            "Sessions ended by an acknowledged request: {}. Each replica was asked at once until it refused ({} times in all); \
             in {} cases it let the session in after the acknowledgement, at the longest for {} (bound: {}).\n",
            tally.ends,
            lags.followed,
            lags.let_in,
            shown(lags.longest),
            shown(world.revoked.bound()),
        );
        let _ = writeln!(
            text,
            "Acknowledged and found again at the end: {} sign-ups, {} sign-ins, {} of them by code, {} refreshes, {} new \
             passwords; {} sessions checked meanwhile. {} sessions ended since a first try came after its retry.\n",
            tally.sign_ups,
            tally.sign_ins + tally.codes,
            tally.codes,
            tally.refreshes,
            tally.passwords,
            tally.checks,
            tally.overtaken,
        );
        let _ = writeln!(
            text,
            "Mails: {} came, the slowest {} after its commit; {} came a second time; {} were left for later. Seed {seed}.\n",
            mails.arrived,
            shown(mails.longest),
            mails.twice,
            mails.missing,
        );
        eprintln!("{text}");
        if let Some(path) = std::env::var_os("ZALT_RESILIENCE_FIGURES") {
            let file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(path);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        }
    }
}

fn shown(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds >= 1000.0 {
        format!("{:.1} s", time.as_secs_f64())
    } else if milliseconds >= 10.0 || time.is_zero() {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{milliseconds:.1} ms")
    }
}
