//! The library over transfers in memory, and the program over a socket.

#[cfg(all(feature = "bin", feature = "http"))]
mod program;
#[cfg(all(feature = "bin", feature = "http"))]
mod responder;

mod answers;
mod messages;
#[cfg(all(feature = "bin", feature = "signature"))]
mod signed;
mod support;
#[cfg(feature = "bin")]
mod validate;
