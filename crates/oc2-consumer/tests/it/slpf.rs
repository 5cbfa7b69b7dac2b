//! The commands of packet filtering (SLPF 2.3) through a Consumer: what is implemented, what is not, and what is answered.

use serde_json::{Value, json};

use crate::harness::{Recorder, builder, eventually, send};

/// Each row of table 2.3-1 but `query features`: action, target, and what is told when nobody implements it.
fn rows() -> Vec<(&'static str, Value, &'static str)> {
    let packets = [
        json!({"ipv4_connection": {"dst_port": 80}}),
        json!({"ipv6_connection": {"dst_port": 80}}),
        json!({"ipv4_net": "198.51.100.0/24"}),
        json!({"ipv6_net": "2001:db8::/32"}),
    ];
    let mut rows = Vec::new();
    for action in ["allow", "deny"] {
        rows.extend(packets.iter().map(|target| (action, target.clone(), "Target type not supported")));
    }
    rows.push(("delete", json!({"slpf:rule_number": 1234}), "target not supported"));
    rows.push(("update", json!({"file": {"name": "rules.json"}}), "Command not supported"));
    rows
}

fn name_of(target: &Value) -> &str {
    target.as_object().and_then(|target| target.keys().next()).expect("one target")
}

// LS-215, SLPF-045, SLPF-082, SLPF-085 to SLPF-087, SLPF-089, SLPF-092 to SLPF-094, SLPF-096, SLPF-099 to SLPF-101, SLPF-103,
// SLPF-106 to SLPF-108, SLPF-127, SLPF-129 to SLPF-131, SLPF-133 to SLPF-135, SLPF-137 to SLPF-139, SLPF-141, SLPF-142,
// SLPF-145, SLPF-153 to SLPF-155, SLPF-162, SLPF-173 to SLPF-175
#[tokio::test]
async fn each_command_may_be_left_out_is_then_refused_in_the_words_of_its_section_and_takes_no_other_with_it() {
    for (action, target, sentence) in rows() {
        let left_out = format!("{action} {}", name_of(&target));
        let recorder = Recorder::all_but(&left_out);
        let consumer = builder().actuator(recorder.clone()).build();
        let refused = send(&consumer, json!({"action": action, "target": target})).await;
        assert_eq!((u64::from(refused.code), refused.status()), (501, 501), "{left_out}");
        assert_eq!(refused.text(), format!("{sentence}: {left_out}"));
        assert_eq!(recorder.n_started(), 0, "{left_out}");
        let mut listed = 0;
        let features = json!({"action": "query", "target": {"features": ["pairs"]}});
        let pairs = send(&consumer, features).await.response()["results"]["pairs"].clone();
        for (action, target, _) in rows() {
            let name = name_of(&target);
            let is_listed = pairs[action].as_array().is_some_and(|targets| targets.contains(&json!(name)));
            assert_eq!(is_listed, format!("{action} {name}") != left_out, "{action} {name} without {left_out}");
            if is_listed {
                send(&consumer, json!({"action": action, "target": target})).await.expect(200, "");
                listed += 1;
            }
        }
        assert_eq!((listed, recorder.n_performed()), (9, 9), "{left_out}");
    }
}

// SLPF-044, SLPF-046, SLPF-143, SLPF-209
#[tokio::test]
async fn the_required_command_has_its_four_results() {
    let settings = oc2_consumer::Settings::default().with_rate_limit(6000).unwrap();
    let consumer = builder().actuator(Recorder::new()).settings(settings).build();
    let features = json!({"action": "query", "target": {"features": ["rate_limit", "pairs", "profiles", "versions"]}});
    let answer = send(&consumer, features).await;
    answer.expect(200, "");
    let results = answer.response()["results"].as_object().unwrap().clone();
    let names: Vec<_> = results.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(results["versions"], json!(["1.0"]));
    assert_eq!(results["profiles"], json!(["slpf"]));
    assert_eq!(results["rate_limit"], json!(6000));
    assert_eq!(results["pairs"].as_object().unwrap().len(), 5);
}

// SLPF-179
#[tokio::test]
async fn an_update_that_has_begun_is_acknowledged_with_102() {
    let recorder = Recorder::slow();
    let consumer = builder().actuator(recorder.clone()).build();
    let update = json!({"action": "update", "target": {"file": {"name": "a"}}, "args": {"response_requested": "ack"}});
    assert_eq!(send(&consumer, update).await.response(), &json!({"status": 102}));
    eventually(|| recorder.n_started() == 1).await;
    assert_eq!(recorder.n_performed(), 0);
    recorder.go_on();
    eventually(|| recorder.n_performed() == 1).await;
}

// SLPF-180
#[tokio::test]
async fn an_update_is_a_success_once_the_actuator_has_performed_it_and_no_sooner() {
    let recorder = Recorder::slow();
    let consumer = builder().actuator(recorder.clone()).build();
    let update = json!({"action": "update", "target": {"file": {"name": "a"}}});
    let answer = tokio::spawn(async move { send(&consumer, update).await });
    eventually(|| recorder.n_started() == 1).await;
    assert!(!answer.is_finished());
    recorder.go_on();
    answer.await.unwrap().expect(200, "");
    assert_eq!(recorder.n_performed(), 1);
}
