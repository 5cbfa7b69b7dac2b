//! Why a text is not what is due.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// Why a text is not what is due.
#[derive(Debug)]
pub(crate) struct JsonError(Box<Cause>);

#[derive(Debug)]
enum Cause {
    /// It is no JSON.
    Syntax(String),
    /// It is JSON of something else.
    Data(String),
}

impl JsonError {
    pub(super) fn syntax(message: &'static str, text: &str, at: usize) -> Self {
        let before = &text.as_bytes()[..at];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        Self(Box::new(Cause::Syntax(format!("{message} at line {line} column {column}"))))
    }

    /// Whether the text is JSON, as far as it was read.
    pub(crate) fn is_data(&self) -> bool {
        matches!(*self.0, Cause::Data(_))
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Syntax(message) | Cause::Data(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for JsonError {}

impl de::Error for JsonError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(Cause::Data(message.to_string())))
    }

    /// As JSON calls it.
    #[cold]
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit => Self::custom(format_args!("invalid type: null, expected {expected}")),
            found => Self::custom(format_args!("invalid type: {found}, expected {expected}")),
        }
    }
}
