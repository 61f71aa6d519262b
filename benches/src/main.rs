//! Performance budgets, each beside its limit.

fn main() {}
