//! Our own daemon as the subject.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use oc2_tests_broker::Authority;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::wire::tls::Files;

/// Our daemon, on a filter that changes nothing unless another one is asked for.
#[derive(Debug)]
pub(crate) struct Ours {
    dir: TempDir,
    port: u16,
    has_http: bool,
    backend: String,
    child: Option<Child>,
}

/// What of the profile it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Full,
    /// No more than a clause needs, so that it can be seen how the rest is refused.
    Bare,
    /// All of it, for those who may only query, and that seldom.
    Guarded,
}

impl Ours {
    /// Starts it over HTTP.
    pub(crate) fn over_http(extent: Extent) -> io::Result<Self> {
        Self::start(extent, None, DRY_RUN)
    }

    /// Starts it over HTTP on this back end.
    pub(crate) fn on(backend: &str) -> io::Result<Self> {
        Self::start(Extent::Full, None, backend)
    }

    /// Starts it over HTTPS, with certificates for this run; who may come, as files for TLS. None if it knows no TLS.
    pub(crate) fn over_https() -> io::Result<Option<(Self, Files)>> {
        Self::secured(|own| {
            format!("ca = {:?}\nidentity = \"alternative-or-common-name\"\n", own.path("ca.pem").display().to_string())
        })
    }

    /// The same for whoever shows a token, of which there is none.
    pub(crate) fn over_https_with_tokens() -> io::Result<Option<(Self, Files)>> {
        Self::secured(|own| {
            let keys = own.path("keys.jwks").display().to_string();
            format!("[http.tokens]\nissuer = \"https://sso.example\"\naudience = \"{DEVICE}\"\nkeys = {keys:?}\n")
        })
    }

    fn secured(who: impl FnOnce(&Self) -> String) -> io::Result<Option<(Self, Files)>> {
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut own = Self { dir, port, has_http: true, backend: DRY_RUN.to_owned(), child: None };
        let authority = Authority::new("conformance");
        let (server, client) = (authority.server(&["localhost"]), authority.client("conformance"));
        for (name, text) in
            [("ca.pem", authority.pem()), ("cert.pem", &server.pem), ("key.pem", &server.key), ("keys.jwks", JWKS)]
        {
            fs::write(own.path(name), text)?;
            // A key that others may read is refused.
            fs::set_permissions(own.path(name), fs::Permissions::from_mode(0o600))?;
        }
        let path = |name: &str| own.path(name).display().to_string();
        let (cert, key) = (path("cert.pem"), path("key.pem"));
        let http = format!("[http]\nlisten = \"127.0.0.1:{port}\"\ncert = {cert:?}\nkey = {key:?}\n{}", who(&own));
        if own.configure(Extent::Full, None, &[http]).is_err() {
            return Ok(None);
        }
        own.start_again()?;
        let identity = Some((client.pem.into_bytes(), client.key.into_bytes()));
        Ok(Some((own, Files { authorities: Some(authority.pem().as_bytes().to_vec()), identity })))
    }

    /// Starts it at a broker.
    pub(crate) fn over_mqtt(broker: u16) -> io::Result<Self> {
        Self::start(Extent::Full, Some(&format!("mqtt://127.0.0.1:{broker}\"")), DRY_RUN)
    }

    /// Starts it at a broker with TLS, whose authority is this.
    pub(crate) fn over_mqtts(broker: u16, ca: &Path) -> io::Result<Self> {
        let words = format!("mqtts://localhost:{broker}\"\nca = {:?}", ca.display().to_string());
        Self::start(Extent::Full, Some(&words), DRY_RUN)
    }

    fn start(extent: Extent, broker: Option<&str>, backend: &str) -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut own = Self { dir, port, has_http: broker.is_none(), backend: backend.to_owned(), child: None };
        let http = format!("[http]\nlisten = \"127.0.0.1:{port}\"\ncbor = true\n");
        // Testing mode has to be asked for, by those that know the word.
        let http = if own.has_http { vec![format!("{http}testing = true\n"), http] } else { vec![String::new()] };
        own.configure(extent, broker, &http)?;
        own.start_again()?;
        Ok(own)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Stops it as an operator does.
    pub(crate) fn stop(&mut self) -> io::Result<()> {
        if let Some(mut child) = self.child.take() {
            kill_process(Pid::from_child(&child), Signal::TERM)?;
            let until = Instant::now() + PATIENCE;
            while child.try_wait()?.is_none() {
                if Instant::now() >= until {
                    child.kill()?;
                    return Err(io::Error::other("it does not end when it is told to"));
                }
                sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    }

    /// Starts it again on what it keeps.
    pub(crate) fn start_again(&mut self) -> io::Result<()> {
        let log = fs::File::create(self.path("log"))?;
        let child = Command::new(program("oc2-consumer")?)
            .args(["run", "--config"])
            .arg(self.path("consumer.toml"))
            .env_remove("OC2_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        self.wait_until_it_listens()
    }

    fn wait_until_it_listens(&mut self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            let is_there = if self.has_http {
                TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            } else {
                log.contains("Connected to the broker, and subscribed.")
            };
            if is_there {
                return Ok(());
            }
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                return Err(io::Error::other(format!("oc2-consumer ended with {status}: {log}")));
            }
            if Instant::now() > until {
                return Err(io::Error::new(ErrorKind::TimedOut, "oc2-consumer does not listen"));
            }
            sleep(Duration::from_millis(10));
        }
    }

    fn configure(&self, extent: Extent, broker: Option<&str>, listeners: &[String]) -> io::Result<()> {
        let rules = self.path("rules");
        fs::create_dir_all(&rules)?;
        fs::write(rules.join("good.rules"), GOOD_RULES)?;
        let mut common = String::new();
        let state = self.path("state").display().to_string();
        let rate_limit = if extent == Extent::Guarded { 20 } else { 60_000 };
        let _ = write!(common, "[consumer]\nid = \"{DEVICE}\"\nstate_dir = {state:?}\nrate_limit = {rate_limit}\n");
        let mut rest = String::new();
        if let Some(broker) = broker {
            let _ = write!(rest, "[mqtt]\nbroker = \"{broker}\n");
        }
        rest += "[policy]\n";
        if extent == Extent::Guarded {
            fs::write(self.path("policy.toml"), POLICY)?;
            let _ = writeln!(rest, "file = {:?}", self.path("policy.toml").display().to_string());
        } else {
            rest += "dangerously_allow_everything = true\n";
        }
        rest += "[[actuator]]\nprofile = \"slpf\"\n";
        let _ = writeln!(rest, "backend = {:?}", self.backend);
        rest += match extent {
            Extent::Full | Extent::Guarded => FULL,
            Extent::Bare => BARE,
        };
        if extent != Extent::Bare {
            let _ = writeln!(rest, "update_dir = {:?}", rules.display().to_string());
        }
        let file = self.path("consumer.toml");
        let mut said = String::new();
        for http in listeners {
            fs::write(&file, format!("{common}{http}{rest}"))?;
            let check = Command::new(program("oc2-consumer")?).args(["check", "--config"]).arg(&file).output()?;
            if check.status.success() {
                return Ok(());
            }
            said = String::from_utf8_lossy(&check.stderr).into_owned();
        }
        Err(io::Error::other(format!("oc2-consumer does not take the configuration of the suite: {said}")))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A program of the workspace: beside this one, or named in the environment.
pub(crate) fn program(name: &str) -> io::Result<PathBuf> {
    let variable = name.replace('-', "_").to_uppercase();
    if let Some(path) = std::env::var_os(format!("{variable}_PROGRAM")) {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    let folders = own.ancestors().skip(1).take(2);
    let mut candidates = folders.map(|folder: &Path| folder.join(name));
    candidates.find(|path| path.is_file()).ok_or_else(|| {
        io::Error::new(ErrorKind::NotFound, format!("{name} is not built: `cargo xtask conformance` does that first"))
    })
}

/// What it is known by.
pub(crate) const DEVICE: &str = "fw1.example.net";

/// Whoever comes may query.
const POLICY: &str =
    "[[rule]]\nname = \"everybody looks\"\nwho = \"unauthenticated\"\nactions = \"query\"\ntargets = \"any\"\n";

/// The keys of an issuer of tokens, of which none is ever seen.
const JWKS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "nobody", "alg": "EdDSA", "use": "sig",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

const DRY_RUN: &str = "dry-run";

/// A file that `update file` takes.
const GOOD_RULES: &str = r#"[{"action": "deny", "target": {"ipv4_net": "203.0.113.99"}}]"#;

const FULL: &str = "asset_id = \"30\"\nhostname = [\"fw1.example.net\", \"192.0.2.1\"]\nnamed_group = \"edge\"\n\
                    asset_tuple = [\"a\", \"b\"]\n";

const BARE: &str = "disabled_pairs = [\"allow ipv4_connection\", \"allow ipv6_connection\", \"allow ipv6_net\", \
                     \"deny ipv4_connection\", \"deny ipv6_connection\", \"deny ipv6_net\", \
                    \"delete slpf:rule_number\"]\ndisabled_args = [\"direction\", \"insert_rule\"]\n";

const PATIENCE: Duration = Duration::from_secs(30);
