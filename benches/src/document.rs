//! Where results are written: between two marks in `docs/performance.md`, and pictures beside it.

use std::io;
use std::path::{Path, PathBuf};

/// A document with places that are written anew by each run: all between `<!-- bench: NAME -->` and `<!-- /bench -->`.
#[derive(Debug)]
pub struct Document {
    file: PathBuf,
    text: String,
}

/// Why nothing could be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The file can't be read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The document has no place of this name.
    #[error("{} has no lines <!-- bench: {name} --> and <!-- /bench -->", file.display())]
    NoPlace {
        /// Which file.
        file: PathBuf,
        /// The name.
        name: String,
    },
}

impl Document {
    /// Reads a document.
    pub fn open(file: &Path) -> Result<Self, DocumentError> {
        let text = std::fs::read_to_string(file).map_err(|source| io_error(file, source))?;
        Ok(Self {
            file: file.to_owned(),
            text,
        })
    }

    /// Puts a text in a place, in place of the one before.
    pub fn put(&mut self, name: &str, new: &str) -> Result<(), DocumentError> {
        let replaced = replaced(&self.text, name, new).ok_or_else(|| DocumentError::NoPlace {
            file: self.file.clone(),
            name: name.to_owned(),
        })?;
        self.text = replaced;
        Ok(())
    }

    /// Writes it back.
    pub fn save(&self) -> Result<(), DocumentError> {
        save(&self.file, &self.text)
    }
}

/// Writes a file, and the folders that lead to it.
pub fn save(file: &Path, text: &str) -> Result<(), DocumentError> {
    let written = file
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(file, text));
    written.map_err(|source| io_error(file, source))
}

fn io_error(file: &Path, source: io::Error) -> DocumentError {
    DocumentError::Io {
        file: file.to_owned(),
        source,
    }
}

fn replaced(text: &str, name: &str, new: &str) -> Option<String> {
    let begin = format!("<!-- bench: {name} -->\n");
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once("<!-- /bench -->")?;
    Some(format!(
        "{before}{begin}{}\n<!-- /bench -->{after}",
        new.trim_end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_place_of_that_name_changes() {
        let text = "a\n<!-- bench: one -->\nold\n<!-- /bench -->\nb\n<!-- bench: two -->\n<!-- /bench -->\n";
        let once = replaced(text, "two", "new\n\n").unwrap();
        assert_eq!(
            once,
            "a\n<!-- bench: one -->\nold\n<!-- /bench -->\nb\n<!-- bench: two -->\nnew\n<!-- /bench -->\n"
        );
        assert_eq!(replaced(&once, "two", "new").unwrap(), once);
        assert_eq!(replaced(text, "three", ""), None);
    }
}
