//! The marks of providers.

/// One line each; the head of the file says where they are from.
const MARKS: &str = include_str!("../../assets/marks.txt");

/// What stands before the name of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The path of a drawing of 24 by 24.
    Path(&'static str),
    /// The first letter of its name, where there is no mark that may be given away.
    Letter(char),
}

impl Mark {
    /// The mark of a preset; `name` is what people call the provider.
    pub(crate) fn of(preset: &str, name: &str) -> Self {
        let drawn = MARKS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(' '))
            .find(|(known, _)| *known == preset);
        match drawn {
            Some((_, path)) => Self::Path(path),
            None => Self::Letter(first_letter(name)),
        }
    }
}

impl Mark {
    /// The drawing, if there is one.
    pub(crate) const fn path(self) -> Option<&'static str> {
        match self {
            Self::Path(path) => Some(path),
            Self::Letter(_) => None,
        }
    }

    /// What stands in its place.
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Letter(letter) => letter,
            Self::Path(_) => ' ',
        }
    }
}

fn first_letter(name: &str) -> char {
    let letter = name.chars().find(|c| c.is_alphanumeric());
    letter
        .and_then(|letter| letter.to_uppercase().next())
        .unwrap_or('?')
}

#[cfg(test)]
mod tests {
    use super::{MARKS, Mark};

    #[test]
    fn a_provider_has_its_mark_or_its_letter() {
        assert!(matches!(Mark::of("github", "GitHub"), Mark::Path(path) if path.starts_with('M')));
        assert_eq!(Mark::of("slack", "Slack"), Mark::Letter('S'));
        assert_eq!(Mark::of("oauth2", "élan"), Mark::Letter('É'));
        assert_eq!(Mark::of("#", "x"), Mark::Letter('X'), "the head is no mark");
        assert_eq!(Mark::of("", "…"), Mark::Letter('?'));
    }

    #[test]
    fn a_path_is_nothing_but_a_path() {
        for line in MARKS.lines().filter(|line| !line.starts_with('#')) {
            let (name, path) = line.split_once(' ').unwrap();
            let plain = |c: char| c.is_ascii_alphanumeric() || " ,.-".contains(c);
            assert!(path.chars().all(plain), "{name}");
        }
    }
}
