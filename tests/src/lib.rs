//! Tests of the suite as a whole. The examples of the README are documentation tests of this package.

#![doc = include_str!("../../README.md")]
