//! Stateless packet filtering as tables: which commands there are, what they mean, how they are refused, what can be built.

mod build;
mod interpret;
mod matrix;
mod support;
mod types;
