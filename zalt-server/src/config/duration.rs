//! Durations as people write them.

use std::time::Duration;

/// Reads a whole number with `s`, `m`, `h` or `d`; several may follow each other, the larger first: `1h30m`.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    let mut smallest = u64::MAX;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = rest.split_at_checked(digits)?;
        let mut after = unit.chars();
        let seconds: u64 = match after.next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        if seconds >= smallest {
            return None;
        }
        smallest = seconds;
        let part = number.parse::<u64>().ok()?.checked_mul(seconds)?;
        total = total.checked_add(Duration::from_secs(part))?;
        rest = after.as_str();
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_run_from_large_to_small() {
        for (text, seconds) in [
            ("45s", 45),
            ("10m", 600),
            ("1h30m", 5400),
            ("30d", 2_592_000),
            (" 0s ", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "10",
            "m",
            "1.5h",
            "-1s",
            "1m1h",
            "1s1s",
            "5 m",
            "1w",
            "99999999999999999999s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
