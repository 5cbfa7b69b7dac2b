//! Both profiles through the test kit, and from bytes to bytes.

mod bell;
mod bytes;
mod kit;
mod language;
mod policy;
