//! The library over transfers in memory, and the program over a socket and a real broker.

#[cfg(all(feature = "bin", feature = "http"))]
mod program;
#[cfg(all(feature = "bin", feature = "http"))]
mod responder;

mod answers;
mod broadcast;
#[cfg(all(feature = "bin", feature = "http", feature = "mqtt"))]
mod broker;
mod messages;
#[cfg(all(feature = "bin", feature = "http", feature = "mqtt"))]
mod outages;
#[cfg(all(feature = "bin", feature = "signature"))]
mod signed;
mod support;
#[cfg(feature = "bin")]
mod validate;
