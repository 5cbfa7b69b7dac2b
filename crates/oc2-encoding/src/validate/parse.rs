//! From bytes to a document: size, characters, syntax.

use oc2_core::shape::read::Limits;
use serde::Deserialize;

use super::document::Document;
use super::{Fault, Syntax};
use crate::cbor::items;
use crate::json::read::{JsonError, Reader};
use crate::limits::MAX_MESSAGE;

/// Parses bytes.
///
/// # Errors
/// The one thing that keeps them from being parsed.
pub(super) fn parse(syntax: Syntax, bytes: &[u8]) -> Result<Document, Fault> {
    if bytes.len() > MAX_MESSAGE {
        let reason = format!("the document is longer than {MAX_MESSAGE} bytes");
        return Err(Fault::new("", reason, BOUNDS));
    }
    if bytes.is_empty() {
        return Err(Fault::new("", "the document is empty", if syntax.is_binary() { CBOR } else { JSON }));
    }
    if syntax.is_binary() { of_cbor(bytes) } else { of_json(text_of(bytes)?) }
}

fn text_of(bytes: &[u8]) -> Result<&str, Fault> {
    let is_wide = matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, _, ..] | [_, 0, ..]);
    if is_wide {
        return Err(Fault::new("", "not UTF-8; it looks like UTF-16 or UTF-32", UTF_8));
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let place = format!("byte {}", error.valid_up_to());
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        Fault::new(place, format!("not UTF-8: 0x{byte:02X} has no place here"), UTF_8)
    })?;
    if text.starts_with('\u{FEFF}') {
        return Err(Fault::new("", "a byte order mark stands before the text", UTF_8));
    }
    if text.chars().all(|character| matches!(character, ' ' | '\t' | '\n' | '\r')) {
        return Err(Fault::new("", "the document is empty but for white space", JSON));
    }
    Ok(text)
}

fn of_json(text: &str) -> Result<Document, Fault> {
    let mut reader = Reader::new(text);
    let document = Document::deserialize(&mut reader);
    document.and_then(|document| reader.end().map(|()| document)).map_err(|error| of_json_error(&error))
}

fn of_json_error(error: &JsonError) -> Fault {
    let message = error.to_string();
    let (message, place) = message.rsplit_once(" at ").unwrap_or((&message, ""));
    match message {
        "recursion limit exceeded" => Fault::new(place, too_deep(), BOUNDS),
        "number out of range" => Fault::new(place, "the number is beyond every number of I-JSON", NUMBERS),
        "lone leading surrogate in hex escape" | "unexpected end of hex escape" => {
            Fault::new(place, "half of a surrogate pair stands alone", SURROGATES)
        }
        "trailing characters" => Fault::new(place, "not JSON: something stands behind the value", JSON),
        _ => Fault::new(place, format!("not JSON: {message}"), JSON),
    }
}

fn of_cbor(bytes: &[u8]) -> Result<Document, Fault> {
    let item = items::untagged(bytes).map_err(|error| Fault::new("", error.message(), CBOR))?;
    let n_before = bytes.len() - item.len();
    let mut deserializer = serde_cbor::Deserializer::from_slice(item);
    let document = Document::deserialize(&mut deserializer);
    document.and_then(|document| deserializer.end().map(|()| document)).map_err(|error| {
        let place = format!("byte {}", error.offset() + n_before as u64);
        let message = error.to_string();
        let message = message.rfind(" at offset ").map_or(message.as_str(), |end| &message[..end]);
        match message {
            "recursion limit exceeded" => Fault::new(place, too_deep(), BOUNDS),
            _ => Fault::new(place, format!("not CBOR: {message}"), CBOR),
        }
    })
}

fn too_deep() -> String {
    format!("nested more than {} levels deep", Limits::default().depth)
}

const UTF_8: &str = "LS 3.1.5 (LS-045)";
const JSON: &str = "LS 3.1.5 (LS-044)";
const SURROGATES: &str = "LS 3.1.5 (LS-047)";
const NUMBERS: &str = "LS 3.1.5 (LS-048)";
const CBOR: &str = "LS 3.1.5.1 (LS-071)";
const BOUNDS: &str = "DECISIONS L24";
