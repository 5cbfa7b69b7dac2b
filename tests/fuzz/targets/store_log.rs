//! The target `store_log` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oc2_tests_fuzz::store_log(bytes));
