//! The daemon: signals and configuration, as far as they need no kernel.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    fn start(config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oc2-consumer"));
        command.args(["run", "--config"]).arg(config).env_remove("OC2_LOG").stdin(Stdio::null());
        let log = config.with_extension("log");
        let child = command.stderr(File::create(&log).expect("the folder is ours")).spawn();
        Self { child: child.expect("the binary starts"), log }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("there is a kill").success());
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the child is ours").is_none()
    }

    /// How it ended, and what it had logged; panics when it is still there after some seconds.
    #[track_caller]
    fn ends_within(&mut self, seconds: u64) -> (ExitStatus, String) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while self.is_running() {
            assert!(Instant::now() < deadline, "the daemon does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        (self.child.wait().expect("the child is ours"), self.log())
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("the log is text")
    }

    /// Waits until it has logged this so many times.
    #[track_caller]
    fn logs(&self, text: &str, n_times: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.log().matches(text).count() < n_times {
            assert!(Instant::now() < deadline, "it does not log {text:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_daemon_without_a_profile_says_that_the_standard_wants_one() {
    // ARCH-009
    let warning = "There is no actuator";
    for (actuator, is_warned) in [("", true), ("[[actuator]]\nprofile = \"slpf\"\nbackend = \"dry-run\"", false)] {
        let (dir, address) = configured(actuator);
        let mut daemon = Daemon::start(&dir.path().join("consumer.toml"));
        drop(connected(address));
        daemon.signal("TERM");
        let (status, log) = daemon.ends_within(20);
        assert!(status.success() && log.contains(warning) == is_warned, "{log}");
    }
}

/// A folder with a configuration; the address it listens on.
fn configured(actuator: &str) -> (tempfile::TempDir, SocketAddr) {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    let state = dir.path().join("state");
    let text = format!(
        "[consumer]\nid = \"fw1\"\nstate_dir = {:?}\n[http]\nlisten = \"{address}\"\ntesting = true\n[policy]\ndangerously_allow_everything = true\n{actuator}",
        state.display().to_string()
    );
    fs::write(dir.path().join("consumer.toml"), text).expect("the folder is ours");
    (dir, address)
}

fn connected(address: SocketAddr) -> TcpStream {
    for _ in 0..500 {
        if let Ok(stream) = TcpStream::connect(address) {
            return stream;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("nothing listens on {address}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (dir, address) = configured("");
    let mut daemon = Daemon::start(&dir.path().join("consumer.toml"));
    let mut stream = connected(address);
    // A body that does not come keeps the listener waiting.
    stream
        .write_all(
            b"POST /.well-known/openc2 HTTP/1.1\r\nHost: fw1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\
              Expect: 100-continue\r\n\r\n{",
        )
        .expect("it is connected");
    let mut head = [0; 25];
    stream.read_exact(&mut head).expect("it asks for the body");
    assert_eq!(&head, b"HTTP/1.1 100 Continue\r\n\r\n");
    daemon.signal("TERM");
    daemon.logs("Stopping", 1);
    assert!(daemon.is_running(), "the first signal lets what is under way end");
    daemon.signal("TERM");
    let (status, log) = daemon.ends_within(3);
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("cut off"), "{log}");
}

#[test]
fn what_is_wrong_with_an_actuator_is_said_with_its_line() {
    let actuator = "[[actuator]]\nprofile = \"slpf\"\nbackend = \"dry-run\"\n";
    let (dir, _) = configured(&format!("{actuator}{actuator}"));
    let path = dir.path().join("consumer.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_oc2-consumer")).args(["check", "--config"]).arg(path).output();
    let said = String::from_utf8(output.expect("the binary starts").stderr).expect("it is text");
    assert!(said.contains("line 12") && said.contains("chain_prefix"), "{said}");
}

#[test]
fn requests_that_cannot_be_read_keep_it_from_starting() {
    // M12
    let (dir, _) = configured("");
    let path = dir.path().join("state/state.redb");
    fs::create_dir(dir.path().join("state")).expect("the folder is ours");
    fs::write(&path, "no store").expect("the folder is ours");
    let (status, log) = Daemon::start(&dir.path().join("consumer.toml")).ends_within(20);
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains(&path.display().to_string()) && log.contains("move it away"), "{log}");
    assert_eq!(fs::read(&path).expect("it is there"), b"no store");
}

#[test]
fn a_state_folder_without_a_name_is_refused() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let path = dir.path().join("consumer.toml");
    fs::write(&path, "[consumer]\nid = \"fw1\"\nstate_dir = \"\"\n[http]\nlisten = \"127.0.0.1:1\"\ntesting = true\n")
        .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_oc2-consumer")).args(["check", "--config"]).arg(path).output();
    let said = String::from_utf8(output.expect("the binary starts").stderr).expect("it is text");
    assert!(said.contains("line 3"), "{said}");
}

/// A folder with a configuration that names a policy of this text.
fn governed(policy: &str) -> (tempfile::TempDir, SocketAddr) {
    let (dir, address) = configured("[[actuator]]\nprofile = \"slpf\"\nbackend = \"dry-run\"\n");
    let (path, file) = (dir.path().join("consumer.toml"), dir.path().join("policy.toml"));
    fs::write(&file, policy).expect("the folder is ours");
    let text = fs::read_to_string(&path).expect("it was written");
    let named = format!("file = {:?}", file.display().to_string());
    fs::write(&path, text.replace("dangerously_allow_everything = true", &named)).expect("the folder is ours");
    (dir, address)
}

fn check(dir: &Path, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oc2-consumer"));
    let output = command.args(["check", "--config", "consumer.toml"]).args(args).current_dir(dir).output();
    let output = output.expect("the binary starts");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("it is text")).join("");
    (output.status.success(), said)
}

const POLICY: &str = r#"
[from]
soc-1 = "soc-1"
[[rule]]
name = "soc-1 stops small nets"
who = "soc-1"
actions = ["deny", "delete"]
targets = "any"
widest_ipv4 = "/24"
widest_ipv6 = "/64"
where.slpf.persistent = false
[[rule]]
name = "soc-1 tidies up"
who = "soc-1"
actions = "delete"
targets = "slpf:rule_number"
[[rule]]
name = "anybody looks"
who = ["authenticated", "unauthenticated"]
actions = "query"
targets = "features"
"#;

#[test]
fn it_says_what_would_become_of_a_command_and_starts_nothing() {
    let (dir, _) = governed(POLICY);
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).expect("the folder is ours");
    write(
        "small.json",
        br#"{"action": "deny", "target": {"ipv4_net": "198.51.100.0/24"}, "args": {"slpf": {"persistent": false}}}"#,
    );
    write("lasting.json", br#"{"action": "deny", "target": {"ipv4_net": "198.51.100.0/24"}}"#);
    write(
        "from.json",
        br#"{"headers": {"from": "soc-2"}, "body": {"openc2": {"request": {"action": "query", "target": {"features": []}}}}}"#,
    );
    // delete slpf:rule_number 1234, by id
    write("delete.cbor", b"\x82\x14\xa1\x19\x04\x00\x19\x04\xd2");
    write("update.json", br#"{"action": "update", "target": {"file": {"name": "a"}}}"#);
    for (args, is_allowed, parts) in [
        (
            &["--as", "soc-1", "--command", "small.json"][..],
            true,
            &["deny ipv4_net, from soc-1", "allowed by \"soc-1 stops small nets\""][..],
        ),
        (
            &["--as", "soc-1", "--command", "lasting.json"],
            false,
            &[
                "refused with 403: slpf.persistent is true, where false is allowed",
                "nearest, \"soc-1 stops small nets\"",
                "the answer would say: the policy",
            ],
        ),
        (
            &["--as", "soc-2", "--command", "small.json"],
            false,
            &["no rule allows soc-2 to deny ipv4_net through slpf", "by no rule"],
        ),
        (&["--as", "unauthenticated", "--command", "small.json"], false, &["not authenticated", "refused with 403"]),
        (
            &["--as", "soc-1", "--command", "delete.cbor"],
            true,
            &["delete slpf:rule_number", "allowed by \"soc-1 tidies up\""],
        ),
        (&["--as", "soc-1", "--command", "from.json"], false, &["refused with 401", "from \"soc-2\" is not one"]),
        (&["--as", "soc-2", "--from", "soc-1", "--command", "from.json"], false, &["refused with 401"]),
        (
            &["--as", "soc-2", "--from", "x", "--command", "from.json"],
            true,
            &["query features, from soc-2", "anybody looks"],
        ),
        (&["--as", "soc-1", "--command", "missing.json"], false, &["missing.json"]),
        (&["--as", "soc-1", "--command", "consumer.toml"], false, &["consumer.toml"]),
        (&["--as", "soc-1"], false, &["--command"]),
        (&[], true, &["soc-1 stops small nets", "anybody looks", "nobody has authenticated", "without a guard"]),
    ] {
        let (was_allowed, said) = check(dir.path(), args);
        assert_eq!(was_allowed, is_allowed, "{args:?}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{args:?}: {said}");
    }
    assert!(!dir.path().join("state").exists(), "nothing was started");
}

#[test]
fn a_filter_of_logs_that_cannot_be_kept_to_is_refused() {
    let (dir, _) = configured("");
    for (filter, reason) in [
        ("[request]=info", "levels are for parts, not for spans"),
        ("info,oc2{peer}=debug", "levels are for parts, not for spans"),
        ("oc2::audit=loud", "error parsing level filter"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oc2-consumer"));
        command.args(["run", "--log", filter, "--config"]).arg(dir.path().join("consumer.toml"));
        let output = command.env_remove("OC2_LOG").stdin(Stdio::null()).output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("--log {filter:?}: {reason}")), "{said}");
    }
}

#[test]
fn without_a_policy_it_does_not_start() {
    let (dir, _) = governed(POLICY);
    let path = dir.path().join("consumer.toml");
    let text = fs::read_to_string(&path).expect("it was written");
    let file = text.lines().find(|line| line.starts_with("file = ")).expect("it names a policy").to_owned();
    for (with, reason) in [
        (text.replace(&format!("[policy]\n{file}\n"), ""), "nothing says who may do what"),
        (text.replace(&file, ""), "policy.file is missing"),
        (text.replace(&file, "dangerously_allow_everything = false"), "policy.file is missing"),
        (text.replace(&file, &format!("{file}\ndangerously_allow_everything = true")), "and not both"),
        (text.replace(&file, "file = \"policy.toml\""), "an absolute path"),
        (text.replace(&file, "allow_everything = true"), "unknown field `allow_everything`"),
        (text.replace("policy.toml", "other.toml"), "other.toml"),
    ] {
        fs::write(&path, &with).expect("the folder is ours");
        let (is_fine, said) = check(dir.path(), &[]);
        assert!(!is_fine && said.contains(reason), "{with}\n{said}");
        let (status, log) = Daemon::start(&path).ends_within(20);
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains(reason), "{log}");
    }
    fs::write(&path, &text).expect("the folder is ours");
    fs::write(dir.path().join("policy.toml"), POLICY.replace("who = \"soc-1\"", "whom = \"soc-1\"")).unwrap();
    let (is_fine, said) = check(dir.path(), &[]);
    assert!(!is_fine && said.contains("policy.toml") && said.contains("line 6") && said.contains("whom"), "{said}");
}

fn post(address: SocketAddr, command: &str) -> String {
    let mut stream = connected(address);
    let head = format!(
        "POST /.well-known/openc2 HTTP/1.1\r\nHost: fw1\r\nConnection: close\r\nContent-Type: application/openc2+json;version=1.0\r\nContent-Length: {}\r\n\r\n",
        command.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(command.as_bytes())).expect("it is connected");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is text");
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_policy_is_read_again_and_one_that_cannot_be_read_leaves_the_former() {
    let (dir, address) = governed(POLICY);
    let (path, file) = (dir.path().join("consumer.toml"), dir.path().join("policy.toml"));
    let mut daemon = Daemon::start(&path);
    let deny = r#"{"action": "deny", "target": {"ipv4_net": "198.51.100.0/24"}}"#;
    let query = r#"{"action": "query", "target": {"features": []}}"#;
    assert_eq!(post(address, deny), "HTTP/1.1 403 Forbidden");
    assert_eq!(post(address, query), "HTTP/1.1 200 OK");

    let until = |command: &str, expected: &str| {
        let deadline = Instant::now() + Duration::from_secs(10);
        while post(address, command) != expected {
            assert!(Instant::now() < deadline, "it never answers {expected}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    fs::write(&file, POLICY.replace("\"query\"", "\"deny\"").replace("\"features\"", "\"ipv4_net\"")).unwrap();
    daemon.signal("HUP");
    until(deny, "HTTP/1.1 200 OK");
    assert_eq!(post(address, query), "HTTP/1.1 403 Forbidden");

    // Neither a policy that is wrong nor a configuration without one opens anything.
    let text = fs::read_to_string(&path).expect("it was written");
    let mut n_refused = 0;
    for break_it in [&|| fs::write(&file, "[[rule]").unwrap() as (), &|| fs::remove_file(&file).unwrap(), &|| {
        fs::write(&path, text.replace("[policy]", "[polisse]")).unwrap()
    }] as [&dyn Fn(); 3]
    {
        break_it();
        daemon.signal("HUP");
        n_refused += 1;
        daemon.logs("was not reloaded", n_refused);
        assert_eq!(post(address, deny), "HTTP/1.1 200 OK");
        assert_eq!(post(address, query), "HTTP/1.1 403 Forbidden");
    }
    // Nor does a signal take the policy away.
    let named = text.lines().find(|line| line.starts_with("file = ")).expect("it names a policy");
    fs::write(&path, text.replace(named, "dangerously_allow_everything = true")).unwrap();
    daemon.signal("HUP");
    daemon.logs("takes effect at a start only", 1);
    assert_eq!(post(address, query), "HTTP/1.1 403 Forbidden");
    daemon.signal("TERM");
    let (_, log) = daemon.ends_within(20);
    assert_eq!(log.matches("was not reloaded").count(), 3, "{log}");
    assert!(log.contains("takes effect at a start only"), "{log}");
}
