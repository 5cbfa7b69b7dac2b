//! The readers without libFuzzer.

mod bounded;
