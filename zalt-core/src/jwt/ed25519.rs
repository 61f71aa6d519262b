//! Which Ed25519 public keys are sound.

/// The order of the field, 2^255 - 19, little-endian.
const FIELD: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed;
    bytes[31] = 0x7f;
    bytes
};

/// The y coordinates of the eight points of small order, little-endian: 1, -1, 0 and the two of order eight.
const SMALL_ORDER: [[u8; 32]; 5] = [
    first_byte(0x01, [0; 32]),
    first_byte(0xec, FIELD),
    [0; 32],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

const fn first_byte(byte: u8, mut bytes: [u8; 32]) -> [u8; 32] {
    bytes[0] = byte;
    bytes
}

/// Whether the encoded point is canonical and generates more than the small subgroup.
///
/// Under a key of small order one signature holds for many messages, and the library takes such keys as
/// RFC 8032 does. An encoding that is no point at all needs no check here: it verifies nothing.
pub(super) fn is_sound(public_key: &[u8; 32]) -> bool {
    let mut y = *public_key;
    y[31] &= 0x7f;
    let canonical = y.iter().rev().lt(FIELD.iter().rev());
    canonical && !SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    /// With R the neutral element and S zero, the equation is `0 = 0 + k·A`: it holds for every message whose hash
    /// is a multiple of A's order.
    fn holds_for_some_message(public_key: [u8; 32]) -> bool {
        let mut signature = [0; 64];
        signature[0] = 1;
        let key = UnparsedPublicKey::new(&ED25519, public_key);
        (0..=255_u8).any(|message| key.verify(&[message], &signature).is_ok())
    }

    #[test]
    fn each_listed_point_would_let_a_forged_signature_through_and_is_refused() {
        for y in SMALL_ORDER {
            assert!(holds_for_some_message(y), "{y:02x?}");
            let mut negative = y;
            negative[31] |= 0x80;
            assert!(!is_sound(&y) && !is_sound(&negative), "{y:02x?}");
        }
    }

    #[test]
    fn a_coordinate_past_the_field_is_refused() {
        for low in 0xed..=0xff {
            assert!(!is_sound(&first_byte(low, FIELD)));
        }
        assert!(!is_sound(&[0xff; 32]));
        assert!(is_sound(&first_byte(0xeb, FIELD)));
    }
}
