//! HTTP as a foreign peer sees it: most tests here speak it octet by octet.

#[cfg(feature = "tls")]
mod again;
#[cfg(feature = "tls")]
mod authority;
mod client;
mod conform;
mod connections;
mod exchange;
mod framing;
#[cfg(feature = "tls")]
mod handshakes;
#[cfg(feature = "tls")]
mod hello;
#[cfg(feature = "tls")]
mod openssl;
mod raw;
mod refusals;
#[cfg(feature = "tls")]
mod reload;
mod shutdown;
mod slow;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "jwt")]
mod tokens;
mod witness;
