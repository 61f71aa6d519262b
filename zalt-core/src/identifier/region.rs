use std::fmt;

/// A country, or a part of one that the world's numbering plan tells apart, by its two letters of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region([u8; 2]);

/// A text that names no region with phone numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a country is given by its two letters of ISO 3166-1, such as AT")]
pub struct RegionError;

impl Region {
    /// Reads the two letters, in either case.
    pub fn parse(text: &str) -> Result<Self, RegionError> {
        let &[first, second] = text.trim().as_bytes() else {
            return Err(RegionError);
        };
        let region = Self([first.to_ascii_uppercase(), second.to_ascii_uppercase()]);
        match phonelib::country_by_code(region.as_str()) {
            Some(_) => Ok(region),
            None => Err(RegionError),
        }
    }

    /// The two letters, in upper case.
    pub fn as_str(&self) -> &str {
        // Nothing but ASCII letters is ever in it.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// What the region is called in English.
    pub fn name(&self) -> &'static str {
        phonelib::country_by_code(self.as_str()).map_or("", |country| country.name)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({self})")
    }
}

impl serde::Serialize for Region {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Region {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_two_letters_that_some_country_has() {
        let austria = Region::parse(" at ").unwrap();
        assert_eq!((austria.as_str(), austria.name()), ("AT", "Austria"));
        for text in ["", "A", "AUT", "XX", "001", "4T", "ÄT", "é"] {
            assert_eq!(Region::parse(text), Err(RegionError), "{text}");
        }
    }
}
