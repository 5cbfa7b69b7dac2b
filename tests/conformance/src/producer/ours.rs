//! Our Producer, with a list of Commands that shows all it can.

use std::io;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use oc2_tests_broker::{Mosquitto, Tap};

use super::{Hearing, commands, http, mqtt};
use crate::subject::program;
use crate::verdict::Notes;

/// Runs our Producer over HTTP and through a broker, and judges what it sends.
pub(crate) fn against_ours() -> io::Result<Notes> {
    let mut hearing = Hearing::default();
    let (said, port) = mpsc::channel();
    let running = thread::spawn(move || {
        let port: u16 = port.recv().map_err(io::Error::other)?;
        COMMANDS
            .iter()
            .try_for_each(|command| send(&[&["--to", &format!("http://127.0.0.1:{port}")], *command].concat()))
    });
    // Whoever waits for it is there until it comes.
    let say = move |port| said.send(port).unwrap_or_default();
    http::listen("127.0.0.1:0", Duration::from_secs(3), say, &mut hearing)?;
    running.join().map_err(|_| io::Error::other("the Producer could not be run"))??;
    if let Some(broker) = Mosquitto::start() {
        over_mqtt(&mut hearing, &broker)?;
    }
    commands::sum_up(&mut hearing);
    Ok(hearing.notes)
}

fn over_mqtt(hearing: &mut Hearing, broker: &Mosquitto) -> io::Result<()> {
    let tap = Tap::to(broker.port());
    let state = tempfile::tempdir()?;
    let mut heard = Hearing::default();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (is_over, tap) = (&is_over, &tap);
        let state = state.path().display().to_string();
        let running = scope.spawn(move || {
            let to = format!("mqtt://127.0.0.1:{}", tap.port());
            let res = [&["--device", "fw1"][..], &["--profile", "slpf"], &["--all"]].into_iter().try_for_each(|whom| {
                let common = ["--to", &to, "--state-dir", &state, "--expect", "1", "--wait", "20s"];
                send(&[&common[..], whom, &["deny", "ipv4_net", "203.0.113.7"]].concat())
            });
            is_over.store(true, Ordering::SeqCst);
            res
        });
        let res = mqtt::hear(&mut heard, broker.port(), tap, || is_over.load(Ordering::SeqCst));
        running.join().map_err(|_| io::Error::other("the Producer could not be run"))??;
        res
    })?;
    hearing.notes.merge(heard.notes);
    hearing.pairs.extend(heard.pairs);
    Ok(())
}

fn send(arguments: &[&str]) -> io::Result<()> {
    let mut command = Command::new(program("oc2-producer")?);
    command.args(["--json"]).args(arguments).env_remove("OC2_TO").stdin(Stdio::null());
    let output = command.output()?;
    // 0: it was performed, 1: it was refused; whatever else is a Command that never went out.
    match output.status.code() {
        Some(0 | 1) => Ok(()),
        _ => Err(io::Error::other(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}

const COMMANDS: &[&[&str]] = &[
    &["heartbeat"],
    &["query", "features", "versions", "profiles", "pairs", "rate_limit"],
    &["query", "features", "pairs", "--response-requested", "complete"],
    &["deny", "ipv4_net", "198.51.100.0/24", "--direction", "ingress", "--drop-process", "reject"],
    &["allow", "ipv4_net", "198.51.100.7", "--persistent", "false"],
    &["deny", "ipv6_net", "2001:db8::/32", "--insert-rule", "7"],
    &["allow", "ipv6_net", "2001:db8::1", "--duration", "1h"],
    &["deny", "ipv4_connection", "--protocol", "tcp", "--dst-port", "23"],
    &["allow", "ipv4_connection", "--src-addr", "198.51.100.1", "--insert-rule", "9"],
    &["deny", "ipv6_connection", "--protocol", "udp", "--dst-port", "53", "--start-time", "+1h"],
    &["allow", "ipv6_connection", "--dst-addr", "2001:db8::1"],
    &["delete", "slpf:rule_number", "1001"],
    &["update", "file", "{\"name\": \"a.rules\", \"path\": \"/etc/oc2/rules\"}"],
];
