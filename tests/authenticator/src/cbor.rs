//! As much of CBOR (RFC 8949) as authenticators write.

pub(crate) fn integer(value: i64) -> Vec<u8> {
    match u64::try_from(value) {
        Ok(value) => head(0, value),
        Err(_) => head(1, value.unsigned_abs() - 1),
    }
}

pub(crate) fn bytes(value: &[u8]) -> Vec<u8> {
    let mut out = head(2, value.len() as u64);
    out.extend(value);
    out
}

pub(crate) fn text(value: &str) -> Vec<u8> {
    let mut out = head(3, value.len() as u64);
    out.extend(value.as_bytes());
    out
}

/// A map of members that are encoded already.
pub(crate) fn map(members: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = head(5, members.len() as u64);
    for (key, value) in members {
        out.extend(key);
        out.extend(value);
    }
    out
}

fn head(kind: u8, value: u64) -> Vec<u8> {
    let kind = kind << 5;
    match value {
        0..24 => vec![kind | u8::try_from(value).unwrap()],
        24..0x100 => vec![kind | 0x18, u8::try_from(value).unwrap()],
        0x100..0x1_0000 => {
            let [high, low] = u16::try_from(value).unwrap().to_be_bytes();
            vec![kind | 0x19, high, low]
        }
        _ => {
            let mut out = vec![kind | 0x1a];
            out.extend(u32::try_from(value).unwrap().to_be_bytes());
            out
        }
    }
}
