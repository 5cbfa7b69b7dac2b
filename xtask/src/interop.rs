//! `cargo xtask interop`: software that others wrote against ours.
//!
//! otupy and the package openc2 come from the Python package index, into a virtual environment below `target/`. Where that cannot be,
//! it is said, and nothing is run. yuuki is not on the index: its message models are run from a checkout that is named, and what they
//! import comes from the index.

mod models;
mod otupy;
mod peer;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use self::models::Models;
use self::otupy::{Over, Roles};
use self::peer::Broker;
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
    /// A checkout of yuuki (openc2-yuuki at ba60f382), which is on no package index: its message models read and write ours
    #[arg(long, value_name = "FOLDER")]
    yuuki: Option<PathBuf>,
}

impl Default for Interop {
    fn default() -> Self {
        Self { html: REPORT.into(), yuuki: None }
    }
}

impl Interop {
    /// Runs all parts and prints their summary.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let yuuki = self.yuuki_models()?;
        let folder = workspace().join("target/interop");
        fs::create_dir_all(&folder).place(folder.display())?;
        let python = folder.join("venv/bin/python");
        if let Err(failure) = install(&folder, &python, yuuki.is_some(), interrupt) {
            println!("interop: SKIPPED, otupy {OTUPY} and openc2 {OPENC2} cannot be installed here: {failure}");
            return Ok(());
        }
        let programs = Programs::build(interrupt)?;
        let mut parts = Parts::default();
        let roles = Roles { folder: &folder, python: &python, programs: &programs, interrupt };
        parts.run("otupy's Producer, our Consumer (HTTP)", || roles.their_producer(&Over::http()))?;
        parts.run("our Producer, otupy's Consumer (HTTP)", || roles.our_producer(&Over::http()))?;
        if let Some(broker) = Broker::start(&folder)? {
            let over = Over::Mqtt { broker: broker.port() };
            parts.run("otupy's Producer, our Consumer (MQTT)", || roles.their_producer(&over))?;
            parts.run("our Producer, otupy's Consumer (MQTT)", || roles.our_producer(&over))?;
        } else {
            println!("\ninterop: MQTT SKIPPED, mosquitto is not installed");
        }
        parts.run("the package openc2 reads and writes our messages", || {
            Models::of_content("openc2").run(&folder, Command::new(&python).arg(script("openc2_models.py")))
        })?;
        match &yuuki {
            Some(module) => parts.run("yuuki's models read and write our messages", || {
                Models::of_messages("yuuki")
                    .run(&folder, Command::new(&python).arg(script("yuuki_models.py")).arg(module))
            })?,
            None => println!("\ninterop: yuuki SKIPPED, it is on no package index: --yuuki FOLDER names a checkout"),
        }
        parts.run("the suite against otupy's Consumer", || self.suite(&python, &programs, interrupt))?;
        parts.finish()
    }

    /// The module with the message models in the checkout of yuuki, where one is named.
    fn yuuki_models(&self) -> Result<Option<PathBuf>> {
        let module = self.yuuki.as_ref().map(|checkout| checkout.join("yuuki/openc2_types.py"));
        match module {
            Some(path) if !path.is_file() => {
                Err(Failure::new(format!("{}: yuuki at ba60f382 has its message models there", path.display())))
            }
            module => Ok(module),
        }
    }

    /// That the suite finds faults there is no failure; that it does not come to its end is one.
    fn suite(&self, python: &Path, programs: &Programs, interrupt: &Interrupt) -> Result<()> {
        let (consumer, url) = otupy::consumer_over_http(python)?;
        let name = format!("otupy {OTUPY}, mock-up of slpf");
        let html = workspace().join(&self.html);
        let mut command = Command::new(&programs.suite);
        command.args(["--consumer", &url, "--fill-in", "--destructive", "--name", &name, "--html"]).arg(html);
        let (status, said) = process::capture(&mut command, interrupt)?;
        drop(consumer);
        println!("{}", said.lines().last().unwrap_or_default());
        println!("The report is {}.", self.html.display());
        match status.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(Failure::new(status.to_string())),
        }
    }
}

/// A virtual environment with what others wrote and what that needs; otupy asks for the libraries of clouds and hypervisors as well.
fn install(folder: &Path, python: &Path, is_yuuki_wanted: bool, interrupt: &Interrupt) -> Result<()> {
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
    if is_yuuki_wanted {
        run(Command::new(python).args(quietly).arg(YUUKI_NEEDS))?;
    }
    // The package openc2 asks for any stix2, and knows the second only.
    run(Command::new(python).args(quietly).args([&format!("openc2=={OPENC2}"), "stix2<3"]))?;
    run(Command::new(python).args(quietly).args(["--no-deps", &format!("otupy=={OTUPY}")]))
}

/// A script of ours that runs what others wrote.
fn script(name: &str) -> PathBuf {
    workspace().join("tests/conformance/peers").join(name)
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

const REPORT: &str = "target/interop/otupy.html";

const OTUPY: &str = "1.1.46";
const OPENC2: &str = "1.0.5";

/// What yuuki's message models import: it asks for any pydantic, and its validators and optional fields are those of the first.
const YUUKI_NEEDS: &str = "pydantic>=1.10,<2";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_without_message_models_is_refused_by_its_place() {
        let folder = workspace().join("tests/conformance");
        let interop = Interop { yuuki: Some(folder.clone()), ..Interop::default() };
        let failure = interop.yuuki_models().expect_err("yuuki is not there").to_string();
        assert!(failure.contains(&folder.join("yuuki/openc2_types.py").display().to_string()), "{failure}");
        assert_eq!(Interop::default().yuuki_models().expect("none is named"), None);
    }
}
