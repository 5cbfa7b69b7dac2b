//! What one peer does to a daemon keeps it from nobody else: each limit under attack, over the network.

use std::io::ErrorKind;
use std::thread;

use serde_json::{Value, json};

use crate::harness::{Config, Daemon, Line, QUERY, Site, head, wait_until};

const OK: &str = "HTTP/1.1 200 OK";
const NOT_NOW: &str = "HTTP/1.1 503 Service Unavailable";
const MALFORMED: &str = "HTTP/1.1 400 Bad Request";

fn limited(lines: &str) -> Config {
    Config::new().http(&format!("[http.limits]\n{lines}"))
}

#[track_caller]
fn check(answer: Option<(String, String)>, status: &str, text: &str) {
    let (found, body) = answer.expect("an answer");
    assert!(found == status && body.contains(text), "{status} {text}: {found} {body}");
}

/// A connection that was served, as soon as there is a place for it.
fn served(address: &str, daemon: &Daemon) -> Line {
    let mut line = None;
    wait_until("a place", || {
        let mut tried = Line::from(address, daemon.address());
        let is_served = tried.ask().is_some_and(|(status, _)| status == OK);
        line = is_served.then_some(tried);
        line.is_some()
    });
    line.expect("it was waited for")
}

#[test]
fn connections_are_limited_in_all_and_for_each_address() {
    let config = limited("max_connections_per_address = 3\nmax_connections = 4");
    let daemon = config.start();
    let mut held: Vec<_> = (0..3).map(|_| served("127.0.0.1", &daemon)).collect();
    check(Line::from("127.0.0.1", daemon.address()).ask(), NOT_NOW, "connections");
    let _other = served("127.0.0.2", &daemon);
    check(Line::from("127.0.0.3", daemon.address()).ask(), NOT_NOW, "connections");
    held.pop();
    let _third = served("127.0.0.3", &daemon);
    check(held[0].ask(), OK, "200");
}

#[test]
fn heads_and_bodies_are_limited() {
    let config = limited("max_body = 1000\nmax_head = 2000\nmax_headers = 20");
    let daemon = config.start();
    let line = || Line::from("127.0.0.1", daemon.address());
    let padded = |n: usize| format!("{QUERY}{}", " ".repeat(n - QUERY.len()));
    check(line().post("", &padded(1000)), OK, "");
    check(line().post("", &padded(1001)), MALFORMED, "1000");
    check(line().ask_with(&format!("X-A: {}\r\n", "a".repeat(2000))), MALFORMED, "");
    check(line().ask_with(&"X-A: a\r\n".repeat(20)), MALFORMED, "");
    check(line().ask_with(&"X-A: a\r\n".repeat(10)), OK, "");
}

#[test]
fn who_is_slow_is_cut_off() {
    let config = limited("head_timeout = 1\nbody_timeout = 1\nidle_timeout = 1\nwrite_timeout = 1");
    let daemon = config.start();
    let line = || Line::from("127.0.0.1", daemon.address());
    let (mut head_only, mut body_half, mut silent, mut resting, mut greedy) = (line(), line(), line(), line(), line());
    head_only.send(b"POST / HTTP/1.1\r\nHost:").unwrap();
    body_half.send(format!("{}{{", head("", 9)).as_bytes()).unwrap();
    check(resting.ask(), OK, "");
    check(head_only.answer().ok(), NOT_NOW, "the request head took too long");
    check(body_half.answer().ok(), NOT_NOW, "the body took too long");
    assert_eq!((silent.rest().unwrap(), resting.rest().unwrap()), (String::new(), String::new()));
    // Asks, and takes no answer.
    let many = format!("{}{QUERY}", head("", QUERY.len())).repeat(1000);
    let error = (0..).find_map(|_| greedy.send(many.as_bytes()).err()).expect("it ends");
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    check(line().ask(), OK, "");
}

const POLICY: &str = r#"
[[rule]]
name = "soc-1 looks now and then"
who = "soc-1"
actions = "query"
targets = "any"
rate = 3
[[rule]]
name = "soc-2 looks"
who = "soc-2"
actions = "query"
targets = "any"
"#;

#[test]
fn a_flood_of_one_peer_leaves_others_served() {
    let site = Site::new();
    let site = Site { config: site.config.consumer("rate_limit_per_peer = 20"), ..site };
    let daemon = site.start();
    let way = site.way(&daemon, Some(&site.producer("soc-1")));
    let flood = |body: &'static str| {
        thread::spawn(move || {
            let mut line = Line::to(way);
            (0..100).filter(|_| line.post("", body).is_some_and(|(status, _)| status == OK)).count()
        })
    };
    // What cannot be read counts as well.
    let floods = [QUERY, QUERY, QUERY, "{"].map(flood);
    let mut other = site.line(&daemon, Some(&site.producer("soc-2")));
    for _ in 0..20 {
        check(other.ask(), OK, "");
    }
    let n_served: usize = floods.into_iter().map(|flood| flood.join().unwrap()).sum();
    // Twenty at once, and one every three seconds.
    assert!((1..60).contains(&n_served), "{n_served}");
    for mut line in [Line::to(way), other] {
        let answer = (0..200).map(|_| line.ask()).find(|answer| answer.as_ref().is_none_or(|(status, _)| status != OK));
        check(answer.expect("it has its limit"), NOT_NOW, "more than 20 messages a minute from this peer");
    }
}

#[test]
fn commands_are_limited_for_all_and_by_the_policy_for_each() {
    // LS-145, L12
    let site = Site::new().policy(POLICY);
    let daemon = site.start();
    let [mut first, mut second] = ["soc-1", "soc-2"].map(|name| site.line(&daemon, Some(&site.producer(name))));
    for _ in 0..3 {
        check(first.ask(), OK, "");
    }
    check(first.ask(), NOT_NOW, "more than 3");
    for _ in 0..5 {
        check(second.ask(), OK, "");
    }
    drop(daemon);

    let config = Config::new().consumer("rate_limit = 3");
    let daemon = config.start();
    for _ in 0..3 {
        daemon.command(&["query", "features"]).expect(200);
    }
    daemon.command(&["query", "features"]).expect(503).expect_text("more than 3 commands a minute");
}

#[test]
fn commands_that_wait_are_limited() {
    let config = Config::new().consumer("max_scheduled = 2").slpf("dry-run", "");
    let daemon = config.start();
    let later = ["--start-time", "+1h", "--response-requested", "ack", "deny", "ipv4_net", "198.51.100.0/24"];
    daemon.command(&later).expect(102);
    daemon.command(&later).expect(102);
    daemon.command(&later).expect(503);
    daemon.command(&["deny", "ipv4_net", "198.51.100.0/24"]).expect(200);
}

#[test]
fn an_answer_repeats_little_of_what_was_sent() {
    let config = Config::new().slpf("dry-run", "");
    let daemon = config.start();
    let long = "x".repeat(500_000);
    let command = |target: Value| json!({"action": "deny", "target": target}).to_string();
    for body in [
        command(json!({long.as_str(): 1})),
        command(json!({"ipv4_net": long})),
        command(json!({"file": {"name": long, "path": long}})),
        command(json!({"x-acme:thing": [long, long]})),
        json!({"action": long, "target": {"features": []}}).to_string(),
        json!({"action": "query", "target": {"features": [long]}}).to_string(),
        json!({"action": "query", "target": {"features": []}, "command_id": long}).to_string(),
        json!({"action": "query", "target": {"features": []}, "args": {long.as_str(): 1}}).to_string(),
        json!({"headers": {"request_id": long}, "body": {"openc2": {"request": {}}}}).to_string(),
        json!({"headers": {"from": long}, "body": {"openc2": {"request": {}}}}).to_string(),
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
    ] {
        let (status, answer) = Line::to(daemon.address().port()).post("", &body).expect("an answer");
        assert!(answer.len() < 2000, "{}: {status} {} octets", &body[..60], answer.len());
    }
}

#[test]
fn bodies_take_no_memory_without_bound_and_leave_room_for_others() {
    const MIB: usize = 1 << 20;
    let config = limited(&format!("max_bodies = {}\nbody_timeout = 60", 8 * MIB));
    let daemon = config.start();
    check(Line::to(daemon.address().port()).ask(), OK, "");
    let before = daemon.most_memory();
    let all_but_one = vec![b' '; MIB - 1];
    let mut held: Vec<_> = (0..60).map(|_| Line::to(daemon.address().port())).collect();
    for line in &mut held {
        line.send(head("", MIB).as_bytes()).unwrap();
        // It may be cut off meanwhile.
        let _ = line.send(&all_but_one);
    }
    // Two MiB are what one address has; all others are told so.
    wait_until("an answer to all but two", || held.iter().filter(|line| line.has_answer()).count() >= 58);
    let mut answered = held.iter_mut().filter(|line| line.has_answer());
    check(answered.next().unwrap().answer().ok(), NOT_NOW, "too much is being sent at once");
    check(Line::from("127.0.0.2", daemon.address()).ask(), OK, "");
    let more = daemon.most_memory() - before;
    assert!(more < 30 << 20, "{more} octets for 60 MiB");
}
