//! The other theme values, each parsed into parts and printed from them.

use std::fmt;

use super::color::Color;

/// A length such as `14px` or `0.5rem`, in thousandths of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Length {
    thousandths: i32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Px,
    Rem,
    Em,
}

impl Length {
    pub(crate) const fn px(pixels: i32) -> Self {
        Self {
            thousandths: pixels * 1000,
            unit: Unit::Px,
        }
    }

    /// Reads a number from 0 to 1000 with `px`, `rem` or `em`; a bare `0` is `0px`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::parse_signed(text).filter(|length| length.thousandths >= 0)
    }

    fn parse_signed(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "0" {
            return Some(Self::px(0));
        }
        // `rem` ends in `em`, so the longer unit is tried first.
        let (number, unit) = [("px", Unit::Px), ("rem", Unit::Rem), ("em", Unit::Em)]
            .into_iter()
            .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
        Some(Self {
            thousandths: thousandths(number)?,
            unit,
        })
    }
}

/// A decimal such as `-1.25` in thousandths, without exponents, `inf` or `nan`, which a float parser would let through.
fn thousandths(number: &str) -> Option<i32> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() > 4 || fraction.len() > 3 {
        return None;
    }
    let value =
        whole.parse::<i32>().ok()? * 1000 + format!("{fraction:0<3}").parse::<i32>().ok()?;
    (value <= 1_000_000).then_some(sign * value)
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Px => "px",
            Unit::Rem => "rem",
            Unit::Em => "em",
        };
        let magnitude = self.thousandths.unsigned_abs();
        let sign = if self.thousandths < 0 { "-" } else { "" };
        let fraction = format!("{:03}", magnitude % 1000);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{fraction}{unit}", magnitude / 1000)
    }
}

/// A font weight from 100 to 900.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FontWeight(u16);

impl FontWeight {
    pub(crate) const MEDIUM: Self = Self(500);

    pub(crate) fn new(weight: u16) -> Option<Self> {
        (100..=900).contains(&weight).then_some(Self(weight))
    }
}

impl fmt::Display for FontWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Font families in order of preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FontStack(Vec<String>);

impl FontStack {
    /// Reads a comma-separated list of names of letters, digits, spaces, `-` and `_`; quotes around a name are taken off.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let names = text
            .split(',')
            .map(family_name)
            .collect::<Option<Vec<_>>>()?;
        (names.len() <= 12).then_some(Self(names))
    }
}

impl Default for FontStack {
    fn default() -> Self {
        Self(
            ["Inter", "system-ui", "sans-serif"]
                .map(str::to_owned)
                .to_vec(),
        )
    }
}

fn family_name(text: &str) -> Option<String> {
    let text = text.trim();
    let name = ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text);
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    (!name.trim().is_empty() && name.len() <= 64 && name.chars().all(allowed))
        .then(|| name.trim().to_owned())
}

impl fmt::Display for FontStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KEYWORDS: [&str; 8] = [
            "system-ui",
            "sans-serif",
            "serif",
            "monospace",
            "ui-sans-serif",
            "ui-serif",
            "ui-monospace",
            "ui-rounded",
        ];
        for (position, name) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            // A keyword in quotes would be taken for the name of a font.
            if KEYWORDS.contains(&name.as_str()) {
                write!(f, "{comma}{name}")?;
            } else {
                write!(f, "{comma}\"{name}\"")?;
            }
        }
        Ok(())
    }
}

/// A box shadow: none, or up to four layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shadow(Vec<ShadowLayer>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct ShadowLayer {
    lengths: Vec<Length>,
    color: Color,
    alpha: i32,
}

impl Shadow {
    /// A soft black shadow below the box; alpha in thousandths.
    pub(crate) fn black(offset: i32, blur: i32, alpha: i32) -> Self {
        Self(vec![ShadowLayer {
            lengths: vec![Length::px(0), Length::px(offset), Length::px(blur)],
            color: Color::BLACK,
            alpha,
        }])
    }

    /// Reads `none`, or layers of two to four lengths and a colour (`#hex`, `rgb(r, g, b)` or `rgba(r, g, b, a)`).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "none" {
            return Some(Self(Vec::new()));
        }
        let layers = split_outside_parentheses(text)
            .into_iter()
            .map(ShadowLayer::parse)
            .collect::<Option<Vec<_>>>()?;
        (layers.len() <= 4).then_some(Self(layers))
    }
}

impl ShadowLayer {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let split = text.find(['#', 'r'])?;
        let (lengths, color) = text.split_at_checked(split)?;
        let lengths = lengths
            .split_whitespace()
            .map(Length::parse_signed)
            .collect::<Option<Vec<_>>>()?;
        let (color, alpha) = match color.strip_prefix("rgba(") {
            Some(rest) => {
                let (channels, alpha) = rest.strip_suffix(')')?.rsplit_once(',')?;
                let alpha = thousandths(alpha.trim()).filter(|alpha| (0..=1000).contains(alpha))?;
                (Color::parse(&format!("rgb({channels})"))?, alpha)
            }
            None => (Color::parse(color)?, 1000),
        };
        (2..=4).contains(&lengths.len()).then_some(Self {
            lengths,
            color,
            alpha,
        })
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

impl fmt::Display for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (position, layer) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            for length in &layer.lengths {
                write!(f, "{length} ")?;
            }
            let alpha = (layer.alpha * 255 + 500) / 1000;
            write!(f, "{}{alpha:02x}", layer.color)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FontStack, FontWeight, Length, Shadow};

    fn printed<T: std::fmt::Display>(value: Option<T>) -> Option<String> {
        value.map(|value| value.to_string())
    }

    #[test]
    fn lengths_come_out_as_they_went_in() {
        for text in ["14px", "0.5rem", "1.25em", "999.125px"] {
            assert_eq!(printed(Length::parse(text)).as_deref(), Some(text));
        }
        assert_eq!(printed(Length::parse("0")).as_deref(), Some("0px"));
    }

    #[test]
    fn lengths_refuse_what_is_not_a_plain_number_with_a_unit() {
        for text in [
            "",
            "px",
            "14",
            "-4px",
            "1e3px",
            "infpx",
            "NaNpx",
            "calc(1px)",
            "14px;",
            "14px}a{",
            "99999px",
            "1.2345px",
        ] {
            assert_eq!(Length::parse(text), None, "{text}");
        }
    }

    #[test]
    fn weights_stay_in_range() {
        assert_eq!(FontWeight::new(99), None);
        assert_eq!(FontWeight::new(901), None);
        assert_eq!(printed(FontWeight::new(650)).as_deref(), Some("650"));
    }

    #[test]
    fn font_names_are_quoted_and_keywords_are_not() {
        let stack = FontStack::parse("Inter, 'Segoe UI', system-ui, sans-serif");
        assert_eq!(
            printed(stack).as_deref(),
            Some("\"Inter\", \"Segoe UI\", system-ui, sans-serif")
        );
    }

    #[test]
    fn font_stacks_refuse_what_could_leave_the_value() {
        for text in [
            "", "Inter,", "Inter;}", "a\"b", "url(x)", "a\\b", "</style>", "a{b", "a\nb", "\"Inter",
        ] {
            assert_eq!(FontStack::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn shadows_are_rebuilt_from_their_parts() {
        assert_eq!(
            printed(Shadow::parse("0 1px 3px rgba(0,0,0,0.1)")).as_deref(),
            Some("0px 1px 3px #0000001a")
        );
        assert_eq!(
            printed(Shadow::parse("0 1px 2px #000, 0 -4px 8px 2px rgb(1, 2, 3)")).as_deref(),
            Some("0px 1px 2px #000000ff, 0px -4px 8px 2px #010203ff")
        );
        assert_eq!(printed(Shadow::parse("none")).as_deref(), Some("none"));
    }

    #[test]
    fn shadows_refuse_what_could_leave_the_value() {
        for text in [
            "",
            "0 #000",
            "0 0 0 0 0 #000",
            "0 1px red",
            "0 1px 3px rgba(0,0,0,2)",
            "0 1px 3px rgba(0,0,0,0.1);}",
            "0 1px 3px rgba(0,0,0,0.1)) ; a:url(x",
            "0 1px #000,",
        ] {
            assert_eq!(Shadow::parse(text), None, "{text}");
        }
    }
}
