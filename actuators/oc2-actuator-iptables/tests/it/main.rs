//! The back end before a real kernel, each test in a network namespace of its own.

#[macro_use]
mod support;

mod contention;
mod fallback;
mod foreign;
mod judged;
mod load;
mod packets;
mod recovery;
mod sets;
mod transactions;
