//! An axum app with its own tables and mounted sign-in.

fn main() {}
