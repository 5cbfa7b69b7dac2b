//! Our daemon for a test.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A daemon that runs; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    dir: TempDir,
    pub(crate) port: u16,
}

impl Daemon {
    /// Over HTTP.
    pub(crate) fn over_http() -> Self {
        let port = free_port();
        let own =
            Self::start(port, &format!("[http]\nlisten = \"127.0.0.1:{port}\"\ncbor = true\n"), "testing = true\n");
        wait_until("the daemon listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        own
    }

    /// At a broker.
    pub(crate) fn at_broker(port: u16) -> Self {
        Self::at(port, &format!("broker = \"mqtt://127.0.0.1:{port}\"\n"))
    }

    /// At a broker, in the words of the configuration.
    pub(crate) fn at(port: u16, words: &str) -> Self {
        let own = Self::start(port, &format!("[mqtt]\n{words}"), "");
        wait_until("the daemon is connected", || own.log().contains("Connected to the broker"));
        own
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn start(port: u16, listener: &str, if_known: &str) -> Self {
        let dir = tempfile::tempdir().expect("there is room");
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(path("rules")).expect("the folder is ours");
        let config = |listener: &str| {
            format!(
                "[consumer]\nid = \"fw1.example.net\"\nstate_dir = {:?}\n{listener}[policy]\n\
                 dangerously_allow_everything = true\n[[actuator]]\nprofile = \"slpf\"\nbackend = \"dry-run\"\n\
                 asset_id = \"30\"\nupdate_dir = {:?}\n",
                path("state").display().to_string(),
                path("rules").display().to_string()
            )
        };
        let file = path("consumer.toml");
        for listener in [format!("{listener}{if_known}"), listener.to_owned()] {
            std::fs::write(&file, config(&listener)).expect("the folder is ours");
            let check = Command::new(program()).args(["check", "--config"]).arg(&file).output().expect("it is built");
            if check.status.success() {
                break;
            }
        }
        let log = std::fs::File::create(path("log")).expect("the folder is ours");
        let child = Command::new(program())
            .args(["run", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the daemon starts");
        Self { child, dir, port }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("there is a free port").port()
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "{what}: not in time");
        sleep(Duration::from_millis(10));
    }
}

fn program() -> PathBuf {
    beside("oc2-consumer")
}

/// A program of this workspace, beside this test.
pub(crate) fn beside(name: &str) -> PathBuf {
    let suite = PathBuf::from(env!("CARGO_BIN_EXE_oc2-conformance"));
    let program = suite.with_file_name(name);
    assert!(program.exists(), "{} is not built: run `cargo xtask test`", program.display());
    program
}
