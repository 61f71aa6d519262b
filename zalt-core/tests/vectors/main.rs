//! Known answers that others wrote: signatures, keys and password hashes.

mod jws;
mod otp;
mod password;
