//! What the macros make of a stranger's tables.

use oc2_core::any::Any;
use oc2_core::serde::{Deserializer, Serializer, de, ser};
use oc2_core::shape::read::{Context, Read};
use oc2_core::shape::write::Write;
use oc2_core::shape::{Kind, Shape};
use oc2_core::{
    Action, Command, Content, Form, Headers, Invalid, Message, Mode, Profile, Response, Results, StatusCode,
    Target as CommonTarget, record,
};
use oc2_encoding::{Encoding, Json};
use oc2_tests_outside::bell::{Bell, Nothing};
use oc2_tests_outside::lock::{self, Args, Bolt, Door, Floor, Keys, Lock, Target, Zone};

#[test]
fn tables_are_data() {
    assert_eq!(Args::SHAPE.names(), "force, reason, except, type");
    assert!(matches!(Args::SHAPE.kind, Kind::Map { min: 0 }));
    assert!(matches!(Zone::SHAPE.kind, Kind::Record { min: 1 }));
    assert!(matches!(Target::SHAPE.kind, Kind::Choice));
    assert_eq!(Args::SHAPE.fields[2].shape.map(|shape| shape().name), Some("Keys"));
    assert!(Nothing::SHAPE.fields.is_empty());
    assert_eq!(Bolt::ALL.iter().map(ToString::to_string).collect::<Vec<_>>(), ["open", "locked", "none"]);
    assert_eq!("locked".parse(), Ok(Bolt::Locked));
    assert_eq!("ajar".parse::<Bolt>().expect_err("none").to_string(), "\"ajar\" is not one of open, locked, none");
    assert!(Lock::NSID.is_private() && Bell::NSID.is_private());
    assert_eq!(Lock::COMMANDS.len(), 5);
}

#[test]
fn a_field_may_be_called_like_a_word_of_rust() {
    let args = Args { r#type: Some("a".into()), ..Args::default() };
    assert_eq!(Any::typed(args).names_in(&Args::SHAPE), ["type"]);
    assert_eq!(Words::SHAPE.names(), "type, in, match");
    let json = br#"{"body":{"openc2":{"response":{"status":200,"results":{"x-w":{"type":"a","in":"b"}}}}}}"#;
    let Content::Response(response) = Json.decode(json, Mode::Strict).expect("a message").message.into_content() else {
        panic!("a response")
    };
    let words: Words = response.results.namespaces().value("x-w").expect("there").of().expect("words");
    assert_eq!((words.r#type(), words.r#in(), words.r#match()), (Some(&"a".into()), Some(&"b".into()), None));
    assert_eq!(Any::typed(words).names_in(&Words::SHAPE), ["type", "in"]);
}

// A value that I-JSON does not have is an error of its writer, not a null.
#[test]
fn what_cannot_be_written_is_not_written() {
    for results in [Any::typed(Odd::Large), Any::typed(Odd::Endless), Any::typed(Odd::Refused)] {
        let results = Results::builder().set_any(Lock::NSID, results).build().expect("results");
        let response = Response::new(StatusCode::Ok).with_results(results);
        let message = Message::response(Headers::default(), response);
        Json.encode(&message, Form::DEFAULT).expect_err("no I-JSON");
    }
}

#[test]
fn what_is_not_valid_cannot_be_built() {
    assert_eq!(Zone::builder().build().expect_err("nowhere").to_string(), "a floor or a wing is due");
    let zone = Zone::builder().floor(Floor(3)).build().expect("a zone");
    assert_eq!((zone.floor(), zone.wing()), (Some(&Floor(3)), None));
    Door::new("front").expect_err("no door");
    Keys::new(Vec::new()).expect_err("no key");
}

#[test]
fn a_target_is_of_one_profile_and_remembers_its_type() {
    let door = Target::Door(Door::new("AB1").expect("a door"));
    let target = CommonTarget::extended::<Lock>(door.clone()).expect("a row of the table");
    assert_eq!(target.name().to_string(), "x-lock:door");
    assert_eq!(target.of::<Lock>(), Ok(Some(door)));
    assert_eq!(target.of::<Bell>(), Ok(None));
    assert_eq!(Command::new(Action::Deny, target).pair().to_string(), "deny x-lock:door");
}

#[test]
fn any_value_can_be_asked_for_its_type() {
    let typed = Any::typed(lock::Args { force: Some(true), ..Args::default() });
    assert_eq!(typed.names_in(&Args::SHAPE), ["force"]);
    assert_eq!(typed.of::<Args>().map(|args| args.force), Ok(Some(true)));
    assert_eq!(
        typed.of::<lock::Specifiers>().expect_err("of another type").to_string(),
        "unknown member \"force\"; Specifiers has building"
    );
}

record! {
    /// Names that Rust has for itself.
    pub(crate) struct Words: "Words", sealed by WordsBuilder checked by any_words {
        /// One.
        optional r#type: String = 1,
        /// Two.
        optional r#in: String = 2,
        /// Three.
        optional r#match: String = 3,
    }
}

fn any_words(_: &Words) -> Result<(), Invalid> {
    Ok(())
}

/// Values that no JSON has.
#[derive(Clone, Debug)]
enum Odd {
    Large,
    Endless,
    Refused,
}

impl Read for Odd {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Odd", "", Kind::Any);
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(_: &mut Context, _: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("never"))
    }
}

impl Write for Odd {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Large => serializer.serialize_u64(1 << 53),
            Self::Endless => serializer.serialize_f64(f64::INFINITY),
            Self::Refused => Err(ser::Error::custom("never")),
        }
    }
}
