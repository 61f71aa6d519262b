use std::io::BufRead;

use crate::adapter::{Names, Slot, Subject};

/// People with accounts, and what they hold.
#[derive(Debug, Clone, Default)]
pub struct Crowd {
    pub(super) subjects: Vec<Subject>,
}

/// Why a population file can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrowdError {
    /// The file can't be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A line is not an object of strings with at least `email` and `password`.
    #[error("line {line} is no JSON object of strings with an email and a password")]
    Line {
        /// Which line, counted from 1.
        line: usize,
    },
}

impl Crowd {
    /// These people.
    pub const fn of(subjects: Vec<Subject>) -> Self {
        Self { subjects }
    }

    /// Reads people, one JSON object of strings a line. Values that the adapter has no use for are left out.
    pub fn read(lines: impl BufRead, names: &Names) -> Result<Self, CrowdError> {
        let mut subjects = Vec::new();
        for (number, line) in (1..).zip(lines.lines()) {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            subjects.push(read_one(&line, names).ok_or(CrowdError::Line { line: number })?);
        }
        Ok(Self { subjects })
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.subjects.len()
    }

    /// Whether nobody is there.
    pub const fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }
}

fn read_one(line: &str, names: &Names) -> Option<Subject> {
    let values: std::collections::BTreeMap<String, String> = serde_json::from_str(line).ok()?;
    let mut subject = Subject::default();
    for (name, value) in &values {
        if let Some(slot) = names.find(name) {
            subject.set(slot, value);
        }
    }
    let complete = subject.get(Slot::EMAIL).is_some() && subject.get(Slot::PASSWORD).is_some();
    complete.then_some(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_read_by_lines() {
        let text = "{\"email\":\"a@example.com\",\"password\":\"x\",\"shoe_size\":\"44\"}\n\n\
                    {\"password\":\"y\",\"email\":\"b@example.com\"}\n";
        let crowd = Crowd::read(text.as_bytes(), &Names::default()).unwrap();
        assert_eq!(
            crowd.subjects,
            [
                Subject::new("a@example.com", "x"),
                Subject::new("b@example.com", "y")
            ]
        );
    }

    #[test]
    fn a_line_without_an_account_is_refused() {
        for line in [
            "{\"email\":\"a@example.com\"}",
            "[]",
            "{\"email\":1,\"password\":\"\"}",
        ] {
            let text = format!("\n{line}\n");
            let error = Crowd::read(text.as_bytes(), &Names::default()).unwrap_err();
            assert!(matches!(error, CrowdError::Line { line: 2 }), "{line}");
        }
    }
}
