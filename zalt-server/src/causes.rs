use std::error::Error;
use std::fmt;

/// An error with every cause, in one line.
pub(crate) struct WithCauses<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        f.write_str(&shown)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let next = error.to_string();
            // A transparent error has the words of its cause.
            if !shown.contains(&next) {
                write!(f, ": {next}")?;
                shown = next;
            }
            cause = error.source();
        }
        Ok(())
    }
}
