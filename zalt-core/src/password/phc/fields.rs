//! The pieces that stored hashes are made of.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::PhcError;

/// The fields between the dollar signs, exactly `N`; a leading dollar sign makes the first one empty.
pub(super) fn split<const N: usize>(text: &str) -> Result<[&str; N], PhcError> {
    collect(text.split('$')).ok_or(PhcError::Malformed)
}

/// The values of `name=value` pairs separated by commas: these names, in this order, and no others.
pub(super) fn named<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
) -> Result<[&'a str; N], PhcError> {
    let mut pairs = text.split(',');
    let mut values = [""; N];
    for (value, name) in values.iter_mut().zip(names) {
        *value = pairs
            .next()
            .and_then(|pair| pair.strip_prefix(name))
            .and_then(|pair| pair.strip_prefix('='))
            .ok_or(PhcError::Parameter { name })?;
    }
    match pairs.next() {
        Some(_) => Err(PhcError::Malformed),
        None => Ok(values),
    }
}

/// A decimal without sign and leading zeros.
pub(super) fn decimal(text: &str, name: &'static str) -> Result<u32, PhcError> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse()
        .ok()
        .filter(|_| plain)
        .ok_or(PhcError::Parameter { name })
}

/// Standard base64 without padding.
pub(super) fn base64(text: &str) -> Result<Box<[u8]>, PhcError> {
    base64_with(&STANDARD_NO_PAD, text)
}

pub(super) fn base64_with(engine: &impl Engine, text: &str) -> Result<Box<[u8]>, PhcError> {
    engine
        .decode(text)
        .map(Vec::into_boxed_slice)
        .map_err(|_| PhcError::Encoding)
}

/// Holds a salt to 64 bytes at most. Foreign systems made short ones, so `least` is the scheme's business.
pub(super) fn salt(bytes: Box<[u8]>, least: usize) -> Result<Box<[u8]>, PhcError> {
    if (least..=64).contains(&bytes.len()) {
        Ok(bytes)
    } else {
        Err(PhcError::SaltLength)
    }
}

/// Holds a hash to 128 bits at least: a shorter one is matched by guessing rather than by knowing the password.
pub(super) fn hash(bytes: Box<[u8]>) -> Result<Box<[u8]>, PhcError> {
    if (16..=128).contains(&bytes.len()) {
        Ok(bytes)
    } else {
        Err(PhcError::HashLength)
    }
}

fn collect<'a, const N: usize>(mut parts: impl Iterator<Item = &'a str>) -> Option<[&'a str; N]> {
    let mut fields = [""; N];
    for field in &mut fields {
        *field = parts.next()?;
    }
    parts.next().is_none().then_some(fields)
}

/// For vectors that are written in hexadecimal.
#[cfg(test)]
pub(super) fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        assert_eq!(decimal("0", "t"), Ok(0));
        assert_eq!(decimal("4294967295", "t"), Ok(u32::MAX));
        for wrong in [
            "",
            "+1",
            "-1",
            "01",
            "00",
            " 1",
            "1 ",
            "0x1",
            "4294967296",
            "١",
        ] {
            assert_eq!(
                decimal(wrong, "t"),
                Err(PhcError::Parameter { name: "t" }),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn named_values_come_in_order_and_alone() {
        assert_eq!(named("m=1,t=2", ["m", "t"]), Ok(["1", "2"]));
        assert_eq!(
            named("t=2,m=1", ["m", "t"]),
            Err(PhcError::Parameter { name: "m" })
        );
        assert_eq!(
            named("m=1", ["m", "t"]),
            Err(PhcError::Parameter { name: "t" })
        );
        assert_eq!(
            named("m=1,t", ["m", "t"]),
            Err(PhcError::Parameter { name: "t" })
        );
        assert_eq!(named("m=1,t=2,p=3", ["m", "t"]), Err(PhcError::Malformed));
    }

    #[test]
    fn fields_are_counted() {
        assert_eq!(split("$a$b"), Ok(["", "a", "b"]));
        assert_eq!(split::<3>("$a"), Err(PhcError::Malformed));
        assert_eq!(split::<3>("$a$b$"), Err(PhcError::Malformed));
    }
}
