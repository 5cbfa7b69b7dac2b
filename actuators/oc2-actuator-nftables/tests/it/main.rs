//! The back end before a real kernel, each test in a network namespace of its own.

#[macro_use]
mod support;

mod judged;
mod performed;
mod transactions;
