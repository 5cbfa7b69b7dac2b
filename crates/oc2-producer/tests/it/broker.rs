//! The program and a fleet, through a real broker.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use oc2_core::{Nsid, StatusCode};
use oc2_tests_broker::{Authority, Direction, Draft, Kind, Mosquitto, PATIENCE, RawClient, Tap};
use oc2_transfer::{Encoded, Handler, Listener, Refusal, Reply, Request};
use oc2_transfer_mqtt::{MqttListener, Options, Session, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::program::{check_exit, program, stderr, stdout};
use crate::support::MEDIA_TYPE;

/// A Consumer that answers everything with one status.
struct Member {
    name: &'static str,
    status: StatusCode,
}

impl Handler for Member {
    async fn handle(&self, request: Request) -> Reply {
        let response = json!({"status": self.status.as_u16(), "results": {"x-acme": {"name": self.name}}});
        let bytes = message(&id(&request.body), self.name, &response).into();
        Reply::new(self.status, Encoded { bytes, media_type: MEDIA_TYPE })
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        Reply::empty(refusal.rejection.status())
    }
}

fn id(request: &[u8]) -> String {
    let request: Value = serde_json::from_slice(request).unwrap();
    request["headers"]["request_id"].as_str().unwrap().to_owned()
}

fn message(id: &str, from: &str, response: &Value) -> String {
    json!({"headers": {"request_id": id, "from": from}, "body": {"openc2": {"response": response}}}).to_string()
}

/// Consumers at a broker, as long as it lives.
pub(crate) struct Fleet {
    _runtime: Runtime,
}

impl Fleet {
    /// Consumers with a profile and a status each, all of them subscribed.
    pub(crate) fn start(broker: &Mosquitto, members: &[(&'static str, &str, StatusCode)]) -> Self {
        let runtime = Runtime::new().unwrap();
        for (name, profile, status) in members {
            let session = Session::ephemeral();
            let client_id = session.client_id().as_str().to_owned();
            let mut options = Options::new(&url(broker.port()), session).unwrap();
            (options.min_pause, options.max_pause) = (Duration::from_millis(20), Duration::from_millis(200));
            let settings = Settings::new(name.parse().unwrap(), [profile.parse::<Nsid>().unwrap()]);
            let member = Member { name, status: *status };
            let _runs = runtime.enter();
            let listener = MqttListener::new(options, settings).unwrap();
            runtime.spawn(listener.serve(member, std::future::pending()));
            broker.wait_subscribed(&client_id);
        }
        Self { _runtime: runtime }
    }
}

const OK: StatusCode = StatusCode::Ok;
pub(crate) const THREE: [(&str, &str, StatusCode); 3] =
    [("fw1", "slpf", OK), ("fw2", "slpf", OK), ("fw3", "x-acme", OK)];

pub(crate) fn url(port: u16) -> String {
    format!("mqtt://127.0.0.1:{port}")
}

/// The program, with a state directory of its own.
pub(crate) struct Producer {
    pub(crate) url: String,
    state: TempDir,
}

impl Producer {
    pub(crate) fn to(url: impl Into<String>) -> Self {
        Self { url: url.into(), state: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn of(broker: &Mosquitto) -> Self {
        Self::to(url(broker.port()))
    }

    fn command(&self, words: &str) -> Command {
        let words: Vec<_> = ["--to", &self.url].into_iter().chain(words.split(' ')).collect();
        let mut command = program(&words);
        command.env("XDG_STATE_HOME", self.state.path());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    pub(crate) fn spawn(&self, words: &str) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// Lines of the output that are JSON, sorted by who answered.
pub(crate) fn lines(output: &Output) -> Vec<Value> {
    let text = stdout(output);
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(|line| (line["from"].to_string(), line["status"].to_string()));
    lines
}

#[track_caller]
pub(crate) fn says(output: &Output, exit: i32, sentence: &str) {
    check_exit(output, exit);
    assert!(stderr(output).contains(sentence), "{}", stderr(output));
}

/// A Consumer on the main topic that answers the first Command with these statuses, one after the other, in the name of others.
fn answers_with(broker: &Mosquitto, answers: &'static [(&'static str, u16)]) -> thread::JoinHandle<()> {
    let mut consumer = RawClient::connect(broker.port());
    consumer.subscribe("oc2/cmd/all");
    thread::spawn(move || {
        let id = id(&consumer.receive().payload);
        for (from, status) in answers {
            let response = message(&id, from, &json!({"status": status}));
            consumer.publish(&Draft::openc2("oc2/rsp", "rsp", response));
        }
    })
}

// MQTT-003, MQTT-010
#[test]
fn one_device_answers_as_over_http() {
    let Some(broker) = Mosquitto::start() else { return };
    let _fleet = Fleet::start(&broker, &THREE);
    let producer = Producer::of(&broker);
    let output = producer.run("--device fw2 --expect 1 --json query features");
    check_exit(&output, 0);
    assert_eq!(lines(&output)[0]["from"], "fw2");
    let output = producer.run("--device fw2 query features");
    check_exit(&output, 0);
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["200 OK", r#"x-acme      {"name":"fw2"}"#], "{text}");
    assert!(lines[2].starts_with("from fw2 after ") && lines.len() == 3, "{text}");
    assert_eq!(stderr(&output), "");
}

// MQTT-008, MQTT-038
#[test]
fn a_fleet_answers_line_by_line_and_in_a_table() {
    let Some(broker) = Mosquitto::start() else { return };
    let _fleet = Fleet::start(&broker, &THREE);
    let started = Instant::now();
    let output = Producer::of(&broker).run("--all --expect 3 --wait 60s query features");
    assert!(started.elapsed() < PATIENCE / 2, "as many as expected have answered, so nobody waited for more");
    check_exit(&output, 0);
    let text = stdout(&output);
    for name in ["fw1", "fw2", "fw3"] {
        assert!(text.contains(&format!("{name}: 200 OK, after ")), "{text}");
        assert!(text.contains(&format!("\n  x-acme      {{\"name\":\"{name}\"}}\n")), "{text}");
    }
    assert!(text.contains("\n\nSTATUS  COUNT  WHO\n200 OK      3  fw1, fw2, fw3\n\n3 of 3 answered within "), "{text}");
    assert_eq!(stderr(&output), "", "there is no line that counts where there is no terminal");
}

// MQTT-009
#[test]
fn those_of_a_profile_answer() {
    let Some(broker) = Mosquitto::start() else { return };
    let _fleet = Fleet::start(&broker, &THREE);
    let output = Producer::of(&broker).run("--profile slpf --wait 2s --json query features");
    check_exit(&output, 0);
    let lines = lines(&output);
    assert_eq!(lines.iter().map(|line| line["from"].as_str().unwrap()).collect::<Vec<_>>(), ["fw1", "fw2"]);
    let [line, _] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&line["status"], &line["final"], &line["headers"]["from"]), (&json!(200), &json!(true), &json!("fw1")));
    let response = json!({"status": 200, "results": {"x-acme": {"name": "fw1"}}});
    assert_eq!(line["body"], json!({"openc2": {"response": response}}));
    assert!(line["elapsed_ms"].is_u64() && line["headers"]["request_id"].is_string(), "{line}");
    assert_eq!(stderr(&output), "");
}

#[test]
fn fewer_than_expected_are_3() {
    let Some(broker) = Mosquitto::start() else { return };
    let _fleet = Fleet::start(&broker, &THREE[..2]);
    let output = Producer::of(&broker).run("--all --expect 10 --wait 2s query features");
    says(&output, 3, "error: 2 of 10 answered within 2 s\nThe Command may have been performed all the same.");
    assert!(stdout(&output).contains("no answer      8\n"), "{}", stdout(&output));
    let output = Producer::of(&broker).run("--all --expect 10 --wait 2s --json query features");
    says(&output, 3, "error: 2 of 10 answered within 2 s\n");
    assert_eq!(lines(&output).len(), 2);
}

#[test]
fn another_status_of_somebody_is_1() {
    let Some(broker) = Mosquitto::start() else { return };
    let _fleet = Fleet::start(&broker, &[THREE[0], ("fw9", "slpf", StatusCode::NotImplemented)]);
    let output = Producer::of(&broker).run("--all --expect 2 query features");
    check_exit(&output, 1);
    let text = stdout(&output);
    assert!(text.contains("200 OK                   1  fw1\n501 Not Implemented      1  fw9\n"), "{text}");
    assert!(text.contains("\n2 of 2 answered within "), "{text}");
    check_exit(&Producer::of(&broker).run("--device fw9 query features"), 1);
    let output = Producer::of(&broker).run("--all --expect 3 --wait 2s --json query features");
    says(&output, 1, "warning: 2 of 3 answered within 2 s\n");
}

#[test]
fn nobody_who_answers_is_3() {
    let Some(broker) = Mosquitto::start() else { return };
    let mut mute = RawClient::connect(broker.port());
    mute.subscribe("oc2/cmd/#");
    says(&Producer::of(&broker).run("--all --wait 1s query features"), 3, "error: nobody answered within 1 s\n");
    says(&Producer::of(&broker).run("--device fw1 --wait 1s query features"), 3, "error: no answer within 1 s\n");
}

#[test]
fn a_device_that_nobody_is_is_3_at_once() {
    let Some(broker) = Mosquitto::start() else { return };
    let started = Instant::now();
    let output = Producer::of(&broker).run("--device nobody query features");
    says(&output, 3, "nobody subscribes to oc2/cmd/device/nobody\nNothing was performed.");
    assert!(started.elapsed() < PATIENCE / 2);
}

// MQTT-044
#[test]
fn an_answer_that_comes_twice_is_shown_once() {
    let Some(broker) = Mosquitto::start() else { return };
    let consumer = answers_with(&broker, &[("fw1", 200), ("fw1", 200), ("fw2", 200), ("fw1", 200)]);
    let output = Producer::of(&broker).run("--all --wait 2s --json query features");
    check_exit(&output, 0);
    assert_eq!(lines(&output).iter().map(|line| &line["from"]).collect::<Vec<_>>(), ["fw1", "fw2"]);
    consumer.join().unwrap();
}

// DECISIONS Q11
#[test]
fn a_102_is_told_from_the_last_word() {
    let Some(broker) = Mosquitto::start() else { return };
    let consumer = answers_with(&broker, &[("fw1", 102), ("fw2", 200), ("fw1", 200)]);
    let output = Producer::of(&broker).run("--all --expect 2 query features");
    check_exit(&output, 0);
    let text = stdout(&output);
    let shown: Vec<_> = text.lines().filter_map(|line| line.split_once(", after").map(|(line, _)| line)).collect();
    assert_eq!(shown, ["fw1: 102 Processing, still at it", "fw2: 200 OK", "fw1: 200 OK"]);
    assert!(text.contains("\n200 OK      2  fw1, fw2\n\n2 of 2 answered within "), "{text}");
    consumer.join().unwrap();
}

#[test]
fn who_is_still_at_it_has_answered() {
    let Some(broker) = Mosquitto::start() else { return };
    let consumer = answers_with(&broker, &[("fw1", 102), ("fw2", 200)]);
    let output = Producer::of(&broker).run("--all --expect 2 --wait 2s query features");
    check_exit(&output, 0);
    assert!(
        stdout(&output).contains("\n2 of 2 answered within 2 s, 1 of them is still at it\n"),
        "{}",
        stdout(&output)
    );
    consumer.join().unwrap();
}

#[test]
fn an_answer_that_is_no_response_is_told_and_is_no_success() {
    let Some(broker) = Mosquitto::start() else { return };
    let mut consumer = RawClient::connect(broker.port());
    consumer.subscribe("oc2/cmd/all");
    let consumer = thread::spawn(move || {
        let id = id(&consumer.receive().payload);
        consumer.publish(&Draft::openc2("oc2/rsp", "rsp", message(&id, "fw1", &json!({"status": 204}))));
        consumer.publish(&Draft::openc2("oc2/rsp", "rsp", message(&id, "fw2", &json!({"status": 200}))));
    });
    let output = Producer::of(&broker).run("--all --wait 2s query features");
    says(&output, 3, "warning: what came back is no Response to the Command: ");
    says(
        &output,
        3,
        "error: 1 Consumer answered within 2 s; 1 answer was no Response\nThe Command may have been performed.\n",
    );
    consumer.join().unwrap();
}

#[test]
fn where_no_answer_is_wanted_the_program_ends_when_the_broker_has_it() {
    let Some(broker) = Mosquitto::start() else { return };
    let mut mute = RawClient::connect(broker.port());
    mute.subscribe("oc2/cmd/all");
    let output = Producer::of(&broker).run("--all deny ipv4_net 192.0.2.1 --response-requested none");
    check_exit(&output, 0);
    assert_eq!(stdout(&output), "sent; no answer is wanted\n");
    assert_eq!(
        serde_json::from_slice::<Value>(&mute.receive().payload).unwrap()["body"]["openc2"]["request"]["action"],
        "deny"
    );
}

#[test]
fn a_file_goes_to_a_profile_as_it_is() {
    let Some(broker) = Mosquitto::start() else { return };
    let mut consumer = RawClient::connect(broker.port());
    consumer.subscribe("oc2/cmd/ap/slpf");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("command.json");
    fs::write(&path, br#"{"headers": {"request_id":"mine"}, "body":{"openc2":{"request":{"action":"query","target":{"features":[]}}}}}"#).unwrap();
    let words = format!("--profile slpf --wait 1s send {}", path.display());
    says(&Producer::of(&broker).run(&words), 3, "nobody answered");
    assert_eq!(consumer.receive().payload, fs::read(&path).unwrap());
}

#[test]
fn credentials_are_read_from_a_file_and_the_environment() {
    let Some(broker) = Mosquitto::with().user("ada", "correct").start() else { return };
    let producer = Producer::of(&broker);
    let file = |name: &str, text: &str| {
        let path = producer.state.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (right, wrong) = (file("right", "correct\n"), file("wrong", "wrong\n"));
    let started = Instant::now();
    for words in [format!("--username ada --password-file {wrong}"), "--username ada".to_owned(), String::new()] {
        let words = format!("{words} --all --wait 50s query features");
        let output = producer.run(words.trim_start());
        says(&output, 3, "the broker refused the connection: ");
        says(&output, 3, "\nNothing was performed. --ca says whom to trust");
        assert!(!stderr(&output).contains("wrong\n"), "{}", stderr(&output));
    }
    assert!(started.elapsed() < PATIENCE / 2, "nobody tried again and again");
    let let_in = "nobody subscribes to oc2/cmd/all";
    says(&producer.run(&format!("--username ada --password-file {right} --all query features")), 3, let_in);
    let environment = [("OC2_USERNAME", "ada"), ("OC2_PASSWORD_FILE", &right)];
    let output = producer.command("--all query features").envs(environment).output().unwrap();
    says(&output, 3, let_in);
    let (empty, two) = (file("empty", "\n"), file("two", "a\nb\n"));
    for (path, reason) in [(empty.as_str(), "is empty"), (&two, "more than one line"), ("/nonexistent", "cannot read")]
    {
        says(&producer.run(&format!("--username ada --password-file {path} --all query features")), 2, reason);
    }
}

// MQTT-016
#[test]
fn who_may_not_command_is_told_so() {
    let acl = "user ada\ntopic read oc2/rsp/#\n";
    let Some(broker) = Mosquitto::with().user("ada", "correct").acl(acl).start() else { return };
    let producer = Producer::of(&broker);
    let password = producer.state.path().join("password");
    fs::write(&password, "correct").unwrap();
    let words = format!("--username ada --password-file {} --all query features", password.display());
    says(&producer.run(&words), 3, "the message was not taken: NotAuthorized\n");
}

#[test]
fn tls_is_verified() {
    let (authority, other) = (Authority::new("authority"), Authority::new("other"));
    let builder = Mosquitto::with().tls(&authority.server(&["localhost"])).client_authority(authority.pem());
    let Some(broker) = builder.start() else { return };
    let producer = Producer::to(format!("mqtts://localhost:{}", broker.port()));
    let file = |name: &str, text: &str| {
        let path = producer.state.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let own = authority.client("ada");
    let (ca, other, cert, key) =
        (file("ca", authority.pem()), file("other", other.pem()), file("cert", &own.pem), file("key", &own.key));
    let let_in = "nobody subscribes to oc2/cmd/all";
    let good = format!("--cert {cert} --key {key} --ca {ca} --all query features");
    says(&producer.run(&good), 3, let_in);
    let environment = [("OC2_CA", &ca), ("OC2_CERT", &cert), ("OC2_KEY", &key)];
    says(&producer.command("--all query features").envs(environment).output().unwrap(), 3, let_in);
    let started = Instant::now();
    let untrusted = producer.run(&good.replace(&ca, &other));
    says(&untrusted, 3, "no agreement with mqtts://localhost:");
    says(&untrusted, 3, "certificate");
    says(&producer.run("--all query features"), 3, "certificate");
    says(
        &producer.run(&format!("--ca {ca} --all --wait 50s query features")),
        3,
        "no agreement with mqtts://localhost:",
    );
    assert!(started.elapsed() < PATIENCE / 2, "nobody tried again and again");
    for (words, reason) in [
        (format!("--ca {ca} --cert {cert} --all query features"), "--cert goes with --key"),
        (format!("--ca {key} --all query features"), "there is no certificate"),
        (format!("--ca {ca} --cert {cert} --key {ca} --all query features"), "our key cannot be read"),
        ("--ca /nonexistent --all query features".to_owned(), "cannot read /nonexistent"),
    ] {
        says(&producer.run(&words), 2, reason);
    }
}

// MQTT-012, MQTT-052
#[test]
fn what_makes_no_sense_is_2_and_nothing_is_sent() {
    let nobody = Producer::to("mqtt://127.0.0.1:1");
    for (words, reason) in [
        ("query features", "a broker has to be told who is commanded\nOne of: --device ID, --profile NSID, --all"),
        ("--all --device fw1 query features", "exclude each other"),
        ("--all --profile slpf query features", "exclude each other"),
        ("--device a/b query features", "--device: \"a/b\" cannot be a level of a topic"),
        ("--device fw1 --expect 2 query features", "--expect: of one --device one answer is due"),
        ("--all --expect 0 query features", "0 is not in 1.."),
        ("--all --timeout 5s query features", "--timeout goes with http; with a broker, --wait says when to end"),
        ("--all --wait 0s query features", "leaves no time for an answer"),
        ("--all --wait 5 query features", "has no unit: say 5s"),
        ("--all --ca ca.pem query features", "--ca goes with TLS, and mqtt:// has none"),
        ("--all --password-file p query features", "a password is nobody's without --username"),
        ("--all --keep-alive 301s query features", "1 to 300 s"),
        ("--all --flat --encoding cbor query features", "--flat is for --encoding json and json-ascii"),
        ("--all --flat --strict query features", "--flat is answered in kind"),
        ("--all --keep-alive 1500ms query features", "whole seconds are due"),
        ("--all --qos 0 query features", "0 is not in 1..=2"),
        ("--all --from a/b query features", "--from: \"a/b\" cannot be a level of a topic"),
        ("--all --state-dir /proc/nonexistent query features", "--state-dir DIR says where else"),
        ("--all --profile slpf --dry-run query features", "exclude each other"),
        ("--dry-run query features", "a broker has to be told"),
    ] {
        let output = nobody.run(words);
        says(&output, 2, reason);
        assert_eq!(stdout(&output), "", "{words}");
    }
    let output = program(&["validate", "--all", "x"]).output().unwrap();
    says(&output, 2, "validate sends nothing, so --all has no place");
    says(&program(&["--all", "heartbeat"]).output().unwrap(), 2, "--to is missing");
}

#[test]
fn a_password_in_a_url_is_refused_and_not_repeated() {
    for url in ["mqtt://ada:secret@127.0.0.1", "mqtts://secret@127.0.0.1", "MQTT://a:secret@b:x"] {
        let output = Producer::to(url).run("--all query features");
        says(&output, 2, "--to has a name or a password in it");
        assert!(!stderr(&output).contains("secret"), "{}", stderr(&output));
    }
}

#[test]
fn a_dry_run_leaves_nothing_behind() {
    let producer = Producer::to("mqtt://127.0.0.1:1");
    check_exit(&producer.run("--all --dry-run query features"), 0);
    assert_eq!(fs::read_dir(producer.state.path()).unwrap().count(), 0);
}

// MQTT-032, MQTT-062, MQTT-078, MQTT-086, DECISIONS Q10
#[test]
fn options_are_on_the_wire() {
    let Some(broker) = Mosquitto::start() else { return };
    let tap = Tap::to(broker.port());
    let producer = Producer::to(url(tap.port()));
    let mut mute = RawClient::connect(broker.port());
    mute.subscribe("oc2/cmd/all");
    producer.run("--all --wait 1s --from ada@ops --keep-alive 42s --session-expiry 90s --qos 2 query features");
    producer.run("--all --wait 1s query features");
    let homeless =
        producer.command("--all --wait 1500ms query features").env_remove("XDG_STATE_HOME").env_remove("HOME").output();
    assert!(stderr(&homeless.unwrap()).contains("warning: neither HOME nor XDG_STATE_HOME is set"));
    let connects = tap.wait_for(Direction::ToBroker, Kind::Connect, 3);
    let connects: Vec<_> = connects.iter().map(|seen| seen.packet.connect()).collect();
    assert_eq!(connects.iter().map(|connect| connect.keep_alive).collect::<Vec<_>>(), [42, 300, 300]);
    let expiries = connects.iter().map(|connect| connect.property(0x11).unwrap()).collect::<Vec<_>>();
    assert_eq!(expiries, [90_u32, 86_400, 2].map(u32::to_be_bytes));
    assert_eq!(connects[0].client_id, connects[1].client_id, "the ClientID is kept");
    assert_ne!(connects[0].client_id, connects[2].client_id, "it is not, where there is no place for it");
    let publishes = tap.wait_for(Direction::ToBroker, Kind::Publish, 3);
    let publishes: Vec<_> = publishes.iter().map(|seen| seen.packet.publish()).collect();
    assert_eq!(publishes.iter().map(|publish| publish.qos).collect::<Vec<_>>(), [2, 1, 1]);
    let message: Value = serde_json::from_slice(&publishes[0].payload).unwrap();
    assert_eq!(message["headers"]["from"], "ada@ops");
}

#[test]
fn two_at_once_do_not_cut_each_other_off() {
    let Some(broker) = Mosquitto::start() else { return };
    let _fleet = Fleet::start(&broker, &THREE);
    let producer = Producer::of(&broker);
    let children = [(), (), ()].map(|()| producer.spawn("--all --wait 2s --json query features"));
    for child in children {
        let output = child.wait_with_output().unwrap();
        check_exit(&output, 0);
        assert_eq!(lines(&output).len(), 3);
    }
}

#[test]
fn an_interruption_is_130_and_says_how_far_it_came() {
    let Some(broker) = Mosquitto::start() else { return };
    let _fleet = Fleet::start(&broker, &THREE[..1]);
    let producer = Producer::of(&broker);
    let mut child = producer.spawn("--all --expect 3 --wait 60s query features");
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    answers.read_line(&mut first).unwrap();
    assert!(first.starts_with("fw1: 200 OK"), "{first}");
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    says(&output, 130, "error: 1 of 3 answered until interrupted after ");
    let rest = answers.lines().map(Result::unwrap).collect::<Vec<_>>().join("\n");
    assert!(rest.contains("200 OK         1  fw1\nno answer      2"), "{rest}");
}

#[test]
fn an_interruption_before_the_broker_has_it_says_so() {
    let Some(mut broker) = Mosquitto::start() else { return };
    broker.stop();
    let producer = Producer::of(&broker);
    let mut child = producer.spawn("--all --wait 60s query features");
    let mut told = BufReader::new(child.stderr.take().unwrap());
    told.read_line(&mut String::new()).unwrap();
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let rest = told.lines().map(Result::unwrap).collect::<Vec<_>>().join("\n");
    assert_eq!(output.status.code(), Some(130), "{rest}");
    assert!(rest.starts_with("error: the broker did not confirm that it has the Command until interrupted"), "{rest}");
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn the_client_id_is_kept_where_it_is_asked_to_be() {
    let Some(broker) = Mosquitto::start() else { return };
    let producer = Producer::of(&broker);
    let place = producer.state.path().join("elsewhere");
    producer.run(&format!("--all --state-dir {} query features", place.display()));
    let kept = |path: &Path| fs::read_to_string(path.join("mqtt/0/client_id")).unwrap();
    assert!(broker.log().contains(kept(&place).trim_end()), "{}", broker.log());
}
