//! `oc2-consumer`, started and stopped.

use std::fmt::Write as _;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use oc2_tests_broker::{PATIENCE, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Answer, binary, command};

/// A configuration and the folder it lies in.
pub(crate) struct Config {
    dir: TempDir,
    port: u16,
    consumer: String,
    http: Option<String>,
    scheme: &'static str,
    mqtt: String,
    policy: String,
    actuators: String,
    tables: String,
}

impl Config {
    /// A free port on loopback, a state folder of its own, no actuator.
    pub(crate) fn new() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = free.local_addr().expect("it is bound").port();
        let dir = TempDir::new().expect("a folder can be made");
        let http = Some(String::new());
        let policy = "dangerously_allow_everything = true".to_owned();
        let (mqtt, actuators, tables) = (String::new(), String::new(), String::new());
        Self { dir, port, consumer: String::new(), http, scheme: "http", mqtt, policy, actuators, tables }
    }

    pub(crate) fn consumer(mut self, line: &str) -> Self {
        writeln!(self.consumer, "{line}").expect("a string takes anything");
        self
    }

    pub(crate) fn http(mut self, line: &str) -> Self {
        writeln!(self.http.get_or_insert_default(), "{line}").expect("a string takes anything");
        self
    }

    /// TLS over HTTP; lines of [http] say with what.
    pub(crate) fn secure(self) -> Self {
        Self { scheme: "https", ..self }
    }

    /// No listener for HTTP.
    pub(crate) fn without_http(mut self) -> Self {
        self.http = None;
        self
    }

    /// A broker on a port of loopback.
    pub(crate) fn broker(self, port: u16) -> Self {
        self.mqtt(&format!("broker = \"mqtt://127.0.0.1:{port}\""))
    }

    /// A line of the table [mqtt].
    pub(crate) fn mqtt(mut self, line: &str) -> Self {
        writeln!(self.mqtt, "{line}").expect("a string takes anything");
        self
    }

    /// A table of its own.
    pub(crate) fn table(mut self, text: &str) -> Self {
        writeln!(self.tables, "{text}").expect("a string takes anything");
        self
    }

    /// Has these rules say who may do what, where otherwise everybody may do everything.
    pub(crate) fn policy(mut self, rules: &str) -> Self {
        std::fs::write(self.policy_path(), rules).expect("the folder is ours");
        self.policy = format!("file = {:?}", self.policy_path().display().to_string());
        self
    }

    pub(crate) fn policy_path(&self) -> PathBuf {
        self.dir.path().join("policy.toml")
    }

    pub(crate) fn slpf(mut self, backend: &str, lines: &str) -> Self {
        write!(self.actuators, "[[actuator]]\nprofile = \"slpf\"\nbackend = \"{backend}\"\n{lines}\n")
            .expect("a string takes anything");
        self
    }

    /// The same with another back end.
    pub(crate) fn with_backend(mut self, former: &str, new: &str) -> Self {
        self.actuators = self.actuators.replace(&format!("backend = \"{former}\""), &format!("backend = \"{new}\""));
        self
    }

    /// An slpf actuator that may read rule sets from the folder `rules`.
    pub(crate) fn slpf_with_updates(self, backend: &str) -> Self {
        let rules = self.dir.path().join("rules");
        std::fs::create_dir_all(&rules).expect("a folder can be made");
        let line = format!("update_dir = {:?}", rules.display().to_string());
        self.slpf(backend, &line)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("consumer.toml")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self) {
        let state_dir = self.dir.path().join("state").display().to_string();
        let mut text = format!("[consumer]\nid = \"fw1.example.net\"\nstate_dir = {state_dir:?}\n{}\n", self.consumer);
        if let Some(lines) = &self.http {
            let testing = if self.scheme == "http" { "testing = true\n" } else { "" };
            text += &format!("[http]\nlisten = \"127.0.0.1:{}\"\n{testing}{lines}", self.port);
        }
        if !self.mqtt.is_empty() {
            text += &format!("[mqtt]\n{}", self.mqtt);
        }
        text += &format!("[policy]\n{}\n", self.policy);
        text += &self.actuators;
        text += &self.tables;
        std::fs::write(self.path(), text).expect("the folder is ours");
    }

    /// What `oc2-consumer check` says of it.
    pub(crate) fn check(&self) -> std::process::Output {
        self.write();
        self.check_as_it_is()
    }

    /// The same with the file as it was left.
    pub(crate) fn check_as_it_is(&self) -> std::process::Output {
        Command::new(binary("oc2-consumer")).args(["check", "--config"]).arg(self.path()).output().expect("it starts")
    }

    /// Starts the daemon and waits until it listens.
    pub(crate) fn start(&self) -> Daemon {
        self.start_by(Command::new(binary("oc2-consumer")))
    }

    /// The same by a command of which the daemon is the last word.
    pub(crate) fn start_by(&self, command: Command) -> Daemon {
        self.write();
        let mut daemon = Daemon::start(command, self);
        if self.http.is_some() {
            daemon.wait_until_it_listens();
        }
        daemon
    }

    /// Starts the daemon, which may not want to.
    pub(crate) fn launch(&self) -> Daemon {
        self.write();
        self.launch_as_it_is()
    }

    /// The same with the file as it was left.
    pub(crate) fn launch_as_it_is(&self) -> Daemon {
        Daemon::start(Command::new(binary("oc2-consumer")), self)
    }

    /// The same by a command of which the daemon is the last word.
    pub(crate) fn launch_by(&self, command: Command) -> Daemon {
        self.write();
        Daemon::start(command, self)
    }

    /// Starts a second one on the same state, with another log.
    pub(crate) fn launch_beside(&self) -> Daemon {
        let beside = self.dir.path().join("beside.toml");
        std::fs::copy(self.path(), &beside).expect("the folder is ours");
        Daemon::start_with(Command::new(binary("oc2-consumer")), self, &beside)
    }

    /// Starts the daemon and waits until a broker has its subscriptions.
    pub(crate) fn start_connected(&self) -> Daemon {
        let daemon = self.start();
        daemon.wait_connected(1);
        daemon
    }
}

/// A running daemon; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    address: SocketAddr,
    scheme: &'static str,
    log: PathBuf,
}

impl Daemon {
    fn start(command: Command, of: &Config) -> Self {
        Self::start_with(command, of, &of.path())
    }

    fn start_with(mut command: Command, of: &Config, config: &Path) -> Self {
        let log = config.with_extension("log");
        let child = command
            .args(["run", "--config"])
            .arg(config)
            .env_remove("OC2_LOG")
            .stdin(Stdio::null())
            .stderr(File::create(&log).expect("the folder is ours"))
            .spawn()
            .expect("the binary starts");
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], of.port)), scheme: of.scheme, log }
    }

    /// It is asked and not its port: a tool that the daemon before it had just started holds the listener of that one until it runs
    /// its own program, which is later than the end of a daemon that was killed.
    fn wait_until_it_listens(&mut self) {
        let listening = format!("Listening on {}", self.url());
        wait_until("the daemon listens", || {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                panic!("the daemon ended with {status}: {}", self.log());
            }
            self.log().contains(&listening)
        });
    }

    /// Waits until it was connected to a broker so many times.
    #[track_caller]
    pub(crate) fn wait_connected(&self, n_times: usize) {
        self.wait_for_log("Connected to the broker, and subscribed.", n_times);
    }

    /// Waits until it has logged this so many times.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str, n_times: usize) {
        wait_until(text, || self.log().matches(text).count() >= n_times);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Commands it with the real Producer.
    pub(crate) fn command(&self, args: &[&str]) -> Answer {
        command(&self.url(), args)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the child is ours");
    }

    pub(crate) fn pid(&self) -> Pid {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a child has a number")
    }

    /// The most memory it has had, in octets.
    pub(crate) fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the child is ours");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel knows");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// The TCP ports it listens on, as the kernel has them.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let links = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("the child is ours").flatten();
        let links = links.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        let sockets: Vec<_> = links.map(|link| link.display().to_string()).collect();
        let tables =
            ["tcp", "tcp6"].map(|table| std::fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default());
        let port = |line: &str| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let is_listening = *fields.get(3)? == "0A";
            let is_ours = sockets.contains(&format!("socket:[{}]", fields.get(9)?));
            let (_, port) = fields[1].rsplit_once(':')?;
            u16::from_str_radix(port, 16).ok().filter(|_| is_listening && is_ours)
        };
        tables.iter().flat_map(|table| table.lines()).filter_map(port).collect()
    }

    /// The processes that it has started.
    pub(crate) fn children(&self) -> Vec<Pid> {
        let parent = self.pid().as_raw_nonzero().to_string();
        let entries = std::fs::read_dir("/proc").expect("there is /proc").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_child = |pid: &i32| {
            // The fields after the name, which is in parentheses: state, parent.
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            after_name.split_whitespace().nth(1) == Some(&parent)
        };
        pids.filter(is_child).filter_map(Pid::from_raw).collect()
    }

    /// Ends it without a warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the child is ours");
        self.child.wait().expect("the child is ours");
    }

    /// Ends it as an operator does; how it ended, and what it had logged.
    #[track_caller]
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// How it ended by itself, and what it had said.
    #[track_caller]
    pub(crate) fn ends(mut self) -> (ExitStatus, String) {
        self.wait()
    }

    /// The same of one that is still looked at.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                return (status, self.log());
            }
            assert!(Instant::now() < until, "the daemon does not end; its threads:\n{}{}", self.threads(), self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What each of its threads waits for in the kernel.
    fn threads(&self) -> String {
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        let threads =
            std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("the child is ours").flatten();
        let line = |path: PathBuf| format!("{} {}\n", read(path.join("comm")).trim(), read(path.join("wchan")));
        threads.map(|thread| line(thread.path())).collect()
    }

    /// What it has logged since it was started.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log is text")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
