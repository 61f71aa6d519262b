use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

macro_rules! define_digests {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// Equality takes the same time wherever the first difference lies.
        #[derive(Clone, Copy, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The digest with these bytes, as a store kept them.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes to keep.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )+};
}

define_digests! {
    /// SHA-256 of a token's 256-bit secret. A plain hash is enough: there is nothing to guess.
    TokenDigest;
    /// HMAC-SHA-256 of a short code, its attempt and its purpose, under a key that is not in the store.
    ///
    /// Six digits can be tried in no time by whoever reads the table; without the key they can't.
    CodeDigest;
}
