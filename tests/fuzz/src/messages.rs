//! Whole messages in every encoding, in both modes.

use oc2_core::{Content, Mode, Notation};
use oc2_encoding::{Cbor, Decoded, Encoding, Glimpse, Json, JsonIn};

/// JSON by name; in lenient mode the other two notations as well.
pub fn json(bytes: &[u8]) {
    check(&Json, bytes);
}

/// JSON with Records as arrays (JADN 4.2).
pub fn json_compact(bytes: &[u8]) {
    check(&JsonIn(Notation::Compact), bytes);
}

/// JSON by id (JADN 4.3).
pub fn json_concise(bytes: &[u8]) {
    check(&JsonIn(Notation::Concise), bytes);
}

/// CBOR by id and by name.
pub fn cbor(bytes: &[u8]) {
    check(&Cbor, bytes);
}

fn check(encoding: &dyn Encoding, bytes: &[u8]) {
    match (encoding.decode(bytes, Mode::Strict), encoding.decode(bytes, Mode::Lenient)) {
        (Ok(strict), Ok(lenient)) => {
            assert_eq!(strict.message, lenient.message, "the modes differ in what they read");
            assert_eq!(strict.form, lenient.form, "the modes differ in the form they see");
            survives(encoding, &strict, Mode::Strict);
            survives(encoding, &lenient, Mode::Lenient);
        }
        (Ok(_), Err(error)) => panic!("strict mode reads what lenient mode refuses: {error}"),
        (Err(error), Ok(lenient)) => {
            agrees(error.glimpse(), &lenient);
            survives(encoding, &lenient, Mode::Lenient);
        }
        (Err(strict), Err(lenient)) => {
            assert_eq!(strict.glimpse(), lenient.glimpse(), "the modes differ in what they glimpse");
            let _ = (strict.to_string(), lenient.to_string());
        }
    }
}

/// What was read can be written in the form it came in and is read again as the same.
fn survives(encoding: &dyn Encoding, decoded: &Decoded, mode: Mode) {
    let Decoded { message, form, .. } = decoded;
    let written = match encoding.encode(message, *form) {
        Ok(written) => written,
        Err(error) => panic!("{message:?} was read, but {error}"),
    };
    let shown = written.escape_ascii();
    let again = match encoding.decode(&written, mode) {
        Ok(again) => again,
        Err(error) => panic!("refused in {mode:?} mode is what was written: {error}: {shown}"),
    };
    assert_eq!(again.message, *message, "read again as another message: {shown}");
    assert_eq!(again.form, *form, "read again in another form: {shown}");
    match encoding.encode(&again.message, again.form) {
        Ok(twice) => assert!(twice == written, "{shown} was written, and then {}", twice.escape_ascii()),
        Err(error) => panic!("{shown} was written, and cannot be written again: {error}"),
    }
}

/// A message that strict mode refuses is answered under the id and in the way that lenient mode reads.
fn agrees(glimpse: &Glimpse, lenient: &Decoded) {
    let Decoded { message, form, .. } = lenient;
    assert_eq!(
        glimpse.request_id.as_ref(),
        message.headers.request_id(),
        "another request id was glimpsed: {message:?}"
    );
    // Nobody answers a Response.
    if let Content::Request(command) = message.content() {
        assert_eq!(glimpse.form.envelope, form.envelope, "another envelope was glimpsed: {message:?}");
        let read = command.args.response_requested().copied();
        assert_eq!(glimpse.response_requested, read, "another kind of answer was glimpsed: {message:?}");
    }
}
