//! The tables of the standard, the times of a command, and what cannot be built.

mod build;
mod rejection;
mod tables;
mod window;
