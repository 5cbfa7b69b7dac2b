//! The target `signatures` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oc2_tests_fuzz::signatures(bytes));
