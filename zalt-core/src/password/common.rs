/// See `data/README.md`: lower case, NFC, sorted by bytes, one a line.
const LIST: &str = include_str!("data/common-passwords.txt");

/// Whether `folded`, a password in lower case and NFC, is on the list of common ones.
///
/// Bisects the text as it lies in the binary: no index, no allocation, nothing to load at start.
pub(super) fn contains(folded: &str) -> bool {
    let wanted = folded.as_bytes();
    let mut rest = LIST.as_bytes();
    while !rest.is_empty() {
        let (first_half, _) = rest.split_at(rest.len() / 2);
        let start = first_half
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let (before, from_line) = rest.split_at(start);
        let end = from_line
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(from_line.len());
        let (line, after) = from_line.split_at(end);
        match line.cmp(wanted) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = after.strip_prefix(b"\n").unwrap_or_default(),
            std::cmp::Ordering::Greater => rest = before,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_long_sorted_and_folded() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.len() > 20_000, "{} entries", lines.len());
        assert!(lines.is_sorted_by(|a, b| a < b));
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() >= 8 && line.to_lowercase() == *line)
        );
    }

    #[test]
    fn every_entry_is_found() {
        for line in LIST.lines() {
            assert!(contains(line), "{line}");
        }
    }

    #[test]
    fn its_neighbours_are_not() {
        for absent in [
            "",
            " ",
            "\n",
            "password1234567890!",
            "~~~~~~~~~~~~~",
            "!",
            "passwor",
            "password\n",
        ] {
            assert!(!contains(absent), "{absent:?}");
        }
        for line in LIST.lines().step_by(97) {
            assert!(!contains(&format!("{line}\u{1}")), "{line}");
        }
    }
}
