//! The schema of a profile that a stranger wrote.

use oc2_core::Mode;
use oc2_encoding::{Encoding, Json};
use oc2_schema::{Root, Schema};
use oc2_tests_outside::bell::Bell;
use oc2_tests_outside::lock::Lock;
use serde_json::{Value, json};

use crate::support::{schema, validator};

// LS-036 to LS-043
#[test]
fn what_a_profile_adds_stands_where_it_belongs() {
    let jadn = schema().with_profile::<Lock>().jadn();
    let rows = |name: &str| {
        let types = jadn["types"].as_array().expect("types");
        let definition = types.iter().find(|definition| definition[0] == name).expect(name);
        definition[4].as_array().expect("rows").iter().map(Value::to_string).collect::<Vec<_>>()
    };
    // No registry has numbers for a private profile; the same name has the same one everywhere.
    assert_eq!(
        rows("Actuator"),
        [r#"[1024,"slpf","Slpf-Specifiers",[],""]"#, r#"[1000002,"x-lock","X-Lock-Specifiers",[],""]"#]
    );
    let last = |name: &str| rows(name).last().cloned().expect("a row");
    assert_eq!(last("Args"), r#"[1000002,"x-lock","X-Lock-Args",["[0"],""]"#);
    assert_eq!(last("Results"), r#"[1000002,"x-lock","X-Lock-Results",["[0"],""]"#);
    assert_eq!(last("Target"), r#"[1000001,"x-lock:zone","X-Lock-Zone",[],""]"#);
    assert_eq!(last("Targets-Enum"), r#"[1000001,"x-lock:zone",""]"#);
    assert_eq!(rows("X-Lock-Zone"), [r#"[1,"floor","X-Lock-Floor",["[0"],""]"#, r#"[2,"wing","String",["[0"],""]"#]);
    // What the language has is the language's, wherever it is used.
    assert_eq!(rows("X-Lock-Results")[1], r#"[2,"since","Date-Time",["[0"],""]"#);
}

#[test]
fn the_json_schema_types_what_it_knows_and_lets_the_rest_be() {
    let with = validator(&schema().with_profile::<Lock>().with_profile::<Bell>().json_schema_of(Root::Command));
    let without = validator(&Schema::of_language().json_schema_of(Root::Command));
    for (command, is_known_good) in [
        (json!({"action": "set", "target": {"x-lock:door": "AB1"}}), true),
        (json!({"action": "set", "target": {"x-lock:door": "1"}}), false),
        (json!({"action": "set", "target": {"x-lock:zone": {"wing": "a"}}}), true),
        (json!({"action": "set", "target": {"x-lock:zone": {}}}), false),
        (json!({"action": "set", "target": {"features": []}, "args": {"x-lock": {"type": "a"}}}), true),
        (json!({"action": "set", "target": {"features": []}, "args": {"x-lock": {"force": 1}}}), false),
        (json!({"action": "set", "target": {"features": []}, "args": {"x-bell": {}}}), true),
        (json!({"action": "set", "target": {"features": []}, "args": {"x-bell": {"loud": true}}}), false),
        (json!({"action": "set", "target": {"features": []}, "actuator": {"x-lock": {"building": "a"}}}), true),
        (json!({"action": "set", "target": {"features": []}, "actuator": {"x-lock": {"house": "a"}}}), false),
    ] {
        assert_eq!(with.is_valid(&command), is_known_good, "{command}");
        assert!(without.is_valid(&command), "{command}");
        // The reader agrees: it carries what it does not know, and types it on demand.
        let message = json!({"body": {"openc2": {"request": command}}}).to_string();
        let message = Json.decode(message.as_bytes(), Mode::Strict).expect("a message").message;
        let oc2_core::Content::Request(command) = message.content() else { panic!("a request") };
        let faults = [command.faults::<Lock>(), command.faults::<Bell>()].concat();
        assert_eq!(faults.is_empty(), is_known_good, "{faults:?}");
    }
}

#[test]
fn any_of_the_three_roots_is_told_by_its_members() {
    let any = validator(&schema().json_schema());
    for (document, is_good) in [
        (json!({"action": "query", "target": {"features": []}}), true),
        (json!({"status": 200}), true),
        (json!({"body": {"openc2": {"response": {"status": 200}}}}), true),
        (json!({"body": {"openc2": {"response": {"status": 201}}}}), false),
        (json!({"status": 200, "action": "query", "target": {"features": []}}), false),
        (json!({}), false),
    ] {
        assert_eq!(any.is_valid(&document), is_good, "{document}");
    }
}
