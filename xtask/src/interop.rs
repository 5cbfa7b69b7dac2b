//! `cargo xtask interop`: software that others wrote against ours.
//!
//! otupy comes from the Python package index, into a virtual environment below `target/`. Where that cannot be, it is said, and
//! nothing is run; in CI that is a failure.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::cargo::{self, workspace};
use crate::failure::{Failure, Place, Result};
use crate::parts::Parts;
use crate::process::{self, Interrupt};

/// What the interoperability runs can be told.
#[derive(Args, Debug)]
pub(crate) struct Interop {
    /// Where the report of the suite against otupy's Consumer goes
    #[arg(long, value_name = "FILE", default_value = REPORT)]
    html: PathBuf,
}

impl Default for Interop {
    fn default() -> Self {
        Self { html: REPORT.into() }
    }
}

impl Interop {
    /// Runs all parts and prints their summary.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let folder = workspace().join("target/interop");
        fs::create_dir_all(&folder).place(folder.display())?;
        let python = folder.join("venv/bin/python");
        if let Err(failure) = install(&folder, &python, interrupt) {
            println!("interop: SKIPPED, otupy {OTUPY} cannot be installed here: {failure}");
            return Ok(());
        }
        let programs = Programs::build(interrupt)?;
        let mut parts = Parts::default();
        parts
            .run("otupy's Producer, our Consumer (HTTP)", || their_producer(&folder, &python, &programs, interrupt))?;
        parts.run("our Producer, otupy's Consumer (HTTP)", || our_producer(&python, &programs, interrupt))?;
        parts.run("the suite against otupy's Consumer", || self.suite(&python, &programs, interrupt))?;
        parts.finish()
    }

    /// That the suite finds faults there is no failure; that it does not come to its end is one.
    fn suite(&self, python: &Path, programs: &Programs, interrupt: &Interrupt) -> Result<()> {
        let consumer = Peer::consumer(python)?;
        let name = format!("otupy {OTUPY}, mock-up of slpf");
        let html = workspace().join(&self.html);
        let mut command = Command::new(&programs.suite);
        command
            .args(["--consumer", &consumer.url(), "--fill-in", "--destructive", "--name", &name, "--html"])
            .arg(html);
        let (status, said) = process::capture(&mut command, interrupt)?;
        println!("{}", said.lines().last().unwrap_or_default());
        println!("The report is {}.", self.html.display());
        match status.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(Failure::new(status.to_string())),
        }
    }
}

/// A virtual environment with otupy and what its core needs; it asks for the libraries of clouds and hypervisors as well.
fn install(folder: &Path, python: &Path, interrupt: &Interrupt) -> Result<()> {
    let run = |command: &mut Command| {
        let status = process::run(command, interrupt)?;
        if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}`: {status}", process::line(command)))) }
    };
    if !python.is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
    }
    let quietly = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    // Needs first: pip complains of what is missing for good where it comes last.
    run(Command::new(python).args(quietly).args(NEEDS))?;
    run(Command::new(python).args(quietly).args(["--no-deps", &format!("otupy=={OTUPY}")]))
}

/// Our programs.
struct Programs {
    consumer: PathBuf,
    producer: PathBuf,
    suite: PathBuf,
}

impl Programs {
    fn build(interrupt: &Interrupt) -> Result<Self> {
        let packages = ["--package", "oc2-consumer", "--package", "oc2-producer", "--package", "oc2-conformance"];
        let build = ["build", "--quiet", "--message-format=json-render-diagnostics", "--bins"];
        let messages = cargo::output(&[&build[..], &packages].concat(), interrupt)?;
        let find = |name: &str| {
            cargo::executable(&messages, name)
                .ok_or_else(|| Failure::new(format!("cargo does not say where {name} is")))
        };
        Ok(Self { consumer: find("oc2-consumer")?, producer: find("oc2-producer")?, suite: find("oc2-conformance")? })
    }
}

/// A program that listens; killed when dropped.
struct Peer {
    child: Child,
    port: u16,
}

impl Peer {
    fn consumer(python: &Path) -> Result<Self> {
        let port = free_port()?;
        let script = workspace().join("tests/conformance/otupy/consumer.py");
        Self::start(Command::new(python).arg(script).arg(port.to_string()), port)
    }

    fn start(command: &mut Command, port: u16) -> Result<Self> {
        let name = process::line(command);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // otupy's server starts itself again as a child.
        let child = quiet.process_group(0).spawn().place(format_args!("cannot start `{name}`"))?;
        let mut own = Self { child, port };
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = own.child.try_wait().place(&name)? {
                return Err(Failure::new(format!("`{name}` ended with {status}")));
            }
            if Instant::now() > until {
                return Err(Failure::new(format!("`{name}` does not listen")));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(own)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
        process::kill(&mut self.child);
    }
}

fn their_producer(folder: &Path, python: &Path, programs: &Programs, interrupt: &Interrupt) -> Result<()> {
    let port = free_port()?;
    let (file, state) = (folder.join("consumer.toml"), folder.join("state"));
    // What is left of another run is of no use.
    let _ = fs::remove_dir_all(&state);
    let config = |http: &str| {
        format!(
            "[consumer]\nid = \"fw1.example.net\"\nstate_dir = {:?}\n[http]\nlisten = \"127.0.0.1:{port}\"\n{http}[policy]\n\
             dangerously_allow_everything = true\n[[actuator]]\nprofile = \"slpf\"\nbackend = \"dry-run\"\n",
            state.display().to_string()
        )
    };
    // Testing mode has to be asked for, by those that know the word.
    for http in ["testing = true\n", ""] {
        fs::write(&file, config(http)).place(file.display())?;
        let check = Command::new(&programs.consumer).args(["check", "--config"]).arg(&file).output();
        if check.is_ok_and(|output| output.status.success()) {
            break;
        }
    }
    let consumer = Peer::start(Command::new(&programs.consumer).args(["run", "--config"]).arg(&file), port)?;
    let script = workspace().join("tests/conformance/otupy/producer.py");
    let (status, said) = process::capture(Command::new(python).arg(script).arg(consumer.port.to_string()), interrupt)?;
    print!("{said}");
    let expected =
        ["query features", "query pairs", "deny ipv4_net", "allow ipv4_connection", "delete slpf:rule_number"];
    let is_met = said.lines().map(str::to_owned).eq(expected.iter().map(|name| format!("{name}\t200")));
    if status.success() && is_met { Ok(()) } else { Err(Failure::new("each of the five is to be answered with 200")) }
}

/// otupy's mock-up answers queries, and says 501 to whatever else it understands.
fn our_producer(python: &Path, programs: &Programs, interrupt: &Interrupt) -> Result<()> {
    let consumer = Peer::consumer(python)?;
    for (words, status) in [
        ("query features versions profiles pairs --response-requested complete", 200),
        ("deny ipv4_net 198.51.100.0/24 --drop-process none", 501),
        ("allow ipv4_connection --protocol tcp --dst-port 443 --response-requested complete", 501),
        ("delete slpf:rule_number 1 --response-requested complete", 501),
    ] {
        let mut command = Command::new(&programs.producer);
        command
            .args(["--json", "--to", &consumer.url(), "--profile", "slpf"])
            .args(words.split(' '))
            .env_remove("OC2_TO");
        let (_, said) = process::capture(&mut command, interrupt)?;
        print!("{words}: {said}");
        let response: serde_json::Value = serde_json::from_str(&said).place("the Response")?;
        if response["status"] != status {
            return Err(Failure::new(format!("{words}: {status} was expected")));
        }
    }
    Ok(())
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").place("there is no free port")?;
    Ok(listener.local_addr().place("there is no free port")?.port())
}

const REPORT: &str = "target/interop/otupy.html";

const OTUPY: &str = "1.1.46";

/// What otupy's core, its JSON encoding and its transfers import.
const NEEDS: [&str; 17] = [
    "aenum>=3.1.15",
    "cbor2==5.6.5",
    "cyclonedx-python-lib>=11.6.0",
    "email-validator>=2.2.0",
    "flask>=3.1.0",
    "flask-api==3.1",
    "fqdn>=1.5.1",
    "gunicorn==25.1.0",
    "idna>=3.10",
    "macaddress>=2.0.2",
    "mediatype>=0.1.6",
    "paho-mqtt==2.1.0",
    "pyyaml==6.0.3",
    "requests>=2.32.3",
    "rfc3987>=1.3.8",
    "werkzeug>=3.0.2",
    "xmltodict==0.14.2",
];
