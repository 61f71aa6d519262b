//! The colours of one appearance, and the shades that follow from them.

use super::{color::Color, values::Shadow};

/// Text must reach this ratio against its ground (WCAG 2.2 AA, 1.4.3).
pub(crate) const TEXT_RATIO: f64 = 4.5;
/// Edges of controls and the focus ring must reach this ratio (WCAG 2.2 AA, 1.4.11).
pub(crate) const EDGE_RATIO: f64 = 3.0;

/// The theme variables that differ between light and dark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Palette {
    pub(crate) primary: Color,
    pub(crate) primary_hover: Color,
    pub(crate) background: Color,
    pub(crate) text: Color,
    pub(crate) text_secondary: Color,
    pub(crate) border: Color,
    pub(crate) error: Color,
    pub(crate) success: Color,
    pub(crate) shadow: Shadow,
    pub(crate) shadow_hover: Shadow,
}

/// Shades computed from a palette so that every text and every edge on the pages is readable, whatever the operator
/// chose. The variables themselves are served as they were set; the pages paint with these where the variable alone
/// would fall short (white on `#6366f1` is 4.47:1, `#ef4444` on white 3.76:1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tones {
    /// The page behind cards.
    pub(crate) canvas: Color,
    /// Quiet surfaces on a card: footers, hovered rows, badges.
    pub(crate) subtle: Color,
    /// Secondary text, readable on `background`, `canvas` and `subtle`.
    pub(crate) text_muted: Color,
    /// Edges of text fields.
    pub(crate) field_edge: Color,
    pub(crate) primary: Accent,
    pub(crate) error: Accent,
    pub(crate) success: Accent,
}

/// How one accent colour is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accent {
    /// Ground of a filled button.
    pub(crate) fill: Color,
    /// The same, hovered.
    pub(crate) fill_hover: Color,
    /// Text on both fills.
    pub(crate) on_fill: Color,
    /// The accent as text, on every surface and on its own tint.
    pub(crate) text: Color,
    /// A faint wash of the accent for alerts and badges.
    pub(crate) tint: Color,
}

impl Tones {
    pub(crate) fn of(palette: &Palette) -> Self {
        let background = palette.background;
        let canvas = if background.is_dark() {
            background.mix(Color::BLACK, 38)
        } else {
            background.mix(palette.text_secondary, 4)
        };
        let subtle = background.mix(palette.text_secondary, 7);
        let surfaces = [background, canvas, subtle];
        let accent = |color, hover| Accent::of(color, hover, &surfaces);
        Self {
            canvas,
            subtle,
            text_muted: palette.text_secondary.standing_out(&surfaces, TEXT_RATIO),
            field_edge: palette.border.standing_out(&[background], EDGE_RATIO),
            primary: accent(palette.primary, palette.primary_hover),
            error: accent(palette.error, palette.error.mix(Color::BLACK, 14)),
            success: accent(palette.success, palette.success.mix(Color::BLACK, 14)),
        }
    }
}

impl Accent {
    fn of(color: Color, hover: Color, surfaces: &[Color; 3]) -> Self {
        let [background, canvas, subtle] = *surfaces;
        let tint = background.mix(color, 9);
        // White is what people expect on a coloured button, so a fill that is nearly dark enough for it is darkened
        // a little; a light fill gets dark ink instead.
        let on_fill = if color.contrast(Color::WHITE) >= EDGE_RATIO {
            Color::WHITE
        } else {
            Color::INK
        };
        Self {
            fill: color.standing_out(&[on_fill], TEXT_RATIO),
            fill_hover: hover.standing_out(&[on_fill], TEXT_RATIO),
            on_fill,
            text: color.standing_out(&[background, canvas, subtle, tint], TEXT_RATIO),
            tint,
        }
    }
}
