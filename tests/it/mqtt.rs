//! The daemon behind a real broker. What is on the wire, every property and option, is tested in `oc2-transfer-mqtt`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use oc2_actuator_iptables::testing::in_namespace;
use oc2_core::{Content, Mode, StatusCode};
use oc2_encoding::{Encoding, Json};
use oc2_tests_broker::{Direction, Draft, Kind, Mosquitto, Tap, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{
    Center, Config, DEVICE, Daemon, Heard, Reach, deny, post, producer, query, reach, request, run, serve,
};

pub(crate) const ALL: &str = "oc2/cmd/all";
pub(crate) const SLPF: &str = "oc2/cmd/ap/slpf";
const PATH: &str = "/.well-known/openc2";

pub(crate) fn rule(response: &Value) -> Option<i64> {
    response.pointer("/results/slpf/rule_number").and_then(Value::as_i64)
}

/// A filter that changes nothing.
pub(crate) fn dry_run(broker: u16) -> Config {
    Config::new().slpf("dry-run", "asset_id = \"30\"").broker(broker)
}

#[test]
fn a_deny_by_any_topic_stops_packets_and_http_sees_the_same_rules() {
    // MQTT-004, MQTT-011, MQTT-013, MQTT-033, MQTT-037, MQTT-090 to MQTT-092, S1
    in_namespace("mqtt::a_deny_by_any_topic_stops_packets_and_http_sees_the_same_rules", || {
        run("ip link set lo up");
        let Some(broker) = Mosquitto::start() else { return };
        let config = Config::new().slpf("iptables", "").broker(broker.port());
        let daemon = config.start_connected();
        let _server = serve(7000);
        let mut center = Center::connect(broker.port());
        let mut numbers = Vec::new();
        for (topic, addr) in [(DEVICE, "127.0.0.2"), (SLPF, "127.0.0.3"), (ALL, "127.0.0.4")] {
            assert_eq!(reach(addr, 7000), Reach::Passes);
            center.send(topic, &deny(addr, addr));
            let heard = center.hear();
            let headers = &heard.message["headers"];
            assert_eq!(
                (&*heard.topic, &headers["request_id"], &headers["from"]),
                ("oc2/rsp", &json!(addr), &json!("fw1.example.net"))
            );
            // MQTT-028 to MQTT-031, MQTT-085
            let strictly = Json.decode(heard.message.to_string().as_bytes(), Mode::Strict).unwrap().message;
            assert!(matches!(strictly.content(), Content::Response(response) if response.status == StatusCode::Ok));
            assert_eq!(headers["created"].to_string().len(), 13, "milliseconds: {heard:?}");
            assert_eq!(reach(addr, 7000), Reach::Dropped, "{topic}");
            numbers.extend(rule(heard.response()));
        }
        assert_eq!(numbers, [999_990, 999_980, 999_970]);
        assert_eq!(daemon.command(&["deny", "ipv4_net", "127.0.0.5"]).expect(200).rule(), "999960");
        daemon.command(&["delete", "slpf:rule_number", "999980"]).expect(200);
        let delete = |number: i64| json!({"action": "delete", "target": {"slpf:rule_number": number}});
        assert_eq!(center.ask(DEVICE, &request("gone", delete(999_980)))["status"], 500);
        assert_eq!(center.ask(DEVICE, &request("there", delete(999_960)))["status"], 200);
        let reached = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"].map(|addr| reach(addr, 7000));
        assert_eq!(reached, [Reach::Dropped, Reach::Passes, Reach::Dropped, Reach::Passes]);
    });
}

#[test]
fn who_is_not_meant_is_silent_and_does_nothing() {
    let Some(broker) = Mosquitto::start() else { return };
    let config = dry_run(broker.port()).mqtt("device_id = \"zulu\"");
    let _daemon = config.start_connected();
    let mut center = Center::connect(broker.port());
    let zulu = "oc2/cmd/device/zulu";
    let to = |id: &str, names: &[&str]| {
        let mut message = deny(id, "10.0.0.0/8");
        message["headers"]["to"] = json!(names);
        message
    };
    let with_actuator = |id: &str, actuator: Value| {
        let mut message = deny(id, "10.0.0.0/8");
        message["body"]["openc2"]["request"]["actuator"] = actuator;
        message
    };
    let mut quiet = |topic: &str, message: &Value| {
        center.send(topic, message);
        for _ in 0..2 {
            assert_eq!(center.ask(zulu, &query())["status"], 200, "{topic}: {message}");
        }
    };
    // MQTT-034, MQTT-035, M5
    for topic in [ALL, SLPF, zulu] {
        quiet(topic, &to(&format!("others-{topic}"), &["fw2.example.net", "yankee"]));
    }
    // R3, R4
    for topic in [ALL, SLPF] {
        quiet(topic, &with_actuator(&format!("profile-{topic}"), json!({"x-none": {}})));
        quiet(topic, &with_actuator(&format!("asset-{topic}"), json!({"slpf": {"asset_id": "31"}})));
    }
    assert_eq!(center.ask(zulu, &with_actuator("profile", json!({"x-none": {}})))["status"], 501);
    assert_eq!(center.ask(zulu, &with_actuator("asset", json!({"slpf": {"asset_id": "31"}})))["status"], 404);
    // Of all that nothing has taken a number; both names of ours are ours.
    assert_eq!(rule(&center.ask(ALL, &to("id", &["x", "fw1.example.net"]))), Some(999_990));
    assert_eq!(rule(&center.ask(zulu, &to("device", &["zulu"]))), Some(999_980));
    assert_eq!(rule(&center.ask(ALL, &with_actuator("we", json!({"slpf": {"asset_id": "30"}})))), Some(999_970));
}

#[test]
fn a_producer_that_wants_no_answer_gets_none_and_one_without_an_id_gets_one_without() {
    // MQTT-122, MQTT-123, L3
    let Some(broker) = Mosquitto::start() else { return };
    let config = dry_run(broker.port());
    let _daemon = config.start_connected();
    let mut center = Center::connect(broker.port());
    let none = |id: &str, net: &str| {
        let args = json!({"response_requested": "none"});
        request(id, json!({"action": "deny", "target": {"ipv4_net": net}, "args": args}))
    };
    center.send(DEVICE, &none("none", "10.0.0.0/8"));
    center.send(ALL, &none("none-wrong", "10.0.0.0/33"));
    center.hears_nothing();
    // It is written down before it is performed, and what has no id is not: who comes later could be first.
    let standing = |n: u32| request(&format!("how-{n}"), json!({"action": "query", "target": {"command": "none"}}));
    let is_done = |answer: &Value| answer["status_text"] == "done with 200";
    (0..10_000).find(|n| is_done(&center.ask(DEVICE, &standing(*n)))).unwrap();
    let mut anonymous = deny("", "10.0.0.0/8");
    anonymous["headers"] = json!({"from": "soc-1"});
    center.send(DEVICE, &anonymous);
    let heard = center.hear();
    assert_eq!(rule(heard.response()), Some(999_980), "none was performed: {heard:?}");
    assert_eq!(heard.message["headers"].get("request_id"), None);
    // L5
    let ack = json!({"action": "deny", "target": {"ipv4_net": "10.0.0.0/8"}, "args": {"response_requested": "ack"}});
    assert_eq!(center.ask(DEVICE, &request("ack", ack))["status"], 102);
    center.hears_nothing();
}

#[test]
fn a_retained_command_is_performed_only_where_it_is_asked_for() {
    // Q6
    let Some(broker) = Mosquitto::start() else { return };
    let mut center = Center::connect(broker.port());
    center.publish(&Draft::openc2(DEVICE, "req", deny("kept", "10.0.0.0/8").to_string()).retained());
    let config = dry_run(broker.port());
    let daemon = config.start_connected();
    center.hears_nothing();
    daemon.wait_for_log("it is retained", 1);
    assert_eq!(rule(&center.ask(DEVICE, &deny("first", "10.0.0.0/8"))), Some(999_990));
    drop(daemon);
    let config = dry_run(broker.port()).mqtt("serves_retained = true");
    let _daemon = config.start_connected();
    let heard = center.hear();
    assert_eq!((&heard.message["headers"]["request_id"], rule(heard.response())), (&json!("kept"), Some(999_990)));
}

#[test]
fn messages_of_any_shape_leave_the_daemon_at_work() {
    // MQTT-027, MQTT-083, MQTT-084
    let Some(broker) = Mosquitto::start() else { return };
    let config = dry_run(broker.port());
    let _daemon = config.start_connected();
    let mut center = Center::connect(broker.port());
    for draft in [
        Draft::new(DEVICE, ""),
        Draft::new(ALL, b"\xff\xfe{".to_vec()),
        Draft::openc2(DEVICE, "rsp", query().to_string()),
        Draft::openc2(DEVICE, "ntf", query().to_string()),
        Draft::openc2(ALL, "req", "[".repeat(100_000)),
        Draft::openc2(ALL, "req", "{\"body\":1}"),
        Draft::openc2(SLPF, "req", vec![b'x'; 1 << 20]),
    ] {
        center.publish(&draft);
    }
    let mut wrong = deny("wrong", "10.0.0.0/8");
    wrong["body"]["openc2"]["request"]["target"] = json!({"ipv4_net": "10.0.0.0/33"});
    center.send(DEVICE, &wrong);
    let good = query();
    center.send(DEVICE, &good);
    let mut awaited = vec![json!("wrong"), good["headers"]["request_id"].clone()];
    while !awaited.is_empty() {
        let Heard { message, .. } = center.hear();
        let id = &message["headers"]["request_id"];
        let status = if *id == good["headers"]["request_id"] { 200 } else { 400 };
        assert!(message.to_string().contains(&format!("\"status\":{status}")), "{message}");
        awaited.retain(|awaited| awaited != id);
    }
    assert_eq!(rule(&center.ask_amid(DEVICE, &deny("last", "10.0.0.0/8"))), Some(999_990), "nothing was performed");
}

#[test]
fn an_answer_has_the_encoding_of_its_request_unless_cbor_is_switched_off() {
    // MQTT-023, MQTT-026, E1
    let Some(broker) = Mosquitto::start() else { return };
    // [{1: "c", 3: "soc-1"}, {1: {1: [3, {9: []}]}}]
    let message = b"\x82\xa2\x01\x61c\x03\x65soc-1\xa1\x01\xa1\x01\x82\x03\xa1\x09\x80";
    let query = Draft::new(DEVICE, message.to_vec())
        .property(0x01, &[0])
        .text(0x03, "application/openc2")
        .user("msgType", "req")
        .user("encoding", "cbor");
    let mut center = Center::connect(broker.port());
    let config = dry_run(broker.port());
    let daemon = config.start_connected();
    center.publish(&query);
    let answer = center.hear_bytes();
    assert!(answer[0] == 0x82 && answer.ends_with(b"\xa1\x01\x18\xc8"), "{answer:x?}");
    drop(daemon);
    let config = dry_run(broker.port()).mqtt("cbor = false");
    let _daemon = config.start_connected();
    center.publish(&query);
    let heard = center.hear();
    assert_eq!(heard.response()["status"], 400, "{heard:?}");
}

#[test]
fn the_flat_layout_of_some_peers_is_for_json_and_refused_in_cbor() {
    // Q18
    let Some(broker) = Mosquitto::start() else { return };
    let mut center = Center::connect(broker.port());
    let _daemon = dry_run(broker.port()).consumer("mode = \"lenient\"").start_connected();
    let request = json!({"action": "query", "target": {"features": []}});
    let flat = json!({"content": {"request": request}, "request_id": "a", "from": "soc-1"});
    center.send(DEVICE, &flat);
    let heard = center.hear().message;
    assert_eq!(heard["content"]["response"]["status"], 200, "{heard}");
    // The same in CBOR.
    let message = b"\xa3\x67content\xa1\x67request\xa2\x66action\x65query\x66target\xa1\x68features\x80\
                    \x6arequest_id\x61a\x64from\x65soc-1";
    let draft = Draft::new(DEVICE, message.to_vec()).property(0x01, &[0]).text(0x03, "application/openc2");
    center.publish(&draft.user("msgType", "req").user("encoding", "cbor"));
    let answer = center.hear_bytes();
    let has = |part: &[u8]| answer.windows(part.len()).any(|window| window == part);
    assert!(has(b"\x19\x01\x90") && has(b"content") && !has(b"\x67content"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn answers_go_to_one_producer_if_the_operator_wants_it() {
    // MQTT-011, Q1
    let Some(broker) = Mosquitto::start() else { return };
    let config = dry_run(broker.port()).mqtt("respond_to = \"individual\"").mqtt("qos = 2");
    let _daemon = config.start_connected();
    let mut center = Center::connect(broker.port());
    center.send(DEVICE, &query());
    assert_eq!(center.hear().topic, "oc2/rsp/soc-1");
}

#[test]
fn one_request_by_several_topics_and_transfers_is_performed_once() {
    // MQTT-043, MQTT-098, M12
    let Some(broker) = Mosquitto::start() else { return };
    let config = dry_run(broker.port());
    let message = deny("once", "10.0.0.0/8");
    let mut center = Center::connect(broker.port());
    let daemon = config.start_connected();
    let first = center.ask(DEVICE, &message);
    assert_eq!(rule(&first), Some(999_990));
    let by_http = |daemon: &Daemon| post(daemon.address(), PATH, &message.to_string()).1;
    let mut everywhere = |daemon: &Daemon| {
        for topic in [ALL, SLPF, DEVICE] {
            assert_eq!(center.ask(topic, &message), first, "{topic}");
        }
        assert_eq!(by_http(daemon)["body"]["openc2"]["response"], first);
    };
    everywhere(&daemon);
    daemon.kill();
    let daemon = config.start_connected();
    everywhere(&daemon);
    let (status, log) = daemon.terminate();
    assert!(status.success() && log.contains("A repeated request is answered from disk."), "{log}");
    let daemon = config.start_connected();
    everywhere(&daemon);
    // What the kill left without an acknowledgement comes again, and is answered once more.
    let next = center.ask_amid(DEVICE, &deny("next", "10.0.0.0/8"));
    assert_eq!(rule(&next), Some(999_980), "one number is used");
}

/// A daemon with a kernel, whose tools can be put to sleep, and a wire to its broker.
struct Host {
    broker: Mosquitto,
    tap: Tap,
    config: Config,
}

impl Host {
    fn new() -> Option<Self> {
        run("ip link set lo up");
        let broker = Mosquitto::start()?;
        let tap = Tap::to(broker.port());
        let config = Config::new().slpf("iptables", "").broker(tap.port()).consumer("max_wait = 1");
        Some(Self { broker, tap, config })
    }

    /// The tools that change the kernel for a daemon, asleep.
    fn put_to_sleep(daemon: &Daemon) -> Vec<Pid> {
        let tools = daemon.children();
        assert!(!tools.is_empty(), "the daemon has no tools");
        tools.iter().for_each(|tool| kill_process(*tool, Signal::STOP).expect("it is there"));
        tools
    }

    fn wake(tools: &[Pid]) {
        tools.iter().for_each(|tool| kill_process(*tool, Signal::CONT).expect("it is there"));
    }

    /// Waits until the daemon has a message from the broker.
    fn wait_for_delivery(&self, n_messages: usize) {
        let _ = self.tap.wait_for(Direction::ToClient, Kind::Publish, n_messages);
    }

    /// Waits until a Command is on the disk, and being performed: HTTP, which does not wait for its end, says so.
    #[track_caller]
    fn wait_until_performed(daemon: &Daemon, message: &Value) {
        let (_, answer) = post(daemon.address(), PATH, &message.to_string());
        assert_eq!(answer["body"]["openc2"]["response"], json!({"status": 102, "status_text": "processing"}));
    }

    /// Rules about connections; a member of a set would not need the tools.
    fn n_rules() -> usize {
        run("iptables -S").lines().filter(|line| line.starts_with("-A OC2-4I") && line.contains(" -d ")).count()
    }
}

#[test]
fn a_request_that_comes_again_after_a_kill_is_answered_and_not_performed_again() {
    // MQTT-042, MQTT-043, MQTT-061, M12
    in_namespace("mqtt::a_request_that_comes_again_after_a_kill_is_answered_and_not_performed_again", || {
        let Some(host) = Host::new() else { return };
        let mut center = Center::connect(host.broker.port());
        let daemon = host.config.start_connected();
        let n_before = Host::n_rules();
        let tools = Host::put_to_sleep(&daemon);
        center.send(DEVICE, &deny("cut-off", "127.0.0.2"));
        host.wait_for_delivery(1);
        // From here on the broker hears nothing of the daemon: neither answer nor acknowledgement.
        host.tap.deaden();
        Host::wake(&tools);
        wait_until("the kernel has the rule", || Host::n_rules() == n_before + 1);
        // By another way the answer comes, so that its outcome is on the disk.
        let (_, message) = post(daemon.address(), PATH, &deny("cut-off", "127.0.0.2").to_string());
        assert_eq!(rule(&message["body"]["openc2"]["response"]), Some(999_990));
        daemon.kill();

        let daemon = host.config.start_connected();
        let heard = center.hear();
        assert_eq!(
            (&heard.message["headers"]["request_id"], rule(heard.response())),
            (&json!("cut-off"), Some(999_990))
        );
        let deliveries = host.tap.of_kind(Direction::ToClient, Kind::Publish);
        assert!(deliveries.last().unwrap().packet.publish().is_dup, "the broker gave it again");
        daemon.wait_for_log("A repeated request is answered from disk.", 1);
        assert_eq!(Host::n_rules(), n_before + 1);
        center.hears_nothing();
    });
}

#[test]
fn a_request_whose_command_a_kill_interrupted_is_answered_so() {
    // MQTT-043, M12
    in_namespace("mqtt::a_request_whose_command_a_kill_interrupted_is_answered_so", || {
        let Some(host) = Host::new() else { return };
        let mut center = Center::connect(host.broker.port());
        let daemon = host.config.start_connected();
        let tools = Host::put_to_sleep(&daemon);
        center.send(DEVICE, &deny("interrupted", "127.0.0.2"));
        host.wait_for_delivery(1);
        Host::wait_until_performed(&daemon, &deny("interrupted", "127.0.0.2"));
        daemon.kill();
        for tool in tools {
            let _ = kill_process(tool, Signal::KILL);
        }
        let _daemon = host.config.start_connected();
        let heard = center.hear();
        // The rule was on the disk with its outcome: the start has put it in force.
        assert_eq!((&heard.response()["status"], rule(heard.response())), (&json!(200), Some(999_990)), "{heard:?}");
        center.hears_nothing();
        assert_eq!(center.ask(DEVICE, &deny("anew", "127.0.0.2"))["status"], 200);
    });
}

#[test]
fn told_to_stop_it_answers_what_is_under_way_and_leaves_the_rest_to_the_broker() {
    // MQTT-061
    in_namespace("mqtt::told_to_stop_it_answers_what_is_under_way_and_leaves_the_rest_to_the_broker", || {
        let Some(host) = Host::new() else { return };
        let mut center = Center::connect(host.broker.port());
        let mut daemon = host.config.start_connected();
        let tools = Host::put_to_sleep(&daemon);
        center.send(DEVICE, &deny("under-way", "127.0.0.2"));
        host.wait_for_delivery(1);
        Host::wait_until_performed(&daemon, &deny("under-way", "127.0.0.2"));
        daemon.signal(Signal::TERM);
        daemon.wait_for_log("Stopping", 1);
        center.send(DEVICE, &deny("later", "127.0.0.3"));
        host.wait_for_delivery(2);
        Host::wake(&tools);
        let heard = center.hear();
        assert_eq!(
            (&heard.message["headers"]["request_id"], &heard.response()["status"]),
            (&json!("under-way"), &json!(200))
        );
        let (status, log) = daemon.wait();
        assert!(status.success(), "{log}");
        let said = host.tap.packets();
        let last = said.iter().rfind(|seen| seen.direction == Direction::ToBroker).unwrap();
        assert_eq!(last.packet.kind, Kind::Disconnect);
        let client_ids = || {
            let connects = host.tap.of_kind(Direction::ToBroker, Kind::Connect);
            connects.iter().map(|seen| seen.packet.connect().client_id).collect::<Vec<_>>()
        };
        let _daemon = host.config.start_connected();
        let heard = center.hear();
        assert_eq!(
            (&heard.message["headers"]["request_id"], &heard.response()["status"]),
            (&json!("later"), &json!(200))
        );
        // MQTT-048
        assert_eq!(client_ids()[0], client_ids()[1]);
    });
}

#[test]
fn a_command_that_takes_long_is_answered_when_it_is_done_and_one_ahead_of_its_time_twice() {
    // L7
    in_namespace("mqtt::a_command_that_takes_long_is_answered_when_it_is_done_and_one_ahead_of_its_time_twice", || {
        let Some(host) = Host::new() else { return };
        let (mut center, daemon) = (Center::connect(host.broker.port()), host.config.start_connected());
        let tools = Host::put_to_sleep(&daemon);
        let long = deny("long", "127.0.0.2");
        center.send(DEVICE, &long);
        host.wait_for_delivery(1);
        // HTTP has no way for what follows.
        Host::wait_until_performed(&daemon, &long);
        center.hears_nothing();
        Host::wake(&tools);
        let heard = center.hear();
        assert_eq!((&heard.message["headers"]["request_id"], rule(heard.response())), (&json!("long"), Some(999_990)));
        let start_in = |seconds| {
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap() + Duration::from_secs(seconds)
        };
        let ahead = |id: &str, start_time: u128| {
            let target = json!({"ipv4_net": "127.0.0.3"});
            request(id, json!({"action": "deny", "target": target, "args": {"start_time": start_time as u64}}))
        };
        // On a slow machine a second may be over before the Command is read.
        let mut number = 999_980;
        let mut scheduled = center.ask(DEVICE, &ahead("ahead-1", start_in(1).as_millis()));
        let is_late = rule(&scheduled) == Some(number);
        if is_late {
            number -= 10;
            scheduled = center.ask(DEVICE, &ahead("ahead-2", start_in(10).as_millis()));
        }
        assert_eq!(scheduled, json!({"status": 102, "status_text": "scheduled"}));
        let heard = center.hear();
        let id = json!(if is_late { "ahead-2" } else { "ahead-1" });
        assert_eq!((&heard.message["headers"]["request_id"], rule(heard.response())), (&id, Some(number)));
        center.hears_nothing();
        // What waits is kept for the next process, and nobody is told anything meanwhile.
        let tomorrow = start_in(24 * 60 * 60).as_millis();
        assert_eq!(center.ask(DEVICE, &ahead("tomorrow", tomorrow))["status"], 102);
        let (status, log) = daemon.terminate();
        assert!(status.success() && log.contains("Command kept for the next start."), "{log}");
        let _daemon = host.config.start_connected();
        let again = center.ask(DEVICE, &ahead("tomorrow", tomorrow));
        assert_eq!(again, json!({"status": 102, "status_text": "scheduled"}));
    });
}

#[test]
fn who_wants_to_hear_that_it_takes_long_does_before_the_last_word() {
    // L7
    in_namespace("mqtt::who_wants_to_hear_that_it_takes_long_does_before_the_last_word", || {
        let Some(host) = Host::new() else { return };
        let config = host.config.mqtt("tells_processing = true");
        let (mut center, daemon) = (Center::connect(host.broker.port()), config.start_connected());
        let tools = Host::put_to_sleep(&daemon);
        let long = deny("long", "127.0.0.2");
        assert_eq!(center.ask(DEVICE, &long), json!({"status": 102, "status_text": "processing"}));
        // Again while it runs: the 102 again, and one last word.
        assert_eq!(center.ask(SLPF, &long)["status"], 102);
        Host::wake(&tools);
        let heard = center.hear();
        assert_eq!((&heard.message["headers"]["request_id"], rule(heard.response())), (&json!("long"), Some(999_990)));
        center.hears_nothing();
        assert_eq!(rule(&center.ask(ALL, &long)), Some(999_990));
    });
}

#[test]
fn under_load_no_kill_loses_a_request_or_performs_it_twice() {
    // MQTT-042, MQTT-043, MQTT-061, M12
    let Some(broker) = Mosquitto::start() else { return };
    let config = dry_run(broker.port());
    let mut daemon = config.start_connected();
    let (mut center, mut ear) = (Center::connect(broker.port()), Center::connect(broker.port()));
    let (n_rounds, n_each) = (5_usize, 60_usize);
    // How many answers have come when the kill does.
    let n_heard = |round: usize| 14 * round;
    let ids: Vec<_> = (0..n_rounds * n_each).map(|n| format!("load-{n}")).collect();
    let mut answers = BTreeMap::<String, Value>::new();
    let mut take = |heard: Heard, n_open: &mut usize| {
        let id = heard.message["headers"]["request_id"].as_str().unwrap_or_default().to_owned();
        match answers.get(&id) {
            Some(before) => assert_eq!(before, heard.response(), "{id}: two answers that differ"),
            None => {
                *n_open -= 1;
                answers.insert(id, heard.response().clone());
            }
        }
    };
    for (round, ids) in ids.chunks(n_each).enumerate() {
        for id in ids {
            center.send(DEVICE, &deny(id, "10.0.0.0/8"));
        }
        let mut n_open = n_each;
        while n_open > n_each - n_heard(round) {
            take(ear.hear(), &mut n_open);
        }
        daemon.kill();
        daemon = config.start_connected();
        while n_open > 0 {
            take(ear.hear(), &mut n_open);
        }
    }
    let numbers: Vec<_> = answers.values().filter_map(rule).collect();
    let n_interrupted = answers.values().filter(|answer| answer["status"] == 500).count();
    assert_eq!(numbers.len() + n_interrupted, ids.len(), "{answers:?}");
    let last = daemon.command(&["deny", "ipv4_net", "10.0.0.0/8"]).expect(200).rule().parse::<i64>().unwrap();
    let n_performed = usize::try_from((999_990 - last) / 10).unwrap();
    assert!((numbers.len()..=ids.len()).contains(&n_performed), "{n_performed} of {}", ids.len());
    assert!(numbers.len() >= (0..n_rounds).map(n_heard).sum(), "{n_interrupted} were interrupted");
}

#[test]
fn on_a_terminal_and_in_json_a_102_comes_before_the_last_word() {
    // L7, Q11
    in_namespace("mqtt::on_a_terminal_and_in_json_a_102_comes_before_the_last_word", || {
        let Some(host) = Host::new() else { return };
        // Its folder goes with it.
        let config = host.config.mqtt("tells_processing = true");
        let daemon = config.start_connected();
        let url = format!("mqtt://127.0.0.1:{}", host.broker.port());
        let ask = |words: &[&str]| {
            let tools = Host::put_to_sleep(&daemon);
            let mut child = producer(&url).args(words).stdout(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
            // It is shown while the Command is being performed, which ends only now.
            let first = lines.next().unwrap();
            Host::wake(&tools);
            let rest: Vec<_> = lines.collect();
            assert!(child.wait().unwrap().success(), "{first} {rest:?}");
            (first, rest)
        };
        let deny = ["deny", "ipv4_connection", "--dst-addr", "127.0.0.2", "--protocol", "tcp"];
        let (first, rest) = ask(&[&["--device", "fw1.example.net", "--json"], &deny[..]].concat());
        let [interim, last] = [&first, &rest[0]].map(|line| serde_json::from_str::<Value>(line).unwrap());
        let response = |line: &Value| line["body"]["openc2"]["response"].clone();
        assert_eq!(response(&interim), json!({"status": 102, "status_text": "processing"}), "{interim}");
        assert_eq!((&last["status"], rule(&response(&last)), rest.len()), (&json!(200), Some(999_990), 1), "{last}");
        assert_eq!((&interim["final"], &last["final"]), (&json!(false), &json!(true)));
        assert_eq!(interim["headers"]["request_id"], last["headers"]["request_id"]);
        assert!(last["headers"]["request_id"].is_string() && last["from"] == "fw1.example.net", "{last}");

        let (first, rest) = ask(&[&["--all", "--expect", "1"], &deny[..]].concat());
        assert!(first.starts_with("fw1.example.net: 102 Processing: processing, still at it, after "), "{first}");
        assert!(rest[0].starts_with("fw1.example.net: 200 OK, after "), "{rest:?}");
        assert!(rest.iter().any(|line| line.starts_with("1 of 1 answered within ")), "{rest:?}");

        let (first, rest) = ask(&[&["--device", "fw1.example.net"], &deny[..]].concat());
        assert!(first.starts_with("102 Processing"), "{first}");
        assert!(rest.iter().any(|line| line.starts_with("200 OK")), "{rest:?}");
    });
}
