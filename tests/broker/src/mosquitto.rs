//! mosquitto as a child process.

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::certificates::Certificate;
use crate::wait::wait_until;

/// A broker that runs.
#[derive(Debug)]
pub struct Mosquitto {
    program: PathBuf,
    directory: TempDir,
    port: u16,
    child: Option<Child>,
}

/// What a broker is started with.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    lines: Vec<String>,
    files: Vec<(&'static str, String)>,
    users: Vec<(String, String)>,
    is_keeping: bool,
}

impl Mosquitto {
    /// A broker at its defaults, which lets everybody in and keeps nothing when it is stopped. `None`, with a note, where mosquitto
    /// is not installed.
    ///
    /// # Panics
    /// It is not installed and the environment has `CI`, or it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Builder::default().start()
    }

    /// A broker with a configuration of the caller's: made of a directory for its files, and the port to listen on. `None`, with a
    /// note, where mosquitto is not installed.
    ///
    /// # Panics
    /// It is not installed and the environment has `CI`, or it does not start.
    #[must_use]
    pub fn configured(config: impl FnOnce(&Path, u16) -> String) -> Option<Self> {
        let mut broker = Self::new()?;
        fs::write(broker.path("conf"), config(broker.directory.path(), broker.port)).expect("the directory is ours");
        broker.start_again();
        Some(broker)
    }

    fn new() -> Option<Self> {
        let Some(program) = find("mosquitto") else {
            assert!(env::var_os("CI").is_none(), "mosquitto is required, and not installed");
            println!("skipped: mosquitto is not installed");
            return None;
        };
        let directory = tempfile::tempdir().expect("there is room for temporary files");
        Some(Self { program, directory, port: free_port(), child: None })
    }

    /// A broker with settings.
    #[must_use]
    pub fn with() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its log, in which it names every packet.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Waits until its log has this in it so many times.
    ///
    /// # Panics
    /// It does not come.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str, n_times: usize) {
        wait_until(text, || self.log().matches(text).count() >= n_times);
    }

    /// Waits until a client has its subscriptions.
    ///
    /// # Panics
    /// It does not get them.
    #[track_caller]
    pub fn wait_subscribed(&self, client_id: &str) {
        self.wait_for_log(&format!("Sending SUBACK to {client_id}"), 1);
    }

    /// Stops it; it writes down what it keeps.
    ///
    /// # Panics
    /// It cannot be stopped.
    #[track_caller]
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Again and again: mosquitto listens before its main loop begins, and forgets a signal that comes between the two.
        wait_until("mosquitto ends", || {
            // Nobody waited for it yet, so its number is still its own.
            kill_process(Pid::from_child(&child), Signal::TERM).expect("the broker is our child");
            child.try_wait().expect("the broker is our child").is_some()
        });
    }

    /// Starts it again after [`stop`](Self::stop).
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&mut self) {
        let child = Command::new(&self.program)
            .args(["-c".as_ref(), self.path("conf").as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto starts");
        let child = self.child.insert(child);
        let port = self.port;
        wait_until("mosquitto listens", || {
            assert!(child.try_wait().expect("it is our child").is_none(), "mosquitto ended at once");
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    /// Gives a user another password, which counts when the broker is started again.
    ///
    /// # Panics
    /// It has no users.
    pub fn change_password(&self, name: &str, password: &str) {
        hash_password(&self.path("passwords"), name, password);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Builder {
    /// A line of its configuration.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// It keeps its sessions when it is stopped.
    #[must_use]
    pub fn keeping_sessions(mut self) -> Self {
        self.is_keeping = true;
        self
    }

    /// It lets in who has the password.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.users.push((name.to_owned(), password.to_owned()));
        self
    }

    /// Who may do what, in the words of an ACL file.
    #[must_use]
    pub fn acl(mut self, acl: &str) -> Self {
        self.files.push(("acl_file", acl.to_owned()));
        self
    }

    /// It speaks TLS with this certificate.
    #[must_use]
    pub fn tls(mut self, certificate: &Certificate) -> Self {
        self.files.push(("certfile", certificate.pem.clone()));
        self.files.push(("keyfile", certificate.key.clone()));
        self
    }

    /// It lets in who has a certificate of this authority.
    #[must_use]
    pub fn client_authority(mut self, pem: &str) -> Self {
        self.files.push(("cafile", pem.to_owned()));
        self.line("require_certificate true").line("use_identity_as_username true")
    }

    /// Starts it. `None`, with a note, where mosquitto is not installed.
    ///
    /// # Panics
    /// It is not installed and the environment has `CI`, or it does not start.
    #[must_use]
    pub fn start(self) -> Option<Mosquitto> {
        let mut broker = Mosquitto::new()?;
        self.write(&broker);
        broker.start_again();
        Some(broker)
    }

    fn write(&self, broker: &Mosquitto) {
        let path = |name: &str| broker.path(name).display().to_string();
        let mut conf =
            format!("listener {} 127.0.0.1\nuser root\nlog_type all\nlog_dest file {}\n", broker.port, path("log"));
        let mut line = |line: &str| writeln!(conf, "{line}").expect("a string takes everything");
        line(if self.users.is_empty() { "allow_anonymous true" } else { "allow_anonymous false" });
        if self.is_keeping {
            line("persistence true");
            line(&format!("persistence_location {}/", broker.directory.path().display()));
        }
        if !self.users.is_empty() {
            fs::write(path("passwords"), "").expect("the directory is ours");
            line(&format!("password_file {}", path("passwords")));
        }
        for (name, content) in &self.files {
            fs::write(path(name), content).expect("the directory is ours");
            line(&format!("{name} {}", path(name)));
        }
        self.lines.iter().for_each(|own| line(own));
        fs::write(path("conf"), conf).expect("the directory is ours");
        for (name, password) in &self.users {
            hash_password(Path::new(&path("passwords")), name, password);
        }
    }
}

/// Passwords are kept as hashes, in a form of mosquitto's own.
fn hash_password(file: &Path, name: &str, password: &str) {
    let output = Command::new("mosquitto_passwd").arg("-b").arg(file).args([name, password]).output();
    let output = output.expect("mosquitto comes with mosquitto_passwd");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Where Debian has it, which is not in every user's path.
    let places = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    places.map(|place| place.join(program)).find(|program| program.is_file())
}
