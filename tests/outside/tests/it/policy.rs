//! A policy bounds what a stranger's profile offers to it.

use oc2_consumer::{Consumer, Question, Rulebook};
use oc2_core::{Content, Mode, Terms};
use oc2_encoding::{Cbor, Encoding, Encodings, Json};
use oc2_tests_outside::lock::{Door, Doors, Lock};
use oc2_transfer::{Handler, Peer, Request, Scope};

const POLICY: &str = r#"
[[rule]]
name = "the porter locks front doors"
who = "porter"
actions = ["deny", "allow", "query"]
targets = "x-lock:door"
where.x-lock.door = ["AB1", "AB2"]

[[rule]]
name = "the guard seals upper floors"
who = "guard"
actions = "contain"
targets = "x-lock:zone"
[rule.where.x-lock]
floor = { min = 1, max = 9 }
"#;

#[test]
fn facts_of_a_stranger_are_bounded() {
    let terms = [Terms::of::<Lock>()];
    let policy = Rulebook::parse(POLICY, &terms).expect("a policy");
    for (who, command, expected) in [
        ("porter", r#"{"action":"deny","target":{"x-lock:door":"AB1"}}"#, None),
        ("porter", r#"{"action":"query","target":{"x-lock:door":"AB2"}}"#, None),
        (
            "porter",
            r#"{"action":"deny","target":{"x-lock:door":"AB3"}}"#,
            Some(r#"x-lock.door is "AB3", where "AB1" or "AB2" is allowed"#),
        ),
        ("guard", r#"{"action":"contain","target":{"x-lock:zone":{"floor":9}}}"#, None),
        (
            "guard",
            r#"{"action":"contain","target":{"x-lock:zone":{"floor":-1}}}"#,
            Some("x-lock.floor is -1, where 1..9 is allowed"),
        ),
        (
            "guard",
            r#"{"action":"contain","target":{"x-lock:zone":{"wing":"east"}}}"#,
            Some("x-lock.floor is bounded, and not to be known of contain x-lock:zone"),
        ),
        (
            "guard",
            r#"{"action":"deny","target":{"x-lock:door":"AB1"}}"#,
            Some("no rule allows guard to deny x-lock:door through x-lock"),
        ),
    ] {
        let message = Json.decode(command.as_bytes(), Mode::Lenient).expect(command).message;
        let Content::Request(command) = message.into_content() else { panic!("a command") };
        let peer = Peer::Authenticated(who.into());
        let objection = policy.judge(&Question::new(&peer, None, &command, &terms)).err();
        assert_eq!(objection.as_ref().map(|objection| objection.reason()), expected, "{command:?}");
    }
}

/// In CBOR a target may come by an id that its profile alone knows. It is still the door that the rule speaks of, and a zone
/// by its id is no door.
#[tokio::test]
async fn a_target_by_id_does_not_slip_through() {
    let doors = Doors::new("north", ["AB1", "AB3"].map(|name| Door::new(name).expect(name)));
    let policy = Rulebook::parse(POLICY, &[Terms::of::<Lock>()]).expect("a policy");
    let consumer = Consumer::builder("doors").policy(policy).actuator(doors).encodings(Encodings::of(Cbor)).build();
    // [6, {"x-lock": {1: "AB1"}}]: deny x-lock:door
    let door = |name: &[u8; 3]| [&b"\x82\x06\xa1\x66x-lock\xa1\x01\x63"[..], name].concat();
    // [7, {"x-lock": {2: [1]}}]: contain x-lock:zone
    let zone = b"\x82\x07\xa1\x66x-lock\xa1\x02\x81\x01".to_vec();
    for (who, command, status) in [
        ("porter", door(b"AB1"), 200),
        ("porter", door(b"AB3"), 403),
        ("porter", zone.clone(), 403),
        ("guard", zone, 200),
        ("guard", door(b"AB1"), 403),
    ] {
        let request = Request {
            needs_answer: true,
            peer: Peer::Authenticated(who.into()),
            scope: Scope::Direct,
            content_type: Some("application/openc2+cbor;version=1.0".into()),
            request_id: None,
            body: command.clone().into(),
        };
        assert_eq!(consumer.handle(request).await.status.as_u16(), status, "{who} {command:x?}");
    }
}
