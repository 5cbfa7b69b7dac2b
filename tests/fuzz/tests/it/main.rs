//! The readers without libFuzzer.

mod bounded;
mod found;
