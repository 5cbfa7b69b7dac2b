//! The program as people and scripts use it: words in, a line out, an exit status.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::messages::is_uuid_v4;
use crate::responder::{Responder, http};

pub(crate) fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oc2-producer"));
    command.args(words).stdin(Stdio::null());
    for variable in ["OC2_TO", "OC2_USERNAME", "OC2_PASSWORD_FILE", "OC2_CA", "OC2_CERT", "OC2_KEY", "OC2_TOKEN_FILE"] {
        command.env_remove(variable);
    }
    command
}

fn run(words: &[&str]) -> Output {
    program(words).output().expect("the program starts")
}

fn run_with_input(words: &[&str], input: &[u8]) -> Output {
    let mut child = program(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("its input").write_all(input).expect("it reads");
    child.wait_with_output().expect("it ends")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

pub(crate) fn check_exit(output: &Output, expected: i32) {
    assert_eq!(output.status.code(), Some(expected), "{}{}", stdout(output), stderr(output));
}

const QUERY: [&str; 2] = ["query", "features"];

// HTTPS-002, HTTPS-008, HTTPS-013, HTTPS-014, HTTPS-017, HTTPS-037, HTTPS-039, HTTPS-041 to HTTPS-044, HTTPS-048 to HTTPS-051,
// HTTPS-053, HTTPS-063, LS-082, LS-083, SLPF-186
#[test]
fn a_command_on_the_wire() {
    let responder = Responder::with(200, r#"{"status":200}"#);
    let words = ["--to", &responder.url(), "deny", "ipv4_net", "198.51.100.0/24", "--from", "ada@ops1"];
    check_exit(&run(&[&words[..], &["--direction", "ingress", "--drop-process", "reject"]].concat()), 0);
    let posted = responder.posted();
    assert_eq!(posted.len(), 1);
    let posted = &posted[0];
    assert_eq!(posted.request_line, "POST /.well-known/openc2 HTTP/1.1");
    assert_eq!(posted.header("host"), responder.address);
    assert_eq!(posted.header("content-type"), "application/openc2+json;version=1.0");
    assert_eq!(posted.header("accept"), "application/openc2+json;version=1.0");
    assert_eq!(posted.header("cache-control"), "no-cache");
    assert!(posted.header("date").ends_with(" GMT"));
    let message = posted.json();
    let id = message["headers"]["request_id"].as_str().unwrap();
    assert!(is_uuid_v4(id), "{id}");
    assert_eq!(posted.header("x-request-id"), id);
    assert_eq!(message["headers"]["created"].as_u64().unwrap().to_string().len(), 13);
    assert_eq!(message["headers"]["from"], "ada@ops1");
    let request = json!({
        "action": "deny",
        "target": {"ipv4_net": "198.51.100.0/24"},
        "args": {"response_requested": "complete", "slpf": {"direction": "ingress", "drop_process": "reject"}},
    });
    assert_eq!(message["body"], json!({"openc2": {"request": request}}));
}

#[test]
fn success_is_0_and_any_other_status_1() {
    for (http_status, response, expected) in [
        (200, r#"{"status":200}"#, 0),
        (200, r#"{"status":102}"#, 0),
        (400, r#"{"status":400}"#, 1),
        (401, r#"{"status":401}"#, 1),
        (403, r#"{"status":403}"#, 1),
        (404, r#"{"status":404}"#, 1),
        (500, r#"{"status":500}"#, 1),
        (501, r#"{"status":501}"#, 1),
        (503, r#"{"status":503}"#, 1),
        // DECISIONS R5: the Response counts.
        (500, r#"{"status":200}"#, 0),
        (200, r#"{"status":501}"#, 1),
    ] {
        let responder = Responder::with(http_status, response);
        let output = run(&["--json", "--to", &responder.url(), "heartbeat"]);
        check_exit(&output, expected);
        assert_eq!((stdout(&output), stderr(&output)), (format!("{response}\n"), String::new()));
    }
}

#[test]
fn people_read_the_status_the_results_and_who_says_so() {
    let response = r#"{"status":200,"status_text":"done","results":{"slpf":{"rule_number":999990}}}"#;
    let responder = Responder::with(200, response);
    let output = run(&["deny", "ipv4_connection", "--protocol", "tcp", "--dst-port", "23", "--to", &responder.url()]);
    check_exit(&output, 0);
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["200 OK: done", "rule 999990"], "{text}");
    assert!(lines[2].starts_with("from fw1 after ") && lines.len() == 3, "{text}");
}

#[test]
fn json_is_one_line_and_nothing_else() {
    let response = "{ \"status\": 200,\n \"results\": { \"pairs\": {\"query\": [\"features\"]} } }";
    let responder = Responder::with(200, response);
    let output = run(&["--to", &responder.url(), "query", "features", "pairs", "--json"]);
    check_exit(&output, 0);
    assert_eq!(stdout(&output), "{\"status\":200,\"results\":{\"pairs\":{\"query\":[\"features\"]}}}\n");
}

#[test]
fn the_address_may_come_from_the_environment() {
    let responder = Responder::with(200, r#"{"status":200}"#);
    let output = program(&["heartbeat"]).env("OC2_TO", responder.url()).output().unwrap();
    check_exit(&output, 0);
    assert_eq!(responder.posted().len(), 1);
}

#[test]
fn what_must_not_be_sent_is_2_and_not_sent() {
    // ARCH-001
    let responder = Responder::with(200, r#"{"status":200}"#);
    for (line, reason) in [
        ("query features --duration 5m", "query features takes no argument but response_requested complete (LS 4.1)"),
        ("delete slpf:rule_number 1 --start-time +5m", "start_time has no place (SLPF 2.3.4.1)"),
        ("deny ipv4_net 192.0.2.1 --insert-rule 1 --response-requested none", "insert_rule goes with"),
        ("deny ipv4_net", "ipv4_net needs a VALUE"),
        ("deny ipv4_net 192.0.2.1 --colour red", "unexpected argument '--colour'"),
        ("deny", "deny needs a TARGET"),
        ("dney ipv4_net 192.0.2.1", "invalid value 'dney' for '<ACTION>'"),
        ("heartbeat features", "heartbeat stands alone"),
        ("send", "send needs one FILE"),
        ("send a b", "send needs one FILE"),
        ("send - --duration 5m", "send takes the message as it is, so --duration has no place"),
        ("send /nonexistent/file", "cannot read /nonexistent/file"),
        ("send -", "- is empty"),
        ("heartbeat --timeout 0s", "leaves no time for an answer"),
        ("heartbeat --strict --lenient", "cannot be used with"),
        ("heartbeat --all", "--all goes with a broker\nA broker is --to mqtt://HOST"),
        ("heartbeat --wait 5s", "--wait goes with a broker"),
        ("heartbeat --username ada", "--username goes with a broker"),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let output = run(&[&["--to", &responder.url()], &words[..]].concat());
        check_exit(&output, 2);
        assert!(stderr(&output).contains(reason), "{line}: {}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
    assert!(responder.posted().is_empty());
}

#[test]
fn an_address_of_no_transfer_is_2() {
    for (to, reason) in [
        (
            "coap://192.0.2.1",
            "no transfer for coap:// is compiled in\nThere is: --to https://HOST, --to http://HOST:PORT",
        ),
        ("192.0.2.1:8080", "--to does not say how to get there\nThere is: --to https://HOST, --to http://HOST:PORT"),
        ("http://", "is not a URL"),
        ("", "does not say how"),
    ] {
        let output = run(&["--to", to, "heartbeat"]);
        check_exit(&output, 2);
        assert!(stderr(&output).contains(reason), "{to}: {}", stderr(&output));
    }
    let output = run(&["heartbeat"]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("--to is missing"), "{}", stderr(&output));
}

#[test]
fn what_is_refused_is_sent_with_anyway() {
    let responder = Responder::with(400, r#"{"status":400}"#);
    let output = run(&["--to", &responder.url(), "query", "features", "--duration", "5m", "--anyway"]);
    check_exit(&output, 1);
    assert_eq!(responder.posted()[0].json()["body"]["openc2"]["request"]["args"], json!({"duration": 300_000}));
}

#[test]
fn nobody_there_is_3() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = run(&["--json", "--to", &url, "heartbeat"]);
    check_exit(&output, 3);
    assert!(stderr(&output).contains("cannot be reached"), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 2, "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
}

#[test]
fn no_answer_in_time_is_3() {
    let responder = Responder::start(|_| None);
    let output = run(&["--to", &responder.url(), "heartbeat", "--timeout", "300ms"]);
    check_exit(&output, 3);
    assert!(stderr(&output).contains("no answer within 0.3 s"), "{}", stderr(&output));
}

#[test]
fn an_answer_that_is_no_response_is_3() {
    let other = r#"{"headers":{"request_id":"other"},"body":{"openc2":{"response":{"status":200}}}}"#;
    for (answer, reason) in [
        (http(200, other), "its request_id is other"),
        (http(200, "{}"), "no Response"),
        ("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>".to_owned(), "502"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>".to_owned(), "text/html"),
        (http(302, ""), "302"),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "error: "),
    ] {
        let responder = Responder::start(move |_| Some(answer.clone()));
        let output = run(&["--to", &responder.url(), "heartbeat"]);
        check_exit(&output, 3);
        assert!(stderr(&output).contains(reason), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}

#[test]
fn strict_refuses_what_lenient_tolerates() {
    let responder = Responder::start(|_| Some(http(200, r#"{"body":{"openc2":{"response":{"status":200}}}}"#)));
    let output = run(&["--to", &responder.url(), "heartbeat", "--show"]);
    check_exit(&output, 0);
    assert!(stderr(&output).contains("tolerated: headers: the request_id is missing"), "{}", stderr(&output));
    let output = run(&["--to", &responder.url(), "heartbeat", "--strict"]);
    check_exit(&output, 3);
    assert!(stderr(&output).contains("Without --strict, more is accepted"), "{}", stderr(&output));
}

// DECISIONS H3, L4
#[test]
fn where_there_is_no_message_the_status_of_the_transfer_is_shown() {
    for (status, expected, exit) in [(200, "200 OK", 0), (400, "400 Bad Request", 1)] {
        let responder = Responder::start(move |_| Some(http(status, "")));
        let words = ["--to", &responder.url(), "deny", "ipv4_net", "192.0.2.1", "--response-requested", "none"];
        let output = run(&words);
        check_exit(&output, exit);
        assert!(stdout(&output).starts_with(&format!("{expected}\nno message, after ")), "{}", stdout(&output));
        let output = run(&[&words[..], &["--json"]].concat());
        check_exit(&output, exit);
        assert_eq!(stdout(&output), format!("{{\"status\":{status}}}\n"));
    }
}

#[test]
fn a_message_is_sent_byte_for_byte_under_its_own_id() {
    let message = b" {\"headers\": {\"request_id\":\"my id\"},\r\n\"body\":{\"openc2\":{\"request\":{\"action\":\"query\",\"target\":{\"features\":[]}}}}}\n";
    let responder = Responder::with(200, r#"{"status":200}"#);
    let output = run_with_input(&["--to", &responder.url(), "--json", "send", "-"], message);
    check_exit(&output, 0);
    let path = std::env::temp_dir().join(format!("oc2-producer-it-{}.json", std::process::id()));
    fs::write(&path, message).unwrap();
    let output = run(&["send", path.to_str().unwrap(), "--to", &responder.url()]);
    fs::remove_file(&path).unwrap();
    check_exit(&output, 0);
    for posted in responder.posted() {
        assert_eq!((posted.body.as_slice(), posted.header("x-request-id")), (&message[..], "my id"));
    }
}

#[test]
fn a_bare_command_and_nonsense_are_sent_byte_for_byte_too() {
    let responder = Responder::start(|_| Some(http(200, r#"{"status":200}"#)));
    for input in [&br#"{"action":"query","target":{"features":[]}}"#[..], b"nonsense", b"\xff\x00"] {
        let output = run_with_input(&["--to", &responder.url(), "send", "-"], input);
        check_exit(&output, 0);
        let posted = responder.posted();
        assert_eq!(posted[0].body, input);
        assert!(is_uuid_v4(posted[0].header("x-request-id")), "{posted:?}");
    }
}

#[test]
fn a_dry_run_prints_the_message_and_sends_nothing() {
    let responder = Responder::with(200, r#"{"status":200}"#);
    let output = run(&["--to", &responder.url(), "--dry-run", "query", "features", "versions"]);
    check_exit(&output, 0);
    let message: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(message["body"]["openc2"]["request"]["target"], json!({"features": ["versions"]}));
    let output = run_with_input(&["--dry-run", "send", "-"], b"as it is");
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), "as it is"));
    assert!(responder.posted().is_empty());
}

#[test]
fn what_a_dry_run_prints_can_be_sent() {
    let responder = Responder::with(200, r#"{"status":200}"#);
    let dry = run(&["--dry-run", "deny", "ipv4_net", "192.0.2.1"]);
    check_exit(&run_with_input(&["--to", &responder.url(), "send", "-"], &dry.stdout), 0);
    assert_eq!(responder.posted()[0].body, dry.stdout);
}

#[test]
fn show_adds_the_message_that_was_sent() {
    let responder = Responder::with(200, r#"{"status":200}"#);
    for option in ["--show", "--verbose", "-v"] {
        let output = run(&["--to", &responder.url(), "--json", option, "heartbeat"]);
        check_exit(&output, 0);
        assert_eq!(stdout(&output), "{\"status\":200}\n");
        let body = String::from_utf8(responder.posted()[0].body.clone()).unwrap();
        assert_eq!(stderr(&output), format!("sent: {body}\n"));
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let responder = Responder::with(200, r#"{"status":200}"#);
    let url = responder.url();
    for words in [&["--to", &url, "heartbeat"][..], &["--dry-run", "heartbeat"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = program(words).stdout(writer).output().unwrap();
        check_exit(&output, 0);
        assert_eq!(stderr(&output), "");
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_3() {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let responder = Responder::with(200, r#"{"status":200}"#);
    let output = program(&["--to", &responder.url(), "heartbeat"]).stdout(full).output().unwrap();
    check_exit(&output, 3);
    assert!(stderr(&output).contains("cannot be written"), "{}", stderr(&output));
}

#[test]
fn help_has_examples_and_the_exit_status() {
    for option in ["-h", "--help"] {
        let output = run(&[option]);
        check_exit(&output, 0);
        assert!(stdout(&output).contains("query features versions"), "{option}");
    }
    assert!(stdout(&run(&["--help"])).contains("Exit status:"));
    check_exit(&run(&["--version"]), 0);
    check_exit(&run(&[]), 2);
}

// LS-160
#[test]
fn a_heartbeat_is_a_query_of_no_feature() {
    let responder = Responder::with(200, r#"{"status":200}"#);
    check_exit(&run(&["--to", &responder.url(), "heartbeat"]), 0);
    check_exit(&run(&[&["--to", &responder.url()][..], &QUERY].concat()), 0);
    let requests: Vec<_> = responder.posted().iter().map(|posted| posted.json()["body"].clone()).collect();
    assert_eq!(requests[0], json!({"openc2": {"request": {"action": "query", "target": {"features": []}}}}));
    assert_eq!(requests[0], requests[1]);
}

#[test]
fn a_message_is_written_in_the_encoding_that_is_asked_for() {
    let dry = |encoding: &str| run(&["-n", "--from", "a", "--encoding", encoding, "query", "features"]).stdout;
    let by_name = dry("json");
    assert!(by_name.starts_with(b"{\"headers\"") && by_name.ends_with(b"}\n"), "{}", by_name.escape_ascii());
    let of_abroad =
        |encoding: &str| run(&["-n", "--from", "Zürich", "--encoding", encoding, "query", "features"]).stdout;
    assert!(String::from_utf8(of_abroad("json")).unwrap().contains(r#""from":"Zürich""#));
    let in_ascii = String::from_utf8(of_abroad("json-ascii")).unwrap();
    assert!(in_ascii.is_ascii() && in_ascii.contains(r#""from":"Z\u00fcrich""#), "{in_ascii}");
    assert!(dry("json-compact").starts_with(b"[{\"request_id\""));
    assert!(dry("json-concise").starts_with(b"[{\"1\""));
    // A list of two, and behind the message nothing: a line end would be part of it.
    let by_id = dry("cbor");
    assert!(by_id.starts_with(b"\x82\xa3\x01\x78\x24") && by_id.ends_with(b"\x09\x80"), "{}", by_id.escape_ascii());
    assert!(dry("cbor-verbose").starts_with(b"\xa2\x67headers"));
}
