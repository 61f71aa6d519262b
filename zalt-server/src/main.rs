//! The self-hosted Zalt server: sign-in pages, account pages and the API in one binary.

#[expect(
    dead_code,
    unused_imports,
    reason = "the router that shows the pages comes with the flows"
)]
mod pages;

fn main() {}
