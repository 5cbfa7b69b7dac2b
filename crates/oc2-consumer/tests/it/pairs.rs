//! What `pairs` tells is what is accepted (DECISIONS L11), in every notation.

use oc2_actuator::{Actuator, Context};
use oc2_consumer::Consumer;
use oc2_core::nsid::FieldName;
use oc2_core::target::TargetKind;
use oc2_core::{
    Action, Command, CommandRow, Content, Form, Message, Mode, Notation, Nsid, Profile, Rejection, TargetName,
};
use oc2_encoding::{Encoding, Json, JsonIn};
use oc2_profile_slpf::Slpf;
use serde_json::{Value, json};

use crate::harness::{Answer, Recorder, builder, message, send, send_raw};

/// A profile whose id is in the registry and whose target therefore comes by ids alone.
#[derive(Debug)]
struct Blinky;

oc2_core::choice! {
    /// Lights.
    enum Light: "Target" {
        /// One of them, by its number.
        Led(i64) = 1 "led",
        /// All of them.
        Row(i64) = 2 "row",
    }
}

oc2_core::map! {
    /// Nothing to say.
    #[derive(Default)]
    pub(crate) struct Nothing: "Nothing" {}
}

impl Blinky {
    const LED: TargetName = TargetName::Extended(Self::NSID, FieldName::constant("led"));
    const ROW: TargetName = TargetName::Extended(Self::NSID, FieldName::constant("row"));
}

impl Profile for Blinky {
    const NSID: Nsid = Nsid::constant("blinky");
    const NAME: &'static str = "example.net/blinky";
    const COMMANDS: &'static [CommandRow] = &[
        CommandRow { action: Action::Start, target: Self::LED, own: &[], ..Slpf::COMMANDS[0] },
        CommandRow { action: Action::Stop, target: Self::ROW, own: &[], unsupported: "No row", ..Slpf::COMMANDS[0] },
    ];
    type Target = Light;
    type Args = Nothing;
    type Specifiers = Nothing;
    type Results = Nothing;
    type Command = ();

    fn interpret(_: &Command) -> Result<(), Rejection> {
        Ok(())
    }
}

/// An actuator that has no row of lights.
struct Lights;

impl Actuator for Lights {
    type Profile = Blinky;

    fn commands(&self) -> Vec<&'static CommandRow> {
        Blinky::COMMANDS.iter().take(1).collect()
    }

    async fn perform(&self, (): (), _: Context) -> Result<Option<Nothing>, Rejection> {
        Ok(None)
    }
}

/// A target of every name: the language's, the profiles', and some that nobody has.
fn targets() -> Vec<(&'static str, Value)> {
    vec![
        ("artifact", json!({"mime_type": "text/plain"})),
        ("command", json!("unknown")),
        ("device", json!({"hostname": "a"})),
        ("domain_name", json!("a.example")),
        ("email_addr", json!("a@example.com")),
        ("features", json!([])),
        ("file", json!({"name": "a", "path": "/b"})),
        ("idn_domain_name", json!("b\u{fc}cher.example")),
        ("idn_email_addr", json!("\u{fc}@example.com")),
        ("ipv4_net", json!("10.0.0.0/8")),
        ("ipv6_net", json!("2001:db8::/32")),
        ("ipv4_connection", json!({"protocol": "tcp"})),
        ("ipv6_connection", json!({"dst_port": 80})),
        ("mac_addr", json!("00:1A:2B:3C:4D:5E")),
        ("process", json!({"pid": 1})),
        ("uri", json!("a:")),
        ("iri", json!("a:")),
        ("properties", json!(["a"])),
        ("slpf:rule_number", json!(1)),
        ("slpf:other", json!({})),
        ("blinky:led", json!(1)),
        ("blinky:row", json!(1)),
        ("blinky:other", json!({})),
        ("pf:advanced_connection", json!({})),
        ("x-acme:thing", json!({})),
    ]
}

/// The command in a notation, ids and all.
fn written(command: &Value, notation: Notation) -> Vec<u8> {
    let bytes = serde_json::to_vec(&message(command)).expect("JSON");
    let Message { headers, body, .. } = Json.decode(&bytes, Mode::Strict).expect("a message").message;
    let oc2_core::Body::OpenC2(Content::Request(command)) = body else { panic!("{command}") };
    let command = command.typed::<Slpf>().and_then(Command::typed::<Blinky>).expect("well typed");
    Json.encode(&Message::request(headers, command), Form::DEFAULT.with_notation(notation)).expect("JSON")
}

async fn send_in(consumer: &Consumer, command: &Value, notation: Notation) -> Answer {
    send_raw(consumer, written(command, notation)).await
}

// L11, LS-184, SLPF-049, E2
#[tokio::test]
async fn a_pair_is_accepted_if_it_is_listed_and_only_then() {
    for recorder in [Recorder::new(), Recorder::all_but("deny ipv4_net")] {
        let consumer = builder().actuator(recorder).actuator(Lights).build();
        let features = send(&consumer, json!({"action": "query", "target": {"features": ["pairs"]}})).await;
        let pairs = features.response()["results"]["pairs"].clone();
        let targets = targets();
        assert_eq!(targets.len(), TargetKind::ALL.len() + 7);
        for action in Action::ALL {
            for (name, value) in &targets {
                let listed = pairs[action.name()].as_array().is_some_and(|names| names.contains(&json!(name)));
                let command = json!({"action": action.name(), "target": {*name: value}});
                for notation in [Notation::Verbose, Notation::Compact, Notation::Concise] {
                    let answer = send_in(&consumer, &command, notation).await;
                    // What is about commands belongs to no profile and is not listed (L27).
                    let is_about_commands = *name == "command" && [Action::Cancel, Action::Query].contains(action);
                    let is_accepted = answer.code != 501 && !is_about_commands;
                    assert_eq!(is_accepted, listed, "{command} {notation:?}: {answer:?}");
                }
            }
        }
    }
}

// E2, L2
#[tokio::test]
async fn a_target_that_came_by_its_id_is_told_by_its_name() {
    let consumer = builder().actuator(Lights).build();
    for notation in [Notation::Verbose, Notation::Compact, Notation::Concise] {
        for (action, target, code, text) in [
            ("start", "blinky:led", 200, None),
            ("stop", "blinky:row", 501, Some("No row: stop blinky:row")),
            ("stop", "blinky:led", 501, Some("Target type not supported: stop blinky:led")),
        ] {
            let answer = send_in(&consumer, &json!({"action": action, "target": {target: 1}}), notation).await;
            assert_eq!(answer.code, code, "{action} {target} {notation:?}: {answer:?}");
            let bytes = answer.message.expect("a message").to_string().into_bytes();
            let decoded = JsonIn(notation).decode(&bytes, Mode::Strict).expect("answered in the form of the request");
            let Content::Response(response) = decoded.message.into_content() else { panic!("no Response") };
            assert_eq!(response.status_text.as_deref(), text, "{action} {target} {notation:?}");
        }
    }
}
