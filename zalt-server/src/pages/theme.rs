//! The theme: variables with defaults, checked overrides, and the stylesheet they become.
//!
//! Values are parsed, never passed through: what cannot be read as a colour, a length, a font list or a shadow is
//! refused by name when the server starts, so no setting can put a rule of its own into the stylesheet.

mod color;
mod config;
mod css;
mod logo;
mod palette;
mod values;

use serde::Deserialize;

pub(crate) use config::{ThemeConfig, ThemeError};
pub(crate) use logo::LogoUrl;

use color::Color;
use palette::Palette;
use values::{FontStack, FontWeight, Length, Shadow};

/// Everything that decides how the hosted pages look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Theme {
    /// Which appearance is shown.
    pub(crate) mode: ThemeMode,
    /// The name of the product that people sign in to.
    pub(crate) product_name: String,
    /// Shown in place of the built-in mark.
    pub(crate) logo: Option<LogoUrl>,
    light: Palette,
    dark: Palette,
    shape: Shape,
}

/// Which appearance the pages show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ThemeMode {
    /// Always light.
    Light,
    /// Always dark.
    Dark,
    /// As the visitor's system asks.
    #[default]
    System,
}

/// The theme variables that light and dark share.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    font_family: FontStack,
    font_size: Length,
    font_weight: FontWeight,
    spacing: Length,
    border_radius: Length,
}

impl Theme {
    /// Checks every override and lays it over the defaults.
    pub(crate) fn new(config: &ThemeConfig) -> Result<Self, ThemeError> {
        config.check()
    }

    /// The text of the theme stylesheet.
    pub(crate) fn stylesheet(&self) -> String {
        css::stylesheet(self)
    }

    /// The primary colour of the light appearance as `#rrggbb`, for the icon in the browser's tab.
    pub(crate) fn icon_color(&self) -> String {
        palette::Tones::of(&self.light).primary.fill.to_string()
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self {
            mode: ThemeMode::System,
            product_name: "Zalt".to_owned(),
            logo: None,
            light: light(),
            dark: dark(),
            shape: Shape {
                font_family: FontStack::default(),
                font_size: Length::px(14),
                font_weight: FontWeight::MEDIUM,
                spacing: Length::px(16),
                border_radius: Length::px(8),
            },
        }
    }
}

fn light() -> Palette {
    Palette {
        primary: Color::rgb(0x63, 0x66, 0xf1),
        primary_hover: Color::rgb(0x4f, 0x46, 0xe5),
        background: Color::WHITE,
        text: Color::rgb(0x1f, 0x29, 0x37),
        text_secondary: Color::rgb(0x6b, 0x72, 0x80),
        border: Color::rgb(0xe5, 0xe7, 0xeb),
        error: Color::rgb(0xef, 0x44, 0x44),
        success: Color::rgb(0x22, 0xc5, 0x5e),
        shadow: Shadow::black(1, 3, 100),
        shadow_hover: Shadow::black(4, 6, 100),
    }
}

fn dark() -> Palette {
    Palette {
        primary: Color::rgb(0x63, 0x66, 0xf1),
        primary_hover: Color::rgb(0x4f, 0x52, 0xdd),
        background: Color::rgb(0x19, 0x1b, 0x21),
        text: Color::rgb(0xf0, 0xf1, 0xf4),
        text_secondary: Color::rgb(0x9c, 0xa3, 0xaf),
        border: Color::rgb(0x2b, 0x2f, 0x38),
        error: Color::rgb(0xf8, 0x71, 0x71),
        success: Color::rgb(0x4a, 0xde, 0x80),
        shadow: Shadow::black(1, 3, 500),
        shadow_hover: Shadow::black(4, 6, 500),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Theme,
        color::Color,
        dark, light,
        palette::{EDGE_RATIO, Palette, TEXT_RATIO, Tones},
    };

    fn assert_ratio(what: &str, one: Color, two: Color, ratio: f64) {
        let got = one.contrast(two);
        assert!(got >= ratio, "{what}: {one} on {two} is {got:.2}:1");
    }

    fn assert_readable(palette: &Palette) {
        let tones = Tones::of(palette);
        let surfaces = [palette.background, tones.canvas, tones.subtle];
        for surface in surfaces {
            assert_ratio("text", palette.text, surface, TEXT_RATIO);
            assert_ratio("secondary text", tones.text_muted, surface, TEXT_RATIO);
            assert_ratio("link", tones.primary.text, surface, TEXT_RATIO);
            assert_ratio("error text", tones.error.text, surface, TEXT_RATIO);
            assert_ratio("success text", tones.success.text, surface, TEXT_RATIO);
            assert_ratio("focus ring", tones.primary.text, surface, EDGE_RATIO);
        }
        assert_ratio(
            "field edge",
            tones.field_edge,
            palette.background,
            EDGE_RATIO,
        );
        for accent in [&tones.primary, &tones.error, &tones.success] {
            assert_ratio("button", accent.on_fill, accent.fill, TEXT_RATIO);
            assert_ratio(
                "hovered button",
                accent.on_fill,
                accent.fill_hover,
                TEXT_RATIO,
            );
            assert_ratio("alert", accent.text, accent.tint, TEXT_RATIO);
            assert_ratio("text on tint", palette.text, accent.tint, TEXT_RATIO);
        }
    }

    #[test]
    fn the_default_palettes_meet_aa() {
        assert_readable(&light());
        assert_readable(&dark());
    }

    #[test]
    fn a_loud_palette_of_an_operator_meets_aa_too() {
        let yellow = Palette {
            primary: Color::rgb(0xfa, 0xcc, 0x15),
            primary_hover: Color::rgb(0xea, 0xb3, 0x08),
            text_secondary: Color::rgb(0xd1, 0xd5, 0xdb),
            ..light()
        };
        assert_readable(&yellow);
    }

    #[test]
    fn the_variables_keep_the_defaults_of_the_design() {
        let css = Theme::default().stylesheet();
        for line in [
            "--zalt-color-primary:#6366f1;",
            "--zalt-color-primary-hover:#4f46e5;",
            "--zalt-color-background:#ffffff;",
            "--zalt-color-text:#1f2937;",
            "--zalt-color-text-secondary:#6b7280;",
            "--zalt-color-border:#e5e7eb;",
            "--zalt-color-error:#ef4444;",
            "--zalt-color-success:#22c55e;",
            "--zalt-font-family:\"Inter\", system-ui, sans-serif;",
            "--zalt-font-size:14px;",
            "--zalt-font-weight:500;",
            "--zalt-spacing:16px;",
            "--zalt-border-radius:8px;",
            "--zalt-shadow:0px 1px 3px #0000001a;",
            "--zalt-shadow-hover:0px 4px 6px #0000001a;",
        ] {
            assert!(css.contains(line), "{line} is missing in\n{css}");
        }
    }
}
