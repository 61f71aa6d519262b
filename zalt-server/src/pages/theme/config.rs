//! What an operator may write under `[theme]`, and the check of it.

use serde::Deserialize;

use super::{
    Theme, ThemeMode,
    color::Color,
    logo::LogoUrl,
    palette::{Palette, TEXT_RATIO},
    values::{FontStack, FontWeight, Length, Shadow},
};

/// Overrides of theme variables, by their names in the design. Absent ones keep their default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ThemeConfig {
    pub(crate) mode: ThemeMode,
    pub(crate) product_name: Option<String>,
    pub(crate) logo_url: Option<String>,
    pub(crate) font_family: Option<String>,
    pub(crate) font_size: Option<String>,
    pub(crate) font_weight: Option<u16>,
    pub(crate) spacing: Option<String>,
    pub(crate) border_radius: Option<String>,
    /// Colours and shadows of the light appearance.
    pub(crate) light: ColorConfig,
    /// Colours and shadows of the dark appearance.
    pub(crate) dark: ColorConfig,
}

/// Overrides of the variables that differ between light and dark.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ColorConfig {
    pub(crate) color_primary: Option<String>,
    pub(crate) color_primary_hover: Option<String>,
    pub(crate) color_background: Option<String>,
    pub(crate) color_text: Option<String>,
    pub(crate) color_text_secondary: Option<String>,
    pub(crate) color_border: Option<String>,
    pub(crate) color_error: Option<String>,
    pub(crate) color_success: Option<String>,
    pub(crate) shadow: Option<String>,
    pub(crate) shadow_hover: Option<String>,
}

/// Why a theme setting was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ThemeError {
    #[error(
        "theme.{appearance}.{setting}: {value:?} is not a colour; write #rrggbb or rgb(r, g, b)"
    )]
    Color {
        appearance: &'static str,
        setting: &'static str,
        value: String,
    },
    #[error(
        "theme.{setting}: {value:?} is not a length; write a number with px, rem or em, such as 16px"
    )]
    Length {
        setting: &'static str,
        value: String,
    },
    #[error(
        "theme.fontFamily: {value:?} is not a list of font names; write names separated by commas"
    )]
    FontFamily { value: String },
    #[error("theme.fontWeight: {value} is not a font weight; write a number from 100 to 900")]
    FontWeight { value: u16 },
    #[error(
        "theme.{appearance}.{setting}: {value:?} is not a shadow; write none, or two to four lengths and a colour, \
         such as 0 1px 3px rgba(0,0,0,0.1)"
    )]
    Shadow {
        appearance: &'static str,
        setting: &'static str,
        value: String,
    },
    #[error("theme.productName: write 1 to 60 characters without control characters")]
    ProductName,
    #[error("theme.logoUrl: {value:?} can't be used; write /path or https://host/path")]
    LogoUrl { value: String },
    #[error(
        "theme.{appearance}.colorText is not readable on colorBackground: the contrast is {ratio:.1}:1 and has to be \
         at least 4.5:1; change one of the two"
    )]
    Unreadable {
        appearance: &'static str,
        ratio: f64,
    },
}

impl ThemeConfig {
    pub(super) fn check(&self) -> Result<Theme, ThemeError> {
        let mut theme = Theme {
            mode: self.mode,
            ..Theme::default()
        };
        if let Some(name) = &self.product_name {
            theme.product_name = product_name(name)?;
        }
        if let Some(value) = &self.logo_url {
            let logo = LogoUrl::parse(value).ok_or_else(|| ThemeError::LogoUrl {
                value: value.clone(),
            })?;
            theme.logo = Some(logo);
        }
        let shape = &mut theme.shape;
        if let Some(value) = &self.font_family {
            shape.font_family = FontStack::parse(value).ok_or_else(|| ThemeError::FontFamily {
                value: value.clone(),
            })?;
        }
        if let Some(value) = self.font_weight {
            shape.font_weight = FontWeight::new(value).ok_or(ThemeError::FontWeight { value })?;
        }
        set_length(&mut shape.font_size, "fontSize", self.font_size.as_deref())?;
        set_length(&mut shape.spacing, "spacing", self.spacing.as_deref())?;
        set_length(
            &mut shape.border_radius,
            "borderRadius",
            self.border_radius.as_deref(),
        )?;
        self.light.lay_over(&mut theme.light, "light")?;
        self.dark.lay_over(&mut theme.dark, "dark")?;
        Ok(theme)
    }
}

impl ColorConfig {
    fn lay_over(&self, palette: &mut Palette, appearance: &'static str) -> Result<(), ThemeError> {
        for (target, setting, value) in [
            (&mut palette.primary, "colorPrimary", &self.color_primary),
            (
                &mut palette.primary_hover,
                "colorPrimaryHover",
                &self.color_primary_hover,
            ),
            (
                &mut palette.background,
                "colorBackground",
                &self.color_background,
            ),
            (&mut palette.text, "colorText", &self.color_text),
            (
                &mut palette.text_secondary,
                "colorTextSecondary",
                &self.color_text_secondary,
            ),
            (&mut palette.border, "colorBorder", &self.color_border),
            (&mut palette.error, "colorError", &self.color_error),
            (&mut palette.success, "colorSuccess", &self.color_success),
        ] {
            if let Some(value) = value {
                *target = Color::parse(value).ok_or_else(|| ThemeError::Color {
                    appearance,
                    setting,
                    value: value.clone(),
                })?;
            }
        }
        for (target, setting, value) in [
            (&mut palette.shadow, "shadow", &self.shadow),
            (&mut palette.shadow_hover, "shadowHover", &self.shadow_hover),
        ] {
            if let Some(value) = value {
                *target = Shadow::parse(value).ok_or_else(|| ThemeError::Shadow {
                    appearance,
                    setting,
                    value: value.clone(),
                })?;
            }
        }
        let ratio = palette.text.contrast(palette.background);
        if ratio < TEXT_RATIO {
            return Err(ThemeError::Unreadable { appearance, ratio });
        }
        Ok(())
    }
}

fn product_name(name: &str) -> Result<String, ThemeError> {
    let name = name.trim();
    let length = name.chars().count();
    if (1..=60).contains(&length) && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(ThemeError::ProductName)
    }
}

fn set_length(
    target: &mut Length,
    setting: &'static str,
    value: Option<&str>,
) -> Result<(), ThemeError> {
    if let Some(value) = value {
        *target = Length::parse(value).ok_or_else(|| ThemeError::Length {
            setting,
            value: value.to_owned(),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ColorConfig, ThemeConfig, ThemeError};
    use crate::pages::theme::{Theme, ThemeMode};

    const BREAK_OUT: &str = "#fff;}body{background:url(https://evil.example)";

    #[test]
    fn an_empty_configuration_is_the_default_theme() {
        assert_eq!(Theme::new(&ThemeConfig::default()), Ok(Theme::default()));
    }

    #[test]
    fn overrides_reach_the_stylesheet() {
        let config: ThemeConfig = toml::from_str(
            r##"
            mode = "dark"
            productName = "Acme"
            logoUrl = "/logo.svg"
            fontFamily = "Georgia, serif"
            borderRadius = "12px"
            [dark]
            colorPrimary = "#f97316"
            shadow = "none"
            "##,
        )
        .unwrap();
        let theme = Theme::new(&config).unwrap();
        assert_eq!(theme.mode, ThemeMode::Dark);
        assert_eq!(theme.product_name, "Acme");
        let css = theme.stylesheet();
        assert!(css.contains("--zalt-color-primary:#f97316;"));
        assert!(css.contains("--zalt-font-family:\"Georgia\", serif;"));
        assert!(css.contains("--zalt-border-radius:12px;"));
        assert!(css.contains("--zalt-shadow:none;"));
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(toml::from_str::<ThemeConfig>("colour = \"#fff\"").is_err());
        assert!(toml::from_str::<ThemeConfig>("[light]\ncolorPrimry = \"#fff\"").is_err());
    }

    #[test]
    fn a_value_that_could_leave_its_rule_is_refused_by_name() {
        let value = || BREAK_OUT.to_owned();
        let light = |light| ThemeConfig {
            light,
            ..ThemeConfig::default()
        };
        let cases = [
            (
                light(ColorConfig {
                    color_border: Some(value()),
                    ..ColorConfig::default()
                }),
                ThemeError::Color {
                    appearance: "light",
                    setting: "colorBorder",
                    value: value(),
                },
            ),
            (
                light(ColorConfig {
                    shadow_hover: Some(value()),
                    ..ColorConfig::default()
                }),
                ThemeError::Shadow {
                    appearance: "light",
                    setting: "shadowHover",
                    value: value(),
                },
            ),
            (
                ThemeConfig {
                    spacing: Some(value()),
                    ..ThemeConfig::default()
                },
                ThemeError::Length {
                    setting: "spacing",
                    value: value(),
                },
            ),
            (
                ThemeConfig {
                    font_family: Some(value()),
                    ..ThemeConfig::default()
                },
                ThemeError::FontFamily { value: value() },
            ),
            (
                ThemeConfig {
                    font_weight: Some(1000),
                    ..ThemeConfig::default()
                },
                ThemeError::FontWeight { value: 1000 },
            ),
            (
                ThemeConfig {
                    logo_url: Some(value()),
                    ..ThemeConfig::default()
                },
                ThemeError::LogoUrl { value: value() },
            ),
            (
                ThemeConfig {
                    product_name: Some("a\nb".to_owned()),
                    ..ThemeConfig::default()
                },
                ThemeError::ProductName,
            ),
        ];
        for (config, error) in cases {
            assert_eq!(Theme::new(&config), Err(error));
        }
    }

    #[test]
    fn text_that_nobody_could_read_is_refused() {
        let config = ThemeConfig {
            dark: ColorConfig {
                color_text: Some("#333333".to_owned()),
                ..ColorConfig::default()
            },
            ..ThemeConfig::default()
        };
        let error = Theme::new(&config).unwrap_err();
        assert!(
            matches!(error, ThemeError::Unreadable { appearance: "dark", ratio } if ratio < 4.5)
        );
        assert!(error.to_string().contains("theme.dark.colorText"));
    }
}
