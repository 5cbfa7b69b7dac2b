//! From a cause to a status (LS 3.3.2.1, DECISIONS L2), and which arguments a row admits.

use oc2_core::nsid::FieldName;
use oc2_core::profile::{CommandRow, CommonArg};
use oc2_core::shape::read::{Context, Mode, Read};
use oc2_core::target::NoTarget;
use oc2_core::{Action, Args, Class, Command, Nsid, Profile, Rejection, Response, StatusCode, TargetName, map};

// LS-139 to LS-145
#[test]
fn each_class_of_cause_has_its_status() {
    for (class, status) in [
        (Class::Malformed, 400),
        (Class::Unauthenticated, 401),
        (Class::Forbidden, 403),
        (Class::NotFound, 404),
        (Class::Failed, 500),
        (Class::Unsupported, 501),
        (Class::Unavailable, 503),
    ] {
        let rejection = Rejection::new(class, "why");
        assert_eq!(rejection.status().as_u16(), status);
        let response = Response::from(rejection);
        assert_eq!((response.status.as_u16(), response.status_text.as_deref()), (status, Some("why")));
        assert!(response.results.is_empty() && response.others.is_empty());
    }
    assert_eq!(Rejection::malformed("").status(), StatusCode::BadRequest);
    assert_eq!(Rejection::not_found("").status(), StatusCode::NotFound);
    assert_eq!(Rejection::failed("").status(), StatusCode::InternalError);
    assert_eq!(Rejection::unsupported("").status(), StatusCode::NotImplemented);
    assert_eq!(Rejection::unavailable("").status(), StatusCode::ServiceUnavailable);
}

const ROW: CommandRow = CommandRow {
    action: Action::Set,
    target: TargetName::Extended(Nsid::constant("x-lock"), FieldName::constant("door")),
    common: &[CommonArg::Duration, CommonArg::ResponseRequested],
    own: &["force", "reason"],
    unsupported: "no such door",
};

/// The profile of the row.
struct Lock;

impl Profile for Lock {
    const NSID: Nsid = Nsid::constant("x-lock");
    const NAME: &'static str = "lock";
    const COMMANDS: &'static [CommandRow] = &[ROW];

    type Target = NoTarget;
    type Args = LockArgs;
    type Specifiers = LockArgs;
    type Results = LockArgs;
    type Command = ();

    fn interpret(_: &Command) -> Result<(), Rejection> {
        Ok(())
    }
}

map! {
    /// Some arguments.
    #[derive(Default)]
    struct LockArgs: "Args" {
        /// One.
        optional force: bool = 1,
        /// Another.
        optional reason: String = 2,
    }
}

fn args(json: &str) -> Args {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Args::read(&mut Context::new(Mode::Lenient), &mut deserializer).expect(json)
}

// L2, SLPF-063 to SLPF-065
#[test]
fn an_argument_that_a_row_does_not_have_is_named() {
    assert_eq!(ROW.pair().to_string(), "set x-lock:door");
    let long = format!(r#"{{"{}":1}}"#, "a".repeat(100));
    let cut = format!("args.{}...", "a".repeat(60));
    for (json, named) in [
        ("{}", None),
        (r#"{"duration":1,"response_requested":"ack"}"#, None),
        (r#"{"x-lock":{}}"#, None),
        (r#"{"x-lock":{"force":true,"reason":"a"}}"#, None),
        (r#"{"start_time":1}"#, Some("args.start_time")),
        (r#"{"stop_time":1}"#, Some("args.stop_time")),
        (r#"{"duration":1,"start_time":1}"#, Some("args.start_time")),
        (r#"{"x-lock":{"force":true,"colour":"red"}}"#, Some("args.x-lock.colour")),
        (r#"{"slpf":{}}"#, Some("args.slpf")),
        (r#"{"x-lock":{},"x-other":{}}"#, Some("args.x-other")),
        (r#"{"force":true}"#, Some("args.force")),
        (r#"{"comment":"a"}"#, Some("args.comment")),
        (r#"{"a name\n":"a"}"#, Some(r"args.a name\n")),
        (r#"{"":1}"#, Some("args.")),
        (&long, Some(cut.as_str())),
    ] {
        let refused = ROW.admit::<Lock>(&args(json), &[]);
        let expected = named.map(|named| Rejection::unsupported(format!("Option not supported: {named}")));
        assert_eq!(refused.err(), expected, "{json}");
    }
}

// SLPF-031, SLPF-032, S6
#[test]
fn an_argument_that_the_actuator_does_not_have_is_named() {
    let without = ["reason".to_owned()];
    assert_eq!(ROW.admit::<Lock>(&args(r#"{"x-lock":{"force":true}}"#), &without), Ok(()));
    assert_eq!(
        ROW.admit::<Lock>(&args(r#"{"x-lock":{"force":true,"reason":"a"}}"#), &without),
        Err(Rejection::unsupported("Option not supported: args.x-lock.reason"))
    );
}
