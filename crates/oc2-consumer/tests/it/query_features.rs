//! `query features` (LS 4.1).

use serde_json::{Value, json};

use crate::harness::{Doors, Recorder, builder, recording, send};

fn query(features: Value) -> Value {
    json!({"action": "query", "target": {"features": features}})
}

#[tokio::test]
async fn a_consumer_without_profiles_answers() {
    // LS-205
    let consumer = builder().build();
    let answer = send(&consumer, query(json!(["versions", "profiles", "pairs", "rate_limit"]))).await;
    let pairs = json!({"query": ["features"]});
    assert_eq!(answer.response(), &json!({"status": 200, "results": {"versions": ["1.0"], "pairs": pairs}}));
}

#[tokio::test]
async fn no_feature_is_a_heartbeat() {
    // LS-161, LS-212, L8
    let (consumer, _) = recording();
    assert_eq!(send(&consumer, query(json!([]))).await.response(), &json!({"status": 200}));
    let mut addressed = query(json!([]));
    addressed["actuator"] = json!({"slpf": {"asset_id": "30"}});
    assert_eq!(send(&consumer, addressed).await.response(), &json!({"status": 200}));
}

#[tokio::test]
async fn only_what_is_asked_for_is_told_and_what_is_asked_twice_once() {
    // LS-159, LS-213, LS-214, LS-218, LS-229
    let consumer = builder().actuator(Recorder::new()).actuator(Recorder::new()).actuator(Doors::default()).build();
    let answer = send(&consumer, query(json!(["profiles", "profiles"]))).await;
    assert_eq!(answer.response()["results"], json!({"profiles": ["slpf", "x-doors"]}));
    let answer = send(&consumer, query(json!(["versions"]))).await;
    assert_eq!(answer.response()["results"], json!({"versions": ["1.0"]}));
}

#[tokio::test]
async fn pairs_are_the_union_over_the_profiles() {
    // LS-215, L11, SLPF-052 to SLPF-056
    let consumer = builder().actuator(Recorder::new()).actuator(Doors::default()).build();
    let answer = send(&consumer, query(json!(["pairs"]))).await;
    let packets = json!(["ipv4_connection", "ipv6_connection", "ipv4_net", "ipv6_net"]);
    let expected = json!({
        "scan": ["ipv4_net"], "query": ["features"], "deny": packets, "allow": packets,
        "update": ["file"], "delete": ["slpf:rule_number"],
    });
    assert_eq!(answer.response()["results"]["pairs"], expected);
}

#[tokio::test]
async fn the_rate_limit_is_told_if_there_is_one() {
    // LS-216, LS-217
    let settings = oc2_consumer::Settings::default().with_rate_limit(6000).unwrap();
    let consumer = builder().settings(settings).build();
    let answer = send(&consumer, query(json!(["rate_limit"]))).await;
    assert_eq!(answer.response()["results"], json!({"rate_limit": 6000}));
    let answer = send(&builder().build(), query(json!(["rate_limit"]))).await;
    assert_eq!(answer.response(), &json!({"status": 200}));
}

#[tokio::test]
async fn any_argument_but_complete_is_malformed() {
    // LS-209, LS-210
    let (consumer, _) = recording();
    for args in [
        json!({"start_time": 1}),
        json!({"stop_time": 1}),
        json!({"duration": 1}),
        json!({"response_requested": "ack"}),
        json!({"response_requested": "status"}),
        json!({"slpf": {}}),
        json!({"x-none": {}}),
    ] {
        let mut command = query(json!(["versions"]));
        command["args"] = args;
        send(&consumer, command).await.expect(400, "args: query features");
    }
    let mut command = query(json!([]));
    command["args"] = json!({"response_requested": "complete"});
    send(&consumer, command).await.expect(200, "");
}
