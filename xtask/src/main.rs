//! What can be checked is a program: cargo xtask.
fn main() {}
