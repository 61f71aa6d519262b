//! `zalt_http::cookie::find`, held against the plainest reader of the same grammar.
//!
//! Each line of the input is one `Cookie` header.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zalt_http::cookie::{CookieError, find};

const NAME: &str = "__Host-zalt_session";

fuzz_target!(|data: &[u8]| {
    let lines = || data.split(|byte| *byte == b'\n');
    let values: Vec<&[u8]> = lines()
        .flat_map(|line| line.split(|byte| *byte == b';'))
        .filter_map(value)
        .collect();
    match find(lines(), NAME) {
        Ok(None) => assert!(values.is_empty(), "ours was there and was not found"),
        Ok(Some(found)) => {
            assert_eq!(
                values,
                [found.as_bytes()],
                "it is not the only one of its name"
            );
            assert!((1..=256).contains(&found.len()));
            assert!(
                found
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            );
        }
        Err(CookieError::Duplicate) => assert!(values.len() > 1),
        Err(CookieError::Malformed) => assert!(!values.is_empty()),
        Err(CookieError::TooLarge) => assert!(data.len() > 32 * 1024),
        Err(_) => {}
    }
});

/// What stands behind the first `=` of a pair, where our name stands before it.
fn value(pair: &[u8]) -> Option<&[u8]> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    (pair[..at].trim_ascii() == NAME.as_bytes()).then_some(pair[at + 1..].trim_ascii_end())
}
