//! otupy's Producer against our consumer, and our producer against otupy's Consumer, over both transfers.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::peer::{Peer, free_port, is_subscribed, listens};
use super::{Programs, script};
use crate::failure::{Failure, Place, Result};
use crate::process::{self, Interrupt};

/// What a run needs.
#[derive(Clone, Copy)]
pub(super) struct Roles<'r> {
    pub(super) folder: &'r Path,
    pub(super) python: &'r Path,
    pub(super) programs: &'r Programs,
    pub(super) interrupt: &'r Interrupt,
}

/// What they meet over.
pub(super) enum Over {
    Http,
    /// The broker listens on this port of loopback.
    Mqtt {
        broker: u16,
    },
}

impl Over {
    pub(super) fn http() -> Self {
        Self::Http
    }
}

/// A Command of ours, and what otupy's mock-up says to it.
struct Exchange {
    words: &'static str,
    actuator: &'static str,
    status: u64,
}

impl Roles<'_> {
    /// Each of its Commands is performed.
    pub(super) fn their_producer(&self, over: &Over) -> Result<()> {
        let (file, state) = (self.folder.join("consumer.toml"), self.folder.join("state"));
        // What is left of another run is of no use.
        let _ = fs::remove_dir_all(&state);
        let port = free_port()?;
        let transfer = match over {
            Over::Http => format!("[http]\nlisten = \"127.0.0.1:{port}\"\ntesting = true\nascii = true\n"),
            Over::Mqtt { broker } => format!("[mqtt]\nbroker = \"mqtt://127.0.0.1:{broker}\"\nascii = true\n"),
        };
        let state = state.display().to_string();
        let config = format!(
            "[consumer]\nid = \"{DEVICE}\"\nstate_dir = {state:?}\n{transfer}[policy]\ndangerously_allow_everything = true\n\
             [[actuator]]\nprofile = \"slpf\"\nbackend = \"dry-run\"\n"
        );
        fs::write(&file, config).place(file.display())?;
        let mut run = Command::new(&self.programs.consumer);
        let consumer = Peer::start(run.args(["run", "--config"]).arg(&file), || match over {
            Over::Http => listens(port),
            Over::Mqtt { .. } => is_subscribed(self.folder, &format!("oc2/cmd/device/{DEVICE}")),
        })?;
        let mut producer = Command::new(self.python);
        producer.arg(script("otupy_producer.py"));
        match over {
            Over::Http => producer.arg(port.to_string()),
            Over::Mqtt { broker } => producer.arg(broker.to_string()).arg(DEVICE),
        };
        let (status, said) = process::capture(&mut producer, self.interrupt)?;
        drop(consumer);
        print!("{said}");
        let expected =
            ["query features", "query pairs", "deny ipv4_net", "allow ipv4_connection", "delete slpf:rule_number"];
        let is_met = said.lines().map(str::to_owned).eq(expected.iter().map(|name| format!("{name}\t200")));
        if status.success() && is_met {
            Ok(())
        } else {
            Err(Failure::new("each of the five is to be answered with 200"))
        }
    }

    /// otupy's mock-up answers queries, and says 501 to whatever else it understands.
    pub(super) fn our_producer(&self, over: &Over) -> Result<()> {
        let (_consumer, to) = match over {
            Over::Http => consumer_over_http(self.python)?,
            Over::Mqtt { broker } => self.consumer_over_mqtt(*broker)?,
        };
        for exchange in EXCHANGES {
            let said = self.ask(&exchange, over, &to)?;
            let Exchange { words, actuator, status } = exchange;
            print!("{words} {actuator}: {said}");
            let found: Value = serde_json::from_str(&said).place("the Response")?;
            // Over a broker there is a line for each Consumer, and the Response within it.
            let response = found.pointer("/body/openc2/response").unwrap_or(&found);
            if response["status"] != status {
                return Err(Failure::new(format!("{words}: {status} was expected")));
            }
            let is_told = response.pointer("/results/profiles/0").is_some_and(|profile| profile == "slpf");
            if words.contains("profiles") && status == 200 && !is_told {
                return Err(Failure::new("the profile slpf was expected"));
            }
        }
        Ok(())
    }

    fn ask(&self, exchange: &Exchange, over: &Over, to: &str) -> Result<String> {
        let mut command = Command::new(&self.programs.producer);
        command
            .args(["--json", "--encoding", "json-ascii", "--to", to, "--actuator", exchange.actuator])
            .args(exchange.words.split(' '))
            .args(["--response-requested", "complete"])
            .env_remove("OC2_TO");
        if let Over::Mqtt { .. } = over {
            // otupy knows no other layout (DECISIONS Q18).
            let state = self.folder.join("producer-state");
            command.args(["--flat", "--device", OTUPY_DEVICE, "--from", "soc-1", "--state-dir"]).arg(state);
        }
        Ok(process::capture(&mut command, self.interrupt)?.1)
    }

    fn consumer_over_mqtt(&self, broker: u16) -> Result<(Peer, String)> {
        let mut command = Command::new(self.python);
        command.arg(script("otupy_consumer.py")).arg(broker.to_string()).arg(OTUPY_DEVICE);
        let topic = format!("oc2/cmd/device/{OTUPY_DEVICE}");
        let peer = Peer::start(&mut command, || is_subscribed(self.folder, &topic))?;
        Ok((peer, format!("mqtt://127.0.0.1:{broker}")))
    }
}

/// otupy's Consumer with its mock-up of slpf, and where it is found.
pub(super) fn consumer_over_http(python: &Path) -> Result<(Peer, String)> {
    let port = free_port()?;
    let mut command = Command::new(python);
    let peer = Peer::start(command.arg(script("otupy_consumer.py")).arg(port.to_string()), || listens(port))?;
    Ok((peer, format!("http://127.0.0.1:{port}")))
}

const DEVICE: &str = "fw1.example.net";
const OTUPY_DEVICE: &str = "otupy";

const EXCHANGES: [Exchange; 5] = [
    Exchange { words: "query features versions profiles pairs", actuator: SLPF, status: 200 },
    Exchange { words: "deny ipv4_net 198.51.100.0/24 --drop-process none", actuator: SLPF, status: 501 },
    Exchange { words: "allow ipv4_connection --protocol tcp --dst-port 443", actuator: SLPF, status: 501 },
    Exchange { words: "delete slpf:rule_number 1", actuator: SLPF, status: 501 },
    // Nobody is called so; over HTTP it reads no octet beyond ASCII.
    Exchange { words: "query features profiles", actuator: r#"{"slpf":{"named_group":"Zürich"}}"#, status: 404 },
];

const SLPF: &str = r#"{"slpf":{}}"#;
