//! The outcome of a Command as bytes, for the repetition of its request after a restart.

use std::panic::{AssertUnwindSafe, catch_unwind};

use oc2_core::{Content, Envelope, Form, Headers, Message, Mode, Response, StatusCode};
use oc2_encoding::Encoding;
use tracing::error;

/// Writes an outcome as the message that tells it, in the encoding and notation of the request: the repetition comes in the
/// same, and extensions can be written in the form only in which they were read.
pub(crate) fn write(encoding: &dyn Encoding, form: Form, outcome: &Response) -> Vec<u8> {
    // Bare ones are not told apart by notation as surely.
    let form = form.with_envelope(Envelope::Message);
    let encode = |response: Response| {
        let message = Message::response(Headers::default(), response);
        // Results are written by code of a profile's author.
        catch_unwind(AssertUnwindSafe(|| encoding.encode(&message, form).ok())).ok().flatten()
    };
    encode(outcome.clone()).unwrap_or_else(|| {
        error!("The outcome of a Command could not be written; it is remembered as it is told, as an internal error.");
        encode(Response::new(StatusCode::InternalError).with_text("internal error")).unwrap_or_default()
    })
}

/// Reads an outcome that was written in the encoding and notation of the request.
pub(crate) fn read(encoding: &dyn Encoding, bytes: &[u8]) -> Option<Response> {
    let decoded = encoding.decode(bytes, Mode::Lenient);
    match decoded.map(|decoded| decoded.message.into_content()) {
        Ok(Content::Response(response)) => Some(response),
        Ok(Content::Request(_) | Content::Notification(_)) => None,
        Err(error) => {
            error!(%error, "The outcome of a Command that was remembered cannot be read.");
            None
        }
    }
}
