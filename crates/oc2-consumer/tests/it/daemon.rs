//! The daemon: signals and configuration, as far as they need no kernel.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

struct Daemon(Child);

impl Daemon {
    fn start(config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oc2-consumer"));
        command.args(["run", "--config"]).arg(config).env_remove("OC2_LOG").stdin(Stdio::null()).stderr(Stdio::piped());
        Self(command.spawn().expect("the binary starts"))
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status();
        assert!(status.expect("there is a kill").success());
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().expect("the child is ours").is_none()
    }

    /// How it ended, and what it had logged; panics when it is still there after some seconds.
    #[track_caller]
    fn ends_within(&mut self, seconds: u64) -> (ExitStatus, String) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while self.is_running() {
            assert!(Instant::now() < deadline, "the daemon does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut log = String::new();
        self.0.stderr.take().expect("it is piped").read_to_string(&mut log).expect("the log is text");
        (self.0.wait().expect("the child is ours"), log)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder with a configuration; the address it listens on.
fn configured(actuator: &str) -> (tempfile::TempDir, SocketAddr) {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    let state = dir.path().join("state");
    let text = format!(
        "[consumer]\nid = \"fw1\"\nstate_dir = {:?}\n[http]\nlisten = \"{address}\"\n{actuator}",
        state.display().to_string()
    );
    std::fs::write(dir.path().join("consumer.toml"), text).expect("the folder is ours");
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
            b"POST /.well-known/openc2 HTTP/1.1\r\nHost: fw1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
        )
        .expect("it is connected");
    std::thread::sleep(Duration::from_millis(200));
    daemon.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
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
    assert!(said.contains("line 9") && said.contains("chain_prefix"), "{said}");
}

#[test]
fn requests_that_cannot_be_read_keep_it_from_starting() {
    // M12
    let (dir, _) = configured("");
    let path = dir.path().join("state/requests.redb");
    std::fs::create_dir(dir.path().join("state")).expect("the folder is ours");
    std::fs::write(&path, "no store").expect("the folder is ours");
    let (status, log) = Daemon::start(&dir.path().join("consumer.toml")).ends_within(20);
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains(&path.display().to_string()) && log.contains("move it away"), "{log}");
    assert_eq!(std::fs::read(&path).expect("it is there"), b"no store");
}

#[test]
fn a_state_folder_without_a_name_is_refused() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let path = dir.path().join("consumer.toml");
    std::fs::write(&path, "[consumer]\nid = \"fw1\"\nstate_dir = \"\"\n[http]\nlisten = \"127.0.0.1:1\"\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_oc2-consumer")).args(["check", "--config"]).arg(path).output();
    let said = String::from_utf8(output.expect("the binary starts").stderr).expect("it is text");
    assert!(said.contains("line 3"), "{said}");
}
