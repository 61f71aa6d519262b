use std::fmt;

/// A mail in words: subject, text and HTML of equal content.
///
/// `Debug` shows the subject only, since the bodies may hold codes and links.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedMail {
    subject: String,
    text: String,
    html: String,
}

impl RenderedMail {
    /// A mail of these parts. The subject becomes one line, whatever it was made of: a line break in it would let
    /// its author write headers.
    pub fn new(subject: &str, text: impl Into<String>, html: impl Into<String>) -> Self {
        Self {
            subject: one_line(subject, MAX_SUBJECT),
            text: text.into(),
            html: html.into(),
        }
    }

    /// One line without control characters.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The plain text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The HTML document.
    pub fn html(&self) -> &str {
        &self.html
    }
}

impl fmt::Debug for RenderedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderedMail")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Counted in characters; longer subjects are cut by every mail program anyway.
const MAX_SUBJECT: usize = 200;

/// `text` as one line of at most `max` characters: control characters, line separators and marks that turn the
/// direction of writing become a space, and runs of spaces one.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control() || is_format_trick(c))
        .filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(max) {
        Some((end, _)) => line.get(..end).unwrap_or_default().to_owned(),
        None => line,
    }
}

/// Marks that make a text look like another: embeddings, overrides and isolates of writing direction.
pub(crate) const fn is_format_trick(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_whatever_it_was_made_of() {
        let mail = RenderedMail::new(
            "Hello\r\nBcc: everybody@example.com\u{2028}\u{202e}x\0y\u{85}  z",
            "",
            "",
        );
        assert_eq!(mail.subject(), "Hello Bcc: everybody@example.com x y z");
    }

    #[test]
    fn a_long_subject_is_cut_between_characters() {
        let mail = RenderedMail::new(&"é".repeat(500), "", "");
        assert_eq!(mail.subject().chars().count(), MAX_SUBJECT);
    }

    #[test]
    fn debug_shows_no_body() {
        let mail = RenderedMail::new("Sign in", "123456", "<b>123456</b>");
        assert!(!format!("{mail:?}").contains("123456"));
    }
}
