//! Messages from a tree, with a reader that goes on after errors and one that does not.

use oc2_core::any::Tree;
use oc2_core::shape::read::{Context, Read, ReadError};
use oc2_core::{Form, Message, Mode, Notation};
use oc2_encoding::{Encoding, Json};
use serde_json::Deserializer;

/// JSON read as a tree, and the tree as a message: the verdict is that of one pass, whether the reader stops at the first
/// error or finds all.
pub fn tree(bytes: &[u8]) {
    for mode in [Mode::Strict, Mode::Lenient] {
        check(bytes, mode);
    }
}

fn check(bytes: &[u8], mode: Mode) {
    let direct = Json.decode(bytes, mode);
    let Some(tree) = grown(bytes, mode) else {
        if let Ok(decoded) = direct {
            panic!("{mode:?} mode: this cannot be a tree: {:?}", decoded.message);
        }
        return;
    };
    let one = read(&tree, &mut context(mode));
    match (&direct, &one) {
        (Ok(direct), Ok((message, form))) => {
            assert_eq!(direct.message, *message, "{mode:?} mode: the tree is another message");
            assert_eq!(direct.form, *form, "{mode:?} mode: the tree has another form");
        }
        (Ok(_), Err(error)) => panic!("{mode:?} mode: only the tree is refused: {error}"),
        (Err(error), Ok(_)) => panic!("{mode:?} mode: only the tree is read: {error}"),
        (Err(_), Err(_)) => {}
    }

    let mut finding_all = context(mode).finding_all();
    let all = read(&tree, &mut finding_all);
    let n_faults = finding_all.n_faults();
    match (one, all) {
        (Ok(one), Ok(all)) => {
            assert_eq!(one, all, "{mode:?} mode: the reader that goes on reads another message");
            assert_eq!(n_faults, 0, "{mode:?} mode: faults in what is read: {:?}", finding_all.into_faults());
        }
        (Ok(_), Err(error)) => panic!("{mode:?} mode: refused only by the reader that goes on: {error}"),
        (Err(error), Ok(_)) => panic!("{mode:?} mode: refused only by the reader that stops: {error}"),
        (Err(first), Err(last)) => {
            let mut faults = finding_all.into_faults();
            if faults.is_empty() {
                faults.push(last);
            }
            // The sentence for an answer (SLPF A.1.2) is told otherwise, and with its place, where all errors are.
            let is_sentence = first.message().starts_with("Validation Error: Target: ");
            let is_first = |fault: &ReadError| {
                (fault.place(), fault.message()) == (first.place(), first.message())
                    || (is_sentence && fault.place().ends_with("target"))
            };
            assert!(
                faults.iter().any(is_first),
                "{mode:?} mode: the first error is not among all: {first}: {faults:?}"
            );
        }
    }
}

fn grown(bytes: &[u8], mode: Mode) -> Option<Tree> {
    let mut json = Deserializer::from_str(str::from_utf8(bytes).ok()?);
    let tree = Tree::read(&mut context(mode), &mut json).ok()?;
    json.end().is_ok().then_some(tree)
}

fn read(tree: &Tree, context: &mut Context) -> Result<(Message, Form), ReadError> {
    Message::read_in_any_envelope(context, tree).map_err(|error| context.fail(error.to_string()))
}

fn context(mode: Mode) -> Context {
    match mode {
        Mode::Strict => Context::new(mode).in_notation(Notation::Verbose),
        Mode::Lenient => Context::new(mode),
    }
}
