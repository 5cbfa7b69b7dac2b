//! Who is meant, and what is refused with which status (DECISIONS L2, R1 to R7).

use oc2_consumer::{Objection, Permit, Question};
use oc2_core::{Class, Nsid, Rejection};
use oc2_transfer::{Request, Scope};
use serde_json::json;

use crate::harness::{
    Doors, Recorder, broadcast, builder, deny, deny_with, message, recording, request, send, send_message,
    send_request, strict,
};

#[tokio::test]
async fn each_thing_unknown_has_its_status() {
    // ARCH-005, ARCH-006, L2, LS-035, LS-037, LS-039, LS-040, LS-077, LS-139, LS-144, SLPF-049, SLPF-150, SLPF-151, SLPF-170, SLPF-171
    let (consumer, recorder) = recording();
    let net = json!({"ipv4_net": "10.0.0.0/8"});
    let cases = [
        (json!({"action": "up", "target": net}), 400, "action: \"up\" is not one of"),
        (json!({"action": "x-acme:foo", "target": net}), 400, "action"),
        (json!({"action": "deny", "target": {"ip_conection": {}}}), 400, "Validation Error: Target: ip_conection"),
        (json!({"action": "deny", "target": {"acme:thing": 1}}), 501, "Target type not supported"),
        (json!({"action": "deny", "target": {"slpf:thing": 1}}), 501, "Target type not supported"),
        (json!({"action": "deny", "target": net, "args": {"direction": "ingress"}}), 501, "Option not supported"),
        (json!({"action": "deny", "target": net, "args": {"x-none": {}}}), 501, "Option not supported"),
        (json!({"action": "deny", "target": net, "args": {"slpf": "in"}}), 400, "args.slpf"),
        (
            json!({"action": "deny", "target": net, "args": {"slpf": {"way": 1}}}),
            501,
            "Option not supported: args.slpf.way",
        ),
        (
            json!({"action": "allow", "target": net, "args": {"slpf": {"drop_process": "none"}}}),
            501,
            "Option not supported",
        ),
        (json!({"action": "deny", "target": net, "args": {}, "color": 1}), 400, "unknown member \"color\""),
        (json!({"action": "scan", "target": net}), 501, "Command not supported"),
        (json!({"action": "deny", "target": {"domain_name": "a.example"}}), 501, "Target type not supported"),
        (json!({"action": "allow", "target": {"file": {"name": "a"}}}), 501, "Target type not supported"),
        (json!({"action": "query", "target": net}), 501, "Target type not supported"),
        (json!({"action": "deny", "target": net, "actuator": {"asset_id": "30"}}), 400, "actuator.asset_id"),
        (
            json!({"action": "deny", "target": net, "actuator": {"slpf": {"asset_id": 30}}}),
            400,
            "actuator.slpf.asset_id",
        ),
        (json!({"action": "deny", "target": net, "actuator": {"slpf": {"color": "red"}}}), 400, "actuator.slpf"),
        (json!({"action": "deny", "target": net, "actuator": {"slpf": {}, "x-a": {}}}), 400, "actuator"),
        (json!({"action": "deny", "target": net, "actuator": {"x-none": {}}}), 501, "Profile not supported"),
        (json!({"action": "deny", "target": net, "actuator": {"slpf": {"asset_id": "31"}}}), 404, "no actuator"),
        (json!({"action": "delete", "target": {"slpf:rule_number": "x"}}), 400, "target.slpf:rule_number"),
        (json!({"action": "update", "target": {"file": {"path": "/"}}}), 400, "target.file"),
        (json!({"action": "cancel", "target": {"command": "unknown"}}), 404, "no command"),
    ];
    for (command, status, text) in cases {
        let answer = send(&consumer, command.clone()).await;
        assert_eq!(answer.status(), status, "{command} {answer:?}");
        answer.expect(status, text);
    }
    assert_eq!(recorder.n_started(), 0);
}

#[tokio::test]
async fn a_command_that_names_no_profile_is_performed_in_each_that_supports_it() {
    // ARCH-014, R2
    let (recorder, doors) = (Recorder::new(), Doors::default());
    let consumer = builder().actuator(recorder.clone()).actuator(doors.clone()).build();
    let answer = send(&consumer, deny()).await;
    answer.expect(200, "slpf: 200; x-doors: 200");
    assert_eq!(answer.response()["results"], json!({"slpf": {"rule_number": 1234}, "x-doors": {"note": "shut"}}));
    assert_eq!((recorder.n_performed(), doors.n_performed()), (1, 1));
}

#[tokio::test]
async fn of_several_outcomes_the_worst_counts() {
    // R2
    let (recorder, doors) = (Recorder::new(), Doors::default());
    let consumer = builder().actuator(recorder.clone()).actuator(doors.clone()).build();
    let answer = send(&consumer, deny_with(json!({"slpf": {"direction": "ingress"}}))).await;
    answer.expect(501, "slpf: 200; x-doors: 501 Option not supported");
    assert_eq!((recorder.n_performed(), doors.n_performed()), (1, 0));
}

#[tokio::test]
async fn a_named_profile_is_the_only_one_that_performs() {
    // ARCH-013, SLPF-043
    let (recorder, doors) = (Recorder::new(), Doors::default());
    let consumer = builder().actuator(recorder.clone()).actuator(doors.clone()).build();
    let mut command = deny();
    command["actuator"] = json!({"x-doors": {}});
    send(&consumer, command).await.expect(200, "");
    assert_eq!((recorder.n_performed(), doors.n_performed()), (0, 1));
}

#[tokio::test]
async fn specifiers_pick_among_several_actuators_of_one_profile() {
    // SLPF-043
    let (one, two) = (Recorder::named("1"), Recorder::named("2"));
    let consumer = builder().actuator(one.clone()).actuator(two.clone()).build();
    let mut command = deny();
    command["actuator"] = json!({"slpf": {"asset_id": "2"}});
    send(&consumer, command).await.expect(200, "");
    assert_eq!((one.n_performed(), two.n_performed()), (0, 1));
}

#[tokio::test]
async fn who_is_not_meant_is_silent_where_many_hear_the_command() {
    // R3, R4, R7
    let (consumer, recorder) = recording();
    for actuator in [json!({"x-none": {}}), json!({"slpf": {"asset_id": "31"}})] {
        let mut command = deny();
        command["actuator"] = actuator;
        assert!(broadcast(&consumer, Scope::Broadcast, command.clone()).await.message.is_none());
        assert!(broadcast(&consumer, Scope::Profile(Nsid::SLPF), command).await.message.is_none());
    }
    assert!(broadcast(&consumer, Scope::Profile(Nsid::constant("x-none")), deny()).await.message.is_none());
    assert_eq!(recorder.n_started(), 0);
    // R1
    let unsupported = json!({"action": "scan", "target": {"ipv4_net": "10.0.0.0/8"}});
    broadcast(&consumer, Scope::Broadcast, unsupported).await.expect(501, "Command not supported");
    broadcast(&consumer, Scope::Profile(Nsid::SLPF), deny()).await.expect(200, "");
}

#[tokio::test]
async fn a_topic_confines_a_command_to_its_profile() {
    // R7
    let (recorder, doors) = (Recorder::new(), Doors::default());
    let consumer = builder().actuator(recorder.clone()).actuator(doors.clone()).build();
    broadcast(&consumer, Scope::Profile(Nsid::SLPF), deny()).await.expect(200, "");
    assert_eq!((recorder.n_performed(), doors.n_performed()), (1, 0));
}

#[tokio::test]
async fn an_argument_the_actuator_does_not_have_is_not_supported() {
    // SLPF-031, SLPF-032, SLPF-063 to SLPF-065, SLPF-111 to SLPF-113, S6
    let consumer = builder().actuator(Recorder::without(&["direction"])).build();
    send(&consumer, deny_with(json!({"slpf": {"direction": "both"}})))
        .await
        .expect(501, "Option not supported: args.slpf.direction");
}

#[tokio::test]
async fn the_policy_decides_before_anything_is_done() {
    // LS-141, ARCH-016
    struct QueriesOnly;

    impl oc2_consumer::Policy for QueriesOnly {
        async fn decide(&self, question: &Question<'_>) -> Result<Permit, Objection> {
            if question.command.action == oc2_core::Action::Query {
                return Ok(Permit::default());
            }
            Err(Rejection::new(Class::Forbidden, "not authorized").into())
        }
    }

    let recorder = Recorder::new();
    let consumer = oc2_consumer::Consumer::builder("fw1").policy(QueriesOnly).actuator(recorder.clone()).build();
    send(&consumer, deny()).await.expect(403, "not authorized");
    send(&consumer, json!({"action": "query", "target": {"features": []}})).await.expect(200, "");
    assert_eq!(recorder.n_started(), 0);
}

#[tokio::test]
async fn who_is_not_meant_stays_silent_when_the_command_is_repeated() {
    // R3, R4, M12
    let (consumer, _) = recording();
    let mut command = deny();
    command["actuator"] = json!({"slpf": {"asset_id": "31"}});
    let body = message(&command).to_string();
    for _ in 0..2 {
        let request = Request { scope: Scope::Broadcast, ..request(body.clone()) };
        assert!(send_request(&consumer, request).await.message.is_none());
    }
}

#[tokio::test]
async fn what_is_for_others_is_ignored_where_many_hear_it() {
    // M5, M13, LS-081, MQTT-035
    let recorder = Recorder::new();
    let consumer = builder().also_known_as("zulu").actuator(recorder.clone()).build();
    let mut for_others = message(&deny());
    for_others["headers"]["to"] = json!(["fw2"]);
    let notification = json!({"body": {"openc2": {"notification": {"a": 1}}}});
    for scope in [Scope::Broadcast, Scope::Device] {
        for message in [&for_others, &notification] {
            let request = Request { scope, ..request(message.to_string()) };
            assert!(send_request(&consumer, request).await.message.is_none());
        }
    }
    for (n_performed, (scope, name)) in [(Scope::Broadcast, "fw1"), (Scope::Device, "zulu")].into_iter().enumerate() {
        assert_eq!(recorder.n_performed(), n_performed);
        let mut for_us = message(&deny());
        for_us["headers"]["to"] = json!(["fw2", name]);
        send_request(&consumer, Request { scope, ..request(for_us.to_string()) }).await.expect(200, "");
    }
    assert_eq!(recorder.n_performed(), 2);
}

#[tokio::test]
async fn through_a_broker_the_one_device_that_is_meant_says_what_it_lacks() {
    // R3, R4
    let (consumer, recorder) = recording();
    for (actuator, status) in [(json!({"x-none": {}}), 501), (json!({"slpf": {"asset_id": "31"}}), 404)] {
        let mut command = deny();
        command["actuator"] = actuator;
        broadcast(&consumer, Scope::Device, command).await.expect(status, "");
    }
    assert_eq!(recorder.n_performed(), 0);
}

#[tokio::test]
async fn through_a_broker_a_strict_consumer_answers_a_request_without_an_id() {
    // MQTT-122, M10
    let consumer = builder().settings(strict()).actuator(Recorder::new()).build();
    let anonymous = json!({"headers": {"from": "soc-1"}, "body": {"openc2": {"request": deny()}}}).to_string();
    send_request(&consumer, Request { scope: Scope::Device, ..request(anonymous.clone()) }).await.expect(200, "");
    send_request(&consumer, request(anonymous)).await.expect(400, "headers: the member \"request_id\" is missing");
}

#[tokio::test]
async fn a_consumer_behind_two_transfers_reads_what_each_carries() {
    // M2, M12
    let recorder = Recorder::new();
    let consumer = builder().actuator(recorder.clone()).build();
    let beside = consumer.reading(oc2_encoding::Encodings::default().and(oc2_encoding::Cbor));
    let cbor = || Request {
        content_type: Some("application/openc2+cbor;version=1.0".to_owned()),
        body: vec![0x82, 0x03, 0xa1, 0x09, 0x80].into(),
        ..request(String::new())
    };
    assert_eq!(oc2_transfer::Handler::handle(&consumer, cbor()).await.status.as_u16(), 400);
    assert_eq!(oc2_transfer::Handler::handle(&beside, cbor()).await.status.as_u16(), 200);
    let once = message(&deny());
    for consumer in [&consumer, &beside] {
        send_message(consumer, &once).await.expect(200, "");
    }
    assert_eq!(recorder.n_performed(), 1, "what one has seen the other knows");
    assert_eq!(beside.profiles(), [Nsid::SLPF]);
}

#[tokio::test]
async fn of_several_refusals_each_is_told() {
    // R2
    let consumer = builder().actuator(Recorder::new()).actuator(Doors::default()).build();
    let answer = send(&consumer, deny_with(json!({"slpf": {"direction": "up"}}))).await;
    answer.expect(501, "slpf: 400 args.slpf.direction");
    assert!(answer.text().contains("; x-doors: 501 Option not supported"), "{answer:?}");
}
