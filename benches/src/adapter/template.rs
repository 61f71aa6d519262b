use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::values::{Names, Slot};

/// Text with placeholders: `${name}`, where a name is of lower-case letters, digits and underscores. Any other dollar is
/// a dollar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
    escape: Escape,
}

/// How a value has to be written where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// As it is.
    Nothing,
    /// Inside a string of JSON.
    Json,
    /// In a path or a form.
    Percent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Slot),
}

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Template {
    pub(super) fn parse(text: &str, escape: Escape, names: &mut Names) -> Self {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            plain.push_str(before);
            if let Some((name, after)) = after.split_once('}').filter(|(name, _)| is_name(name)) {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Value(names.find_or_add(name)));
                rest = after;
            } else {
                plain.push_str("${");
                rest = after;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Self { parts, escape }
    }

    /// The fields of a form, whose names and fixed words are encoded here and whose values later.
    pub(super) fn form<'f>(
        fields: impl Iterator<Item = (&'f str, &'f str)>,
        names: &mut Names,
    ) -> Self {
        let mut parts = Vec::new();
        for (name, value) in fields {
            let before = if parts.is_empty() { "" } else { "&" };
            parts.push(Part::Text(format!("{before}{}=", encode(name))));
            let value = Self::parse(value, Escape::Percent, names);
            parts.extend(value.parts.into_iter().map(|part| match part {
                Part::Text(plain) => Part::Text(encode(&plain)),
                Part::Value(slot) => Part::Value(slot),
            }));
        }
        Self {
            parts,
            escape: Escape::Percent,
        }
    }

    /// The values that it needs.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value(slot) => Some(*slot),
        })
    }

    /// The text with the values in it; the error is the one that is missing.
    pub(super) fn render<'v>(
        &self,
        value: impl Fn(Slot) -> Option<&'v str>,
    ) -> Result<String, Slot> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Value(slot) => self.escape.write(value(*slot).ok_or(*slot)?, &mut text),
            }
        }
        Ok(text)
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn is_name(text: &str) -> bool {
    let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && text.bytes().all(named)
}

impl Escape {
    fn write(self, value: &str, text: &mut String) {
        match self {
            Self::Nothing => text.push_str(value),
            Self::Percent => text.extend(utf8_percent_encode(value, RESERVED)),
            Self::Json => {
                // A string has a JSON form, which stands between quotes.
                let quoted = serde_json::to_string(value).unwrap();
                text.push_str(
                    quoted
                        .trim_start_matches('"')
                        .strip_suffix('"')
                        .unwrap_or(""),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, escape: Escape, value: &str) -> String {
        let mut names = Names::default();
        let template = Template::parse(text, escape, &mut names);
        let email = |slot| (slot == Slot::EMAIL).then_some(value);
        template.render(email).unwrap()
    }

    #[test]
    fn values_are_written_for_the_place_where_they_stand() {
        let value = "\"a\\b&c d/é\n";
        for (escape, expected) in [
            (Escape::Nothing, "<\"a\\b&c d/é\n>"),
            (Escape::Json, r#"<\"a\\b&c d/é\n>"#),
            (Escape::Percent, "<%22a%5Cb%26c%20d%2F%C3%A9%0A>"),
        ] {
            assert_eq!(render("<${email}>", escape, value), expected);
        }
    }

    #[test]
    fn only_names_are_placeholders() {
        for text in [
            "$",
            "${",
            "${}",
            "${Email}",
            "$email",
            "${a b}",
            "{\"a\": {}}",
        ] {
            assert_eq!(render(text, Escape::Nothing, "x"), text);
        }
        assert_eq!(render("${${email}}", Escape::Nothing, "x"), "${x}");
        assert_eq!(render("${email}${email}", Escape::Nothing, "x"), "xx");
    }

    #[test]
    fn forms_are_encoded_throughout() {
        let mut names = Names::default();
        let fields = [("a b", "c&d=${email}"), ("scope", "x y")];
        let form = Template::form(fields.into_iter(), &mut names);
        assert_eq!(
            form.render(|_| Some("é+")).unwrap(),
            "a%20b=c%26d%3D%C3%A9%2B&scope=x%20y"
        );
    }

    #[test]
    fn a_missing_value_is_named() {
        let mut names = Names::default();
        let template = Template::parse("a ${token}", Escape::Nothing, &mut names);
        let slots: Vec<_> = template.slots().collect();
        assert_eq!(slots, [names.find("token").unwrap()]);
        assert_eq!(template.render(|_| None), Err(slots[0]));
    }
}
