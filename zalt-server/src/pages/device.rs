//! What a user agent tells about the device, in words.

use super::views::DeviceKind;

/// `Firefox on Linux`, and which picture goes with it. A guess for people; nothing is decided by it.
pub(crate) fn describe(user_agent: Option<&str>) -> (String, DeviceKind) {
    let Some(agent) = user_agent.filter(|agent| !agent.trim().is_empty()) else {
        return ("Unknown device".to_owned(), DeviceKind::Other);
    };
    let browser = first(agent, BROWSERS);
    let system = first(agent, SYSTEMS);
    let kind = match system {
        Some("Android" | "iPhone" | "iPad") => DeviceKind::Phone,
        Some(_) => DeviceKind::Desktop,
        None => DeviceKind::Other,
    };
    let text = match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("Browser on {system}"),
        (None, None) => program(agent),
    };
    (text, kind)
}

/// In this order: most browsers name the ones that they descend from as well.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
];

const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

fn first(agent: &str, table: &[(&str, &'static str)]) -> Option<&'static str> {
    table
        .iter()
        .find(|(mark, _)| agent.contains(mark))
        .map(|(_, name)| *name)
}

/// The first word of something that is no browser: `curl/8.5.0`.
fn program(agent: &str) -> String {
    let word = agent.split_whitespace().next().unwrap_or(agent);
    word.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_agents_are_recognised() {
        for (agent, text, kind) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
                DeviceKind::Desktop,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
                DeviceKind::Desktop,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
                DeviceKind::Phone,
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
                DeviceKind::Phone,
            ),
            ("curl/8.5.0", "curl/8.5.0", DeviceKind::Other),
        ] {
            assert_eq!(describe(Some(agent)), (text.to_owned(), kind));
        }
        assert_eq!(describe(None).0, "Unknown device");
        assert_eq!(describe(Some(" ")).1, DeviceKind::Other);
    }
}
