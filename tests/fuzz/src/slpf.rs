//! What a profile types on demand, in every form.

use oc2_core::shape::read::ReadError;
use oc2_core::{Command, Content, Form, Message, Mode, Notation, Profile};
use oc2_encoding::{Cbor, Decoded, Encoding, Json, JsonIn};
use oc2_profile_slpf::Slpf;

/// The first byte chooses encoding and mode, the rest is a message: its parts are typed for SLPF, understood, and carried
/// from each form to each other.
pub fn slpf(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let mode = if choice & 1 == 0 { Mode::Strict } else { Mode::Lenient };
    let (encoding, _) = FORMS[usize::from(choice >> 1) % FORMS.len()];
    let Ok(decoded) = encoding.decode(bytes, mode) else { return };
    match decoded.message.content() {
        Content::Request(command) => check_faults(&command.clone().typed::<Slpf>(), &command.faults::<Slpf>()),
        Content::Response(response) => check_faults(&response.clone().typed::<Slpf>(), &response.faults::<Slpf>()),
        Content::Notification(_) => return,
    }
    if let Content::Request(command) = decoded.message.content() {
        understand(command, mode);
    }
    let Decoded { message, form, .. } = decoded;
    if let Ok(message) = typed(message) {
        for (encoding, notation) in FORMS {
            carry(&message, form.with_notation(*notation), *encoding, mode);
        }
    }
}

/// A choice byte for [`slpf`]: the position of an encoding in [`FORMS`], and a mode.
pub(crate) fn choice(form: u8, mode: Mode) -> u8 {
    form << 1 | u8::from(mode == Mode::Lenient)
}

/// Every form a message can have.
pub(crate) const FORMS: &[(&dyn Encoding, Notation)] = &[
    (&Json, Notation::Verbose),
    (&JsonIn(Notation::Compact), Notation::Compact),
    (&JsonIn(Notation::Concise), Notation::Concise),
    (&Cbor, Notation::Concise),
    (&Cbor, Notation::Verbose),
];

/// The same message with the parts of SLPF typed.
pub(crate) fn typed(message: Message) -> Result<Message, ReadError> {
    let Message { headers, signature, .. } = message.clone();
    let message = match message.into_content() {
        Content::Request(command) => Message::request(headers, command.typed::<Slpf>()?),
        Content::Response(response) => Message::response(headers, response.typed::<Slpf>()?),
        Content::Notification(_) => return Err(ReadError::new("a notification has no types")),
    };
    Ok(Message { signature, ..message })
}

/// There are faults when it cannot be typed, and the first error is one of them.
fn check_faults<T>(typed: &Result<T, ReadError>, faults: &[ReadError]) {
    match typed {
        Ok(_) => assert!(faults.is_empty(), "faults in what can be typed: {faults:?}"),
        Err(error) => assert!(
            faults.iter().any(|fault| (fault.place(), fault.message()) == (error.place(), error.message())),
            "the first error is not among all: {error}: {faults:?}"
        ),
    }
}

/// A Command is understood alike before and after its parts were typed. What was typed here is strict, so what was
/// tolerated before may be refused behind.
fn understand(command: &Command, mode: Mode) {
    let understood = Slpf::interpret(command);
    let Ok(typed) = command.clone().typed::<Slpf>() else { return };
    match (understood, Slpf::interpret(&typed)) {
        (_, Err(_)) if mode == Mode::Lenient => {}
        (Ok(before), Ok(after)) => assert_eq!(before, after, "typed, it is understood as another one"),
        (Err(before), Err(after)) => {
            assert_eq!(
                (before.class(), before.text()),
                (after.class(), after.text()),
                "typed, it is refused otherwise"
            );
        }
        (before, after) => panic!("before it was typed {before:?}, behind {after:?}"),
    }
}

/// What can be written in a form is read again in it as the same.
fn carry(message: &Message, form: Form, encoding: &dyn Encoding, mode: Mode) {
    let written = match encoding.encode(message, form) {
        Ok(written) => written,
        Err(error) => {
            assert!(error.to_string().contains(UNKNOWN), "to {form:?}, {}: {error}", encoding.media_type());
            return;
        }
    };
    let shown = written.escape_ascii();
    let again = match encoding.decode(&written, mode) {
        Ok(again) => again,
        Err(error) => panic!("refused in {mode:?} mode, {form:?}: {error}: {shown}"),
    };
    assert_eq!(again.form, form, "read in another form: {shown}");
    match typed(again.message) {
        Ok(again) => assert_eq!(again, *message, "read as another message, {form:?}: {shown}"),
        Err(error) => panic!("ill-typed in {mode:?} mode, {form:?}: {error}: {shown}"),
    }
}

/// What is said of values that have to stay in the form they came in.
const UNKNOWN: &str = "that nobody here knows cannot change its form";
