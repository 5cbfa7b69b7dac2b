//! HTTP as a foreign peer sees it: most tests here speak it octet by octet.

mod client;
mod conform;
mod connections;
mod exchange;
mod framing;
mod raw;
mod refusals;
mod shutdown;
mod slow;
mod witness;
