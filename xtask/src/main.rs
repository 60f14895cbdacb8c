//! `cargo xtask start` and `cargo xtask test`.
fn main() {}
