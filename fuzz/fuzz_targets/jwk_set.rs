//! `JwkSet::parse`, which reads what another issuer publishes: what is taken can be used, and what
//! we would publish of it reads as the same keys and holds nothing private.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zalt_core::jwt::{Jwk, JwkSet};

fuzz_target!(|data: &[u8]| {
    let _ = Jwk::parse(data);
    let Ok(set) = JwkSet::parse(data) else {
        return;
    };
    let named = set.keys().iter().filter(|key| key.kid().is_some());
    let usable = named.filter(|key| key.verifying_key().is_ok()).count();
    assert_eq!(set.key_ring().len(), usable);

    let published = serde_json::to_value(&set).expect("a key set is plain JSON");
    for key in published["keys"].as_array().expect("a list of keys") {
        let members = key.as_object().expect("a key is an object");
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(!members.contains_key(private), "{private} was published");
        }
    }
    let again = JwkSet::parse(published.to_string().as_bytes()).expect("our own set is sound");
    assert_eq!(again.keys(), set.keys());
});
