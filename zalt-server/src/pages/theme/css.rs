//! The theme as a stylesheet of custom properties.

use std::fmt::{self, Display, Write as _};

use super::{
    Theme, ThemeMode,
    palette::{Accent, Palette, Tones},
};

pub(crate) fn stylesheet(theme: &Theme) -> String {
    let mut css = Declarations(String::with_capacity(4096));
    // Writing to a String cannot fail.
    let _ = css.theme(theme);
    css.0
}

struct Declarations(String);

impl Declarations {
    fn theme(&mut self, theme: &Theme) -> fmt::Result {
        let shape = &theme.shape;
        self.0.write_str(":root{")?;
        self.set("font-family", &shape.font_family)?;
        self.set("font-size", shape.font_size)?;
        self.set("font-weight", shape.font_weight)?;
        self.set("spacing", shape.spacing)?;
        self.set("border-radius", shape.border_radius)?;
        match theme.mode {
            ThemeMode::Light => self.palette("light", &theme.light)?,
            ThemeMode::Dark => self.palette("dark", &theme.dark)?,
            ThemeMode::System => {
                self.palette("light dark", &theme.light)?;
                self.0
                    .write_str("}@media (prefers-color-scheme:dark){:root{")?;
                self.palette("light dark", &theme.dark)?;
                self.0.write_str("}")?;
            }
        }
        self.0.write_str("}\n")
    }

    fn palette(&mut self, scheme: &str, palette: &Palette) -> fmt::Result {
        write!(self.0, "color-scheme:{scheme};")?;
        self.set("color-primary", palette.primary)?;
        self.set("color-primary-hover", palette.primary_hover)?;
        self.set("color-background", palette.background)?;
        self.set("color-text", palette.text)?;
        self.set("color-text-secondary", palette.text_secondary)?;
        self.set("color-border", palette.border)?;
        self.set("color-error", palette.error)?;
        self.set("color-success", palette.success)?;
        self.set("shadow", &palette.shadow)?;
        self.set("shadow-hover", &palette.shadow_hover)?;
        let tones = Tones::of(palette);
        self.set("tone-canvas", tones.canvas)?;
        self.set("tone-subtle", tones.subtle)?;
        self.set("tone-text-muted", tones.text_muted)?;
        self.set("tone-field-edge", tones.field_edge)?;
        self.accent("primary", &tones.primary)?;
        self.accent("error", &tones.error)?;
        self.accent("success", &tones.success)
    }

    fn accent(&mut self, name: &str, accent: &Accent) -> fmt::Result {
        for (part, color) in [
            ("fill", accent.fill),
            ("fill-hover", accent.fill_hover),
            ("on-fill", accent.on_fill),
            ("text", accent.text),
            ("tint", accent.tint),
        ] {
            write!(self.0, "--zalt-tone-{name}-{part}:{color};")?;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: impl Display) -> fmt::Result {
        write!(self.0, "--zalt-{name}:{value};")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Theme, ThemeMode};

    #[test]
    fn each_mode_shows_its_own_palette() {
        let css = |mode| {
            Theme {
                mode,
                ..Theme::default()
            }
            .stylesheet()
        };
        let (light, dark, system) = (
            css(ThemeMode::Light),
            css(ThemeMode::Dark),
            css(ThemeMode::System),
        );
        assert!(light.contains("color-scheme:light;") && !light.contains("@media"));
        assert!(dark.contains("color-scheme:dark;") && !dark.contains("#1f2937"));
        assert!(
            system.contains("@media (prefers-color-scheme:dark){:root{color-scheme:light dark;")
        );
        for css in [light, dark, system] {
            assert_eq!(css.matches('{').count(), css.matches('}').count());
        }
    }
}
