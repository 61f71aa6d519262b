//! Colours: parsed from what an operator writes, compared by the contrast rule of WCAG 2.2.

use std::fmt;

/// An opaque sRGB colour. It is printed from its parsed parts, so nothing that an operator wrote reaches a
/// stylesheet as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

impl Color {
    pub(crate) const WHITE: Self = Self::rgb(0xff, 0xff, 0xff);
    pub(crate) const BLACK: Self = Self::rgb(0, 0, 0);
    /// The dark ink for fills too light to carry white.
    pub(crate) const INK: Self = Self::rgb(0x11, 0x13, 0x18);

    pub(crate) const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#rgb`, `#rrggbb` or `rgb(r, g, b)`; anything else is `None`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.strip_prefix('#') {
            Some(digits) => Self::from_hex(digits),
            None => Self::from_function(text),
        }
    }

    fn from_hex(digits: &str) -> Option<Self> {
        let nibbles = digits
            .chars()
            .map(|digit| {
                digit
                    .to_digit(16)
                    .and_then(|value| u8::try_from(value).ok())
            })
            .collect::<Option<Vec<u8>>>()?;
        match *nibbles.as_slice() {
            [r, g, b] => Some(Self::rgb(r * 17, g * 17, b * 17)),
            [r1, r2, g1, g2, b1, b2] => Some(Self::rgb(r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2)),
            _ => None,
        }
    }

    fn from_function(text: &str) -> Option<Self> {
        let inner = text.strip_prefix("rgb(")?.strip_suffix(')')?;
        let parts = inner
            .split(',')
            .map(|part| part.trim().parse::<u8>().ok())
            .collect::<Option<Vec<u8>>>()?;
        match *parts.as_slice() {
            [r, g, b] => Some(Self::rgb(r, g, b)),
            _ => None,
        }
    }

    /// The colour that lies `percent` of the way from this one to `other`.
    pub(crate) fn mix(self, other: Self, percent: u8) -> Self {
        let percent = u32::from(percent.min(100));
        let blend = |from: u8, to: u8| {
            let sum = u32::from(from) * (100 - percent) + u32::from(to) * percent;
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        Self::rgb(
            blend(self.red, other.red),
            blend(self.green, other.green),
            blend(self.blue, other.blue),
        )
    }

    /// Whether the colour is a dark ground, on which shades get lighter to stand out.
    pub(crate) fn is_dark(self) -> bool {
        self.contrast(Self::WHITE) > self.contrast(Self::BLACK)
    }

    /// Contrast ratio, 1 to 21 (WCAG 2.2, success criterion 1.4.3).
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// The nearest shade of this colour that has at least `ratio` against every one of `grounds`: darker on light
    /// grounds, lighter on dark ones. Grounds on both sides of the middle get the best that exists.
    pub(crate) fn standing_out(self, grounds: &[Self], ratio: f64) -> Self {
        let passes = |shade: Self| {
            grounds
                .iter()
                .all(|ground| shade.contrast(*ground) >= ratio)
        };
        let target = if grounds.iter().any(|ground| ground.is_dark()) {
            Self::WHITE
        } else {
            Self::BLACK
        };
        (0..=100)
            .map(|percent| self.mix(target, percent))
            .find(|shade| passes(*shade))
            .unwrap_or(target)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::Color;

    #[test]
    fn reads_the_three_notations() {
        let indigo = Some(Color::rgb(0x63, 0x66, 0xf1));
        assert_eq!(Color::parse("#6366f1"), indigo);
        assert_eq!(Color::parse(" #6366F1 "), indigo);
        assert_eq!(Color::parse("rgb(99, 102, 241)"), indigo);
        assert_eq!(Color::parse("#fff"), Some(Color::WHITE));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "#",
            "#ff",
            "#ffff",
            "#12345g",
            "red;}body{display:none",
            "rgb(1,2)",
            "rgb(1,2,256)",
            "rgb(1,2,3);",
            "url(https://evil.example)",
            "#fff}/*",
            "var(--x)",
            "expression(alert(1))",
        ] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    #[test]
    fn contrast_agrees_with_published_pairs() {
        assert!((Color::WHITE.contrast(Color::BLACK) - 21.0).abs() < 1e-9);
        // #767676 is the well-known lightest grey that passes AA on white; #777777 is the first that fails.
        assert!(Color::rgb(0x76, 0x76, 0x76).contrast(Color::WHITE) >= 4.5);
        assert!(Color::rgb(0x77, 0x77, 0x77).contrast(Color::WHITE) < 4.5);
        assert!((Color::rgb(0x63, 0x66, 0xf1).contrast(Color::WHITE) - 4.47).abs() < 0.01);
    }

    #[test]
    fn a_shade_moves_no_further_than_it_must() {
        let indigo = Color::rgb(0x63, 0x66, 0xf1);
        let shade = indigo.standing_out(&[Color::WHITE], 4.5);
        assert!(shade.contrast(Color::WHITE) >= 4.5);
        assert!(shade.contrast(Color::WHITE) < 4.65);
        assert_eq!(indigo.standing_out(&[Color::WHITE], 4.0), indigo);
    }
}
