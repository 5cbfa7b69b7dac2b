//! Data types (LS 3.4.2).

pub mod hashes;
pub mod mac;
pub mod payload;
pub mod port;
pub mod text;
pub mod time;
