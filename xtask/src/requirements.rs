//! Every test that `docs/security/requirements.md` names exists.

use std::collections::HashMap;
use std::path::Path;

/// The tests that a document names as `place/file.rs::test`, with the folders of its own table of places put in.
fn named_tests(document: &str) -> Vec<(String, String)> {
    let places: HashMap<&str, &str> = document
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`'));
            let (place, folder) = (cells.nth(1)?, cells.next()?);
            (place.ends_with('/') && folder.ends_with('/')).then_some((place, folder))
        })
        .collect();
    document
        .split('`')
        .filter_map(|word| word.split_once(".rs::"))
        .map(|(file, test)| {
            let at = file.find('/').map_or(0, |slash| slash + 1);
            let (place, rest) = file.split_at(at);
            let folder = places.get(place).copied().unwrap_or(place);
            (format!("{folder}{rest}.rs"), test.to_owned())
        })
        .collect()
}

#[test]
fn every_test_that_the_requirements_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = std::fs::read_to_string(root.join("docs/security/requirements.md")).unwrap();
    let named = named_tests(&document);
    assert!(named.len() > 100, "{} tests", named.len());
    let missing: Vec<_> = named
        .into_iter()
        .filter(|(file, test)| {
            let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            !text.contains(&format!("fn {test}(")) && !text.contains(&format!("fn {test}<"))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
