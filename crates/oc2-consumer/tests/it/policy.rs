//! Who may do what, from messages to answers.

use oc2_consumer::{Consumer, Rulebook};
use oc2_core::{Profile, Terms};
use oc2_encoding::{Cbor, Encodings};
use oc2_profile_slpf::Slpf;
use oc2_transfer::{Handler, Peer, Request, Scope};
use serde_json::{Value, json};

use crate::harness::{
    Answer, AuditLog, Doors, DoorsProfile, Recorder, deny, deny_with, message, request, send_request,
};

const POLICY: &str = r#"
[groups]
auditors = ["audit-1"]

[from]
soc-1 = "soc-1"

[[rule]]
name = "soc-1 stops small nets"
who = "soc-1"
actions = "deny"
targets = "ipv4_net"
profiles = "slpf"
outside = "10.0.0.0/8"
widest_ipv4 = "/24"
where.slpf.persistent = false

[[rule]]
name = "auditors look"
groups = "auditors"
actions = "query"
targets = "any"
"#;

// LS-141, ARCH-016
#[tokio::test]
async fn what_no_rule_allows_is_forbidden_and_the_rule_stays_here() {
    let log = AuditLog::start();
    let (consumer, recorder) = governed(POLICY);
    let small = || deny_with(json!({"slpf": {"persistent": false}}));
    ask(&consumer, Some("soc-1"), small()).await.expect(200, "");
    let event = log.take().remove(0);
    assert_eq!((event.field("rule"), event.field("objection")), ("soc-1 stops small nets", ""));

    let refused = ask(&consumer, Some("soc-1"), deny()).await;
    refused.expect(403, "the policy of this Consumer does not allow it");
    assert!(!refused.message.unwrap().to_string().contains("small nets"));
    let event = log.take().remove(0);
    assert_eq!(event.level, tracing::Level::WARN);
    assert_eq!(event.field("rule"), "soc-1 stops small nets");
    assert_eq!(event.field("objection"), "slpf.persistent is true, where false is allowed");

    for peer in [Some("audit-1"), Some("nobody"), None] {
        ask(&consumer, peer, small()).await.expect(403, "the policy");
        let event = log.take().remove(0);
        assert_eq!(event.field("rule"), "");
        assert!(event.field("objection").starts_with("no rule allows "), "{event:?}");
    }
    assert_eq!(recorder.n_started(), 1);
}

#[tokio::test]
async fn auditors_only_query() {
    let (consumer, recorder) = governed(POLICY);
    let query = || json!({"action": "query", "target": {"features": ["pairs"]}});
    ask(&consumer, Some("audit-1"), query()).await.expect(200, "");
    ask(&consumer, Some("soc-1"), query()).await.expect(403, "");
    ask(&consumer, None, query()).await.expect(403, "");
    for command in [deny(), json!({"action": "cancel", "target": {"command": "a"}})] {
        ask(&consumer, Some("audit-1"), command).await.expect(403, "");
    }
    assert_eq!(recorder.n_started(), 0);
}

/// Whoever may not give it is not told whether it would be understood.
#[tokio::test]
async fn what_nobody_here_performs_is_forbidden_first() {
    let (consumer, _) = governed(POLICY);
    for command in [
        json!({"action": "scan", "target": {"ipv4_net": "198.51.100.0/24"}}),
        json!({"action": "deny", "target": {"x-acme:door": 1}}),
        json!({"action": "deny", "target": {"ipv4_net": "198.51.100.0/24"}, "actuator": {"x-acme": {}}}),
    ] {
        ask(&consumer, Some("soc-1"), command).await.expect(403, "");
    }
    let open = "[[rule]]\nname = \"r\"\nwho = \"soc-1\"\nactions = \"any\"\ntargets = \"any\"\n";
    let (consumer, _) = governed(open);
    ask(&consumer, Some("soc-1"), json!({"action": "deny", "target": {"x-acme:door": 1}}))
        .await
        .expect(501, "Target type");
}

// M6
#[tokio::test]
async fn a_from_of_another_is_not_authenticated() {
    let (consumer, recorder) = governed(POLICY);
    let mut message = message(&deny_with(json!({"slpf": {"persistent": false}})));
    let send = async |peer: Option<&str>, message: &Value| {
        send_request(&consumer, Request { peer: named(peer), ..request(message.to_string()) }).await
    };
    message["headers"]["from"] = json!("soc-2");
    send(Some("soc-1"), &message).await.expect(401, "headers.from: not a name of this peer");
    message["headers"]["from"] = json!("soc-1");
    send(Some("soc-2"), &message).await.expect(401, "headers.from");
    send(None, &message).await.expect(401, "headers.from");
    assert_eq!(recorder.n_started(), 0);
    send(Some("soc-1"), &message).await.expect(200, "");
}

/// A target of a profile by its id, in CBOR, is the one that the profile calls by a name: neither is what a rule allows
/// refused for it, nor does another slip through.
#[tokio::test]
async fn a_target_by_its_id_is_the_one_that_has_the_name() {
    let rule =
        |target: &str| format!("[[rule]]\nname = \"r\"\nwho = \"p\"\nactions = \"any\"\ntargets = \"{target}\"\n");
    for (target, expected) in [("slpf:rule_number", 200), ("ipv4_net", 403), ("file", 403)] {
        let (consumer, recorder) = governed(&rule(target));
        // [20, {1024: 1234}]: delete slpf:rule_number, as CS01 has it; {1024: {1: 1234}} nested; {900: 1234} of JADN 1.0.1.
        for delete in [
            &b"\x82\x14\xa1\x19\x04\x00\x19\x04\xd2"[..],
            b"\x82\x14\xa1\x19\x04\x00\xa1\x01\x19\x04\xd2",
            b"\x82\x14\xa1\x19\x03\x84\x19\x04\xd2",
        ] {
            assert_eq!(status_of_cbor(&consumer, delete).await, expected, "{target}");
        }
        assert_eq!(recorder.n_performed() == 3, expected == 200);
    }
}

/// Arguments by their ids are bounded as those by name.
#[tokio::test]
async fn arguments_by_their_ids_are_bounded() {
    let rule = "[[rule]]\nname = \"r\"\nwho = \"p\"\nactions = \"deny\"\ntargets = \"ipv4_net\"\nwithin = \"198.51.100.0/24\"\nwhere.slpf.persistent = false\n";
    let (consumer, _) = governed(rule);
    // [6, {13: [h'c6336407']}, {1024: {1025: false}}]
    let good = b"\x83\x06\xa1\x0d\x81\x44\xc6\x33\x64\x07\xa1\x19\x04\x00\xa1\x19\x04\x01\xf4";
    assert_eq!(status_of_cbor(&consumer, good).await, 200);
    let mut persistent = good.to_vec();
    *persistent.last_mut().unwrap() = 0xf5;
    assert_eq!(status_of_cbor(&consumer, &persistent).await, 403);
    let mut elsewhere = good.to_vec();
    elsewhere[6] = 0x0a;
    assert_eq!(status_of_cbor(&consumer, &elsewhere).await, 403);
}

/// A profile of a stranger whose target comes by an id that only the profile knows.
#[tokio::test]
async fn every_profile_that_would_perform_it_has_to_be_allowed() {
    let rule = "[[rule]]\nname = \"r\"\nwho = \"p\"\nactions = \"deny\"\ntargets = \"ipv4_net\"\nprofiles = \"slpf\"\n";
    let (recorder, doors) = (Recorder::new(), Doors::default());
    let terms = [Terms::of::<Slpf>(), Terms::of::<DoorsProfile>()];
    let policy = Rulebook::parse(rule, &terms).unwrap();
    let consumer = Consumer::builder("fw1").policy(policy).actuator(recorder.clone()).actuator(doors.clone()).build();
    // It names no profile, so both would perform it.
    ask(&consumer, Some("p"), deny()).await.expect(403, "");
    let mut named = deny();
    named["actuator"] = json!({"x-doors": {}});
    ask(&consumer, Some("p"), named.clone()).await.expect(403, "");
    named["actuator"] = json!({"slpf": {}});
    ask(&consumer, Some("p"), named).await.expect(200, "");
    assert_eq!((recorder.n_performed(), doors.n_performed()), (1, 0));
}

#[tokio::test]
async fn a_rate_counts_what_is_taken_on_and_no_repetition() {
    let rule = "[[rule]]\nname = \"r\"\nwho = [\"a\", \"b\"]\nactions = \"any\"\ntargets = \"any\"\nrate = 2\n";
    let (consumer, recorder) = governed(rule);
    let first = message(&deny());
    for _ in 0..5 {
        let request = Request { peer: named(Some("a")), ..request(first.to_string()) };
        send_request(&consumer, request).await.expect(200, "");
    }
    ask(&consumer, Some("a"), deny()).await.expect(200, "");
    ask(&consumer, Some("a"), deny()).await.expect(503, "more than 2 commands a minute");
    ask(&consumer, Some("b"), deny()).await.expect(200, "");
    assert_eq!(recorder.n_performed(), 3);
}

#[tokio::test]
async fn another_policy_takes_its_place_at_once() {
    let log = AuditLog::start();
    let (consumer, _) = governed(POLICY);
    ask(&consumer, Some("soc-2"), deny()).await.expect(403, "");
    log.take();
    let open = "[[rule]]\nname = \"r\"\nwho = \"soc-2\"\nactions = \"any\"\ntargets = \"any\"\n";
    consumer.replace_policy(Rulebook::parse(open, &[Terms::of::<Slpf>()]).unwrap());
    assert_eq!(log.take().len(), 1);
    ask(&consumer, Some("soc-2"), deny()).await.expect(200, "");
    ask(&consumer, Some("audit-1"), deny()).await.expect(403, "");
}

#[tokio::test]
async fn who_is_not_meant_is_silent_before_it_is_forbidden() {
    let (consumer, _) = governed(POLICY);
    let mut command = deny();
    command["actuator"] = json!({"slpf": {"asset_id": "31"}});
    let body = message(&command).to_string();
    let request = Request { scope: Scope::Broadcast, peer: named(Some("soc-1")), ..request(body) };
    send_request(&consumer, request).await.expect_silence(404);
}

/// Facts of a stranger's profile are bounded like those of a registered one.
#[test]
fn a_profile_without_facts_offers_nothing_to_bound() {
    let rule =
        "[[rule]]\nname = \"r\"\nwho = \"p\"\nactions = \"any\"\ntargets = \"any\"\nwhere.x-doors.note = \"a\"\n";
    let error = Rulebook::parse(rule, &[Terms::of::<DoorsProfile>()]).unwrap_err().to_string();
    assert!(error.contains("line 6") && error.contains("x-doors offers no note to bound"), "{error}");
    assert!(DoorsProfile::FACTS.is_empty());
}

fn governed(policy: &str) -> (Consumer, Recorder) {
    let recorder = Recorder::new();
    let policy = Rulebook::parse(policy, &[Terms::of::<Slpf>()]).unwrap();
    let consumer = Consumer::builder("fw1").policy(policy).actuator(recorder.clone());
    (consumer.encodings(Encodings::default().and(Cbor)).build(), recorder)
}

fn named(peer: Option<&str>) -> Peer {
    match peer {
        Some(name) => Peer::Authenticated(name.into()),
        None => Peer::Unauthenticated("192.0.2.7".into()),
    }
}

/// Sends a Command without a `from`.
async fn ask(consumer: &Consumer, peer: Option<&str>, command: Value) -> Answer {
    let mut message = message(&command);
    message["headers"].as_object_mut().unwrap().remove("from");
    send_request(consumer, Request { peer: named(peer), ..request(message.to_string()) }).await
}

/// The status of the answer to a bare Command in CBOR, from `p`.
async fn status_of_cbor(consumer: &Consumer, command: &[u8]) -> u16 {
    let request = Request {
        peer: named(Some("p")),
        content_type: Some("application/openc2+cbor;version=1.0".into()),
        ..request(command)
    };
    consumer.handle(request).await.status.as_u16()
}
