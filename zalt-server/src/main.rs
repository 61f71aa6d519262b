//! The self-hosted Zalt server: sign-in pages, account pages and the API in one binary.

fn main() {}
