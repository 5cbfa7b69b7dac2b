//! What every encoding implements.

use std::fmt;

use oc2_core::shape::read::Note;
use oc2_core::{Form, Message, Mode};

use crate::error::{DecodeError, EncodeError};

/// Bytes to messages, and back.
pub trait Encoding: fmt::Debug + Send + Sync {
    /// The media type of what is written, to the byte (DECISIONS M2).
    fn media_type(&self) -> &'static str;

    /// The form that is written when nobody asks for another one (DECISIONS E1).
    fn default_form(&self) -> Form;

    /// Reads a message.
    ///
    /// # Errors
    /// The bytes are not a message: the place and the reason, and what could be read all the same.
    fn decode(&self, bytes: &[u8], mode: Mode) -> Result<Decoded, DecodeError>;

    /// Writes a message in this form.
    ///
    /// # Errors
    /// The message cannot be written in this form.
    fn encode(&self, message: &Message, form: Form) -> Result<Vec<u8>, EncodeError>;
}

/// A message that was read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Decoded {
    /// The message.
    pub message: Message,
    /// How it was written, for the answer.
    pub form: Form,
    /// What was tolerated.
    pub notes: Vec<Note>,
}
