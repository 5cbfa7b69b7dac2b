//! A Consumer that speaks TLS, and who issues the certificates.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use oc2_tests_broker::{Authority, Certificate, Order};

use super::{Answer, Config, Daemon, Line, command, tunnel};

/// A configuration with TLS, and the two authorities around it.
pub(crate) struct Site {
    pub(crate) config: Config,
    /// Issues certificates to Consumers.
    pub(crate) consumers: Authority,
    /// Issues certificates to Producers.
    pub(crate) producers: Authority,
}

impl Site {
    /// A Consumer that asks Producers for a certificate.
    pub(crate) fn new() -> Self {
        let site = Self::unlocked();
        let ca = site.write("producers.pem", site.producers.pem());
        site.http(&format!("ca = {:?}", ca.display().to_string()))
    }

    /// A Consumer of whom nothing says whom it lets in.
    pub(crate) fn unlocked() -> Self {
        let (consumers, producers) = (Authority::new("consumers"), Authority::new("producers"));
        let site = Self { config: Config::new().secure(), consumers, producers };
        let (cert, key) = site.identify(&site.consumers.fill(Order::server(&HERE)));
        let lines =
            [("cert", cert), ("key", key)].map(|(key, path)| format!("{key} = {:?}", path.display().to_string()));
        lines.iter().fold(site, |site, line| site.http(line))
    }

    /// One more line of [http].
    pub(crate) fn http(self, line: &str) -> Self {
        Self { config: self.config.http(line), ..self }
    }

    pub(crate) fn slpf(self) -> Self {
        Self { config: self.config.slpf("dry-run", ""), ..self }
    }

    pub(crate) fn policy(self, rules: &str) -> Self {
        Self { config: self.config.policy(rules), ..self }
    }

    pub(crate) fn start(&self) -> Daemon {
        self.config.start()
    }

    /// Writes what the Consumer shows.
    pub(crate) fn identify(&self, certificate: &Certificate) -> (PathBuf, PathBuf) {
        (self.write("fw1.pem", &certificate.pem), self.write("fw1.key", &certificate.key))
    }

    /// Writes a file that nobody else may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.config.folder().join(name);
        fs::write(&path, text).expect("the folder is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        path
    }

    /// The certificate of a Producer.
    pub(crate) fn producer(&self, name: &str) -> Certificate {
        self.producers.fill(Order::client(name))
    }

    /// Commands with a certificate.
    pub(crate) fn ask_as(&self, daemon: &Daemon, certificate: &Certificate, args: &[&str]) -> Answer {
        let (cert, key) = (self.write("soc.pem", &certificate.pem), self.write("soc.key", &certificate.key));
        let shown = ["--cert", cert.to_str().expect("a path"), "--key", key.to_str().expect("a path")];
        self.ask(daemon, &[&shown, args].concat())
    }

    /// Commands with whatever these words show.
    pub(crate) fn ask(&self, daemon: &Daemon, args: &[&str]) -> Answer {
        let ca = self.write("consumers.pem", self.consumers.pem());
        command(&daemon.url(), &[&["--ca", ca.to_str().expect("a path")], args].concat())
    }

    /// Asks whoever listens at this URL.
    pub(crate) fn ask_at(&self, url: &str) -> Answer {
        let ca = self.write("consumers.pem", self.consumers.pem());
        command(url, &["--ca", ca.to_str().expect("a path"), "query", "features"])
    }

    /// A connection of a Producer that stays.
    pub(crate) fn line(&self, daemon: &Daemon, certificate: Option<&Certificate>) -> Line {
        Line::to(self.way(daemon, certificate))
    }

    /// A port of loopback that leads to the daemon as this Producer, by TLS.
    pub(crate) fn way(&self, daemon: &Daemon, certificate: Option<&Certificate>) -> u16 {
        tunnel(daemon.address().port(), self.consumers.pem(), certificate)
    }
}

/// Names of this host.
pub(crate) const HERE: [&str; 2] = ["localhost", "127.0.0.1"];
