//! OpenC2 messages as bytes, and back.
