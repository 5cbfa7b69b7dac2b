//! The statement.
