//! The files that pages load. Each name holds a hash of the content, so a browser may keep a file for ever and still
//! gets the new one after an upgrade or a change of theme.

use sha2::{Digest, Sha256};

use super::theme::Theme;

const STYLES: &str = include_str!("../../assets/zalt.css");
const SCRIPT: &str = include_str!("../../assets/zalt.js");
const ICON: &str = include_str!("../../assets/icon.svg");

/// What to send as `Cache-Control` with every asset.
pub(crate) const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// All assets of one server, made once at its start.
#[derive(Debug, Clone)]
pub(crate) struct Assets {
    styles: Asset,
    script: Asset,
    icon: Asset,
    theme: Asset,
}

/// One file, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    /// `/assets/<stem>.<hash>.<extension>`
    pub(crate) path: String,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// A strong entity tag, quotes included.
    pub(crate) etag: String,
}

impl Assets {
    pub(crate) fn new(theme: &Theme) -> Self {
        let icon = ICON.replace("#6366f1", &theme.icon_color());
        Self {
            styles: Asset::new("zalt", "css", "text/css; charset=utf-8", STYLES),
            script: Asset::new("zalt", "js", "text/javascript; charset=utf-8", SCRIPT),
            icon: Asset::new("icon", "svg", "image/svg+xml", &icon),
            theme: Asset::new(
                "theme",
                "css",
                "text/css; charset=utf-8",
                &theme.stylesheet(),
            ),
        }
    }

    /// The asset at a request path, if there is one.
    pub(crate) fn find(&self, path: &str) -> Option<&Asset> {
        [&self.styles, &self.script, &self.icon, &self.theme]
            .into_iter()
            .find(|asset| asset.path == path)
    }

    pub(crate) fn styles(&self) -> &str {
        &self.styles.path
    }

    pub(crate) fn script(&self) -> &str {
        &self.script.path
    }

    pub(crate) fn icon(&self) -> &str {
        &self.icon.path
    }

    pub(crate) fn theme(&self) -> &str {
        &self.theme.path
    }
}

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, text: &str) -> Self {
        let digest = Sha256::digest(text);
        let hash = digest
            .iter()
            .take(8)
            .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        Self {
            path: format!("/assets/{stem}.{hash}.{extension}"),
            content_type,
            bytes: text.as_bytes().to_vec(),
            etag: format!("\"{hash}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Assets;
    use crate::pages::theme::{Theme, ThemeConfig, ThemeMode};

    #[test]
    fn every_asset_is_found_by_its_own_path_only() {
        let assets = Assets::new(&Theme::default());
        for (path, kind) in [
            (assets.styles(), "text/css; charset=utf-8"),
            (assets.theme(), "text/css; charset=utf-8"),
            (assets.script(), "text/javascript; charset=utf-8"),
            (assets.icon(), "image/svg+xml"),
        ] {
            let asset = assets.find(path).unwrap();
            assert_eq!(asset.content_type, kind);
            assert!(!asset.bytes.is_empty());
            assert!(path.contains(asset.etag.trim_matches('"')));
        }
        assert!(assets.find("/assets/zalt.css").is_none());
        assert!(assets.find("/assets/../zalt.css").is_none());
    }

    #[test]
    fn a_new_theme_gets_a_new_path() {
        let config = ThemeConfig {
            mode: ThemeMode::Dark,
            ..ThemeConfig::default()
        };
        let dark = Theme::new(&config).unwrap();
        let (one, two) = (Assets::new(&Theme::default()), Assets::new(&dark));
        assert_ne!(one.theme(), two.theme());
        assert_eq!(one.styles(), two.styles());
    }
}
