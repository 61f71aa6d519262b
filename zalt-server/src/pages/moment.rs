//! Times as the pages show them.

use time::{Date, OffsetDateTime};
use zalt_core::Timestamp;

use super::views::Moment;

/// `at` as seen from `now`: recent times as a distance, others as a date. Times are in UTC; the script adds the reader's.
pub(crate) fn moment(at: Timestamp, now: Timestamp) -> Moment {
    Moment {
        rfc3339: at.to_string(),
        text: text(at, now),
    }
}

/// The day of `at`.
pub(crate) fn day(at: Timestamp) -> Moment {
    let text = date_time(at).map(|at| day_text(at.date()));
    Moment {
        rfc3339: at.to_string(),
        text: text.unwrap_or_else(|| at.to_string()),
    }
}

fn text(at: Timestamp, now: Timestamp) -> String {
    let ago = |count: u64, unit: &str| {
        let s = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{s} ago")
    };
    match now.since(at).as_secs() {
        0..60 => "just now".to_owned(),
        seconds @ 60..3_600 => ago(seconds / 60, "minute"),
        seconds @ 3_600..86_400 => ago(seconds / 3_600, "hour"),
        _ => full(at).unwrap_or_else(|| at.to_string()),
    }
}

fn full(at: Timestamp) -> Option<String> {
    let at = date_time(at)?;
    let day = day_text(at.date());
    Some(format!("{day}, {:02}:{:02} UTC", at.hour(), at.minute()))
}

fn day_text(date: Date) -> String {
    format!("{} {} {}", date.day(), date.month(), date.year())
}

fn date_time(at: Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(at.unix_seconds()).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn recent_times_are_distances_and_others_are_dates() {
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        for (seconds, expected) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (7_199, "1 hour ago"),
            (7_200, "2 hours ago"),
            (86_400, "13 November 2023, 22:13 UTC"),
        ] {
            assert_eq!(text(now - Duration::from_secs(seconds), now), expected);
        }
        assert_eq!(day(now).text, "14 November 2023");
        // A clock that stepped back.
        assert_eq!(text(now + Duration::from_secs(5), now), "just now");
    }
}
