//! What the writers of JSON and CBOR have in common.

use std::fmt;

use serde::ser;

/// Why a value cannot be written.
#[derive(Debug)]
pub(crate) struct WriteError(Box<str>);

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WriteError {}

impl ser::Error for WriteError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string().into())
    }
}

/// Bytes that are told in text.
pub(crate) struct Appended<'b>(pub(crate) &'b mut Vec<u8>);

impl fmt::Write for Appended<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Appends the start of a name in quotation marks, as a table has it (oc2-core, `shape/write.rs`); not if it has none. It copies
/// as many bytes whatever the name, which takes no call and no guess.
#[inline(always)]
pub(crate) fn append_start(out: &mut Vec<u8>, quoted: &'static str, len: usize) -> bool {
    match quoted.as_bytes().first_chunk::<32>() {
        Some(start) if len <= start.len() => {
            out.extend_from_slice(start);
            out.truncate(out.len() - (start.len() - len));
            true
        }
        _ => false,
    }
}
