//! OpenC2 over HTTP, Consumer and Producer side.
