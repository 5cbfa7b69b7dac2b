//! Our Producer, with a list of Commands that shows all it can.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use oc2_tests_broker::Authority;
use rustls::ServerConfig;

use super::{Hearing, OwnBroker, commands, http, mqtt};
use crate::subject::program;
use crate::verdict::Notes;
use crate::wire::tls::{self, Files};

/// Runs our Producer over HTTP, HTTPS and through brokers, and judges what it sends.
pub(crate) fn against_ours() -> io::Result<Notes> {
    let mut hearing = Hearing::default();
    over_http(&mut hearing, None, COMMANDS)?;
    let authority = Authority::new("conformance");
    let certificate = authority.server(&["localhost"]);
    let server = tls::server(certificate.pem.as_bytes(), certificate.key.as_bytes(), &Files::default());
    let server = Arc::new(server.map_err(io::Error::other)?);
    over_http(&mut hearing, Some((server, authority.pem())), &COMMANDS[..1])?;
    hearing.notes.merge(to_an_impostor(authority.pem())?);
    for is_secured in [false, true] {
        match OwnBroker::start(is_secured) {
            Ok(own) => over_mqtt(&mut hearing, &own)?,
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    commands::sum_up(&mut hearing);
    Ok(hearing.notes)
}

/// Each of the commands, with TLS where there is a server and its authority for that.
fn over_http(
    hearing: &mut Hearing,
    tls: Option<(Arc<ServerConfig>, &str)>,
    commands: &'static [&[&str]],
) -> io::Result<()> {
    let (said, port) = mpsc::channel();
    let (server, ca) = tls.map(|(server, ca)| (server, ca.to_owned())).unzip();
    let running = thread::spawn(move || {
        let port: u16 = port.recv().map_err(io::Error::other)?;
        let folder = tempfile::tempdir()?;
        let options = match ca {
            None => vec!["--to".to_owned(), format!("http://127.0.0.1:{port}")],
            Some(ca) => trusting(folder.path(), &ca, &format!("https://localhost:{port}"))?,
        };
        commands.iter().try_for_each(|command| send(&options, command, &[0, 1]))
    });
    // Whoever waits for it is there until it comes.
    let say = move |port| said.send(port).unwrap_or_default();
    http::listen("127.0.0.1:0", server, Duration::from_secs(3), say, hearing)?;
    running.join().map_err(|_| io::Error::other("the Producer could not be run"))?
}

/// It is told to trust one authority, and meets the certificate of another one.
fn to_an_impostor(ca: &str) -> io::Result<Notes> {
    let (said, port) = mpsc::channel();
    let ca = ca.to_owned();
    let running = thread::spawn(move || {
        let port: u16 = port.recv().map_err(io::Error::other)?;
        let folder = tempfile::tempdir()?;
        let options = trusting(folder.path(), &ca, &format!("https://localhost:{port}"))?;
        send(&options, COMMANDS[0], &[3, 4, 5])
    });
    let say = move |port| said.send(port).unwrap_or_default();
    let notes = http::imposture("127.0.0.1:0", Duration::from_secs(3), say)?;
    running.join().map_err(|_| io::Error::other("the Producer could not be run"))??;
    Ok(notes)
}

fn over_mqtt(hearing: &mut Hearing, own: &OwnBroker) -> io::Result<()> {
    let state = tempfile::tempdir()?;
    let mut heard = Hearing::default();
    let is_over = AtomicBool::new(false);
    let port = own.tap.port();
    let mut common = match own.ca() {
        None => vec!["--to".to_owned(), format!("mqtt://127.0.0.1:{port}")],
        Some(ca) => trusting(state.path(), &fs::read_to_string(ca)?, &format!("mqtts://localhost:{port}"))?,
    };
    common.extend(["--state-dir", &state.path().display().to_string()].map(str::to_owned));
    common.extend(["--expect", "1", "--wait", "20s"].map(str::to_owned));
    thread::scope(|scope| {
        let (is_over, common) = (&is_over, &common);
        let running = scope.spawn(move || {
            let whom = [&["--device", "fw1"][..], &["--profile", "slpf"], &["--all"]];
            let res = whom
                .into_iter()
                .try_for_each(|whom| send(common, &[whom, &["deny", "ipv4_net", "203.0.113.7"]].concat(), &[0, 1]));
            is_over.store(true, Ordering::SeqCst);
            res
        });
        let res = mqtt::hear(&mut heard, &own.broker, Some(&own.tap), |_| is_over.load(Ordering::SeqCst));
        running.join().map_err(|_| io::Error::other("the Producer could not be run"))??;
        res
    })?;
    hearing.notes.merge(heard.notes);
    hearing.pairs.extend(heard.pairs);
    Ok(())
}

/// Options to reach a subject whose certificate is of this authority.
fn trusting(folder: &Path, ca: &str, to: &str) -> io::Result<Vec<String>> {
    let file = folder.join("trusted.pem");
    fs::write(&file, ca)?;
    Ok(["--to", to, "--ca", &file.display().to_string()].map(str::to_owned).into())
}

fn send(options: &[String], words: &[&str], expected: &[i32]) -> io::Result<()> {
    let mut command = Command::new(program("oc2-producer")?);
    command.arg("--json").args(options).args(words).env_remove("OC2_TO").stdin(Stdio::null());
    let output = command.output()?;
    match output.status.code() {
        Some(code) if expected.contains(&code) => Ok(()),
        // Whatever else is a Command that never went out, or one that did and should not have.
        code => Err(io::Error::other(format!("{words:?}: {code:?} {}", String::from_utf8_lossy(&output.stderr)))),
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
