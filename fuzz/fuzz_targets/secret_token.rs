//! The opaque tokens: each has one spelling only, and no text is a token of two kinds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zalt_core::secret::{AttemptToken, LinkToken, RefreshToken, SessionToken};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let readings = [
        SessionToken::parse(text).ok().map(|token| token.expose()),
        AttemptToken::parse(text).ok().map(|token| token.expose()),
        LinkToken::parse(text).ok().map(|token| token.expose()),
        RefreshToken::parse(text).ok().map(|token| token.expose()),
    ];
    let mut kinds = 0;
    for exposed in readings.into_iter().flatten() {
        kinds += 1;
        // A second spelling would slip past anything that remembers tokens by their text.
        assert_eq!(exposed.as_str(), text);
    }
    assert!(kinds <= 1, "one text is a token of {kinds} kinds");
});
