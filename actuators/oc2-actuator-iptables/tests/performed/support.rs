use std::net::IpAddr;
use std::path::Path;
use std::process::{Command as Process, Output};

use oc2_actuator::{AnyActuator, Outcome};
use oc2_actuator_iptables::backend::BackendConfig;
use oc2_actuator_iptables::testing;
use oc2_core::shape::read::{Context, Read};
use oc2_core::{Command, Rejection};
use oc2_packet_filter::{Config, Family, Flavor, PacketFilter};
use oc2_profile_slpf::{Results, RuleNumber};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Makes a test for each flavor of iptables, named after the function and the flavor, in a namespace of its own.
macro_rules! on_every_flavor {
    ($($(#[$meta:meta])* fn $name:ident($flavor:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            $(#[$meta])*
            fn body($flavor: Flavor) $body

            #[test]
            fn nft() {
                $crate::support::run(concat!(module_path!(), "::nft"), Flavor::Nft, body);
            }

            #[test]
            fn legacy() {
                $crate::support::run(concat!(module_path!(), "::legacy"), Flavor::Legacy, body);
            }
        }
    )*};
}

/// Runs the body where nothing but the test is, unless the kernel lacks the flavor.
pub(crate) fn run(path: &str, flavor: Flavor, body: fn(Flavor)) {
    testing::in_namespace(test_name(path), || {
        for family in Family::ALL {
            if !iptables_output(flavor, family, "-S INPUT").status.success() {
                return testing::skip(&format!("no {flavor:?} tables for {family}"));
            }
        }
        body(flavor);
    });
}

/// The name by which the test runner knows a test: without that of the crate.
pub(crate) fn test_name(path: &str) -> &str {
    path.split_once("::").unwrap().1
}

/// An actuator and the directory of its store.
pub(crate) struct Firewall {
    pub(crate) dir: TempDir,
    config: Config,
    actuator: Option<PacketFilter>,
    runtime: Runtime,
}

impl Firewall {
    /// One that filters nothing.
    pub(crate) fn dry() -> Self {
        Self::dry_with("")
    }

    /// One that filters nothing, with more of the configuration.
    pub(crate) fn dry_with(settings: &str) -> Self {
        Self::open(toml::from_str(&format!("backend = \"dry-run\"\n{settings}")).unwrap())
    }

    /// One that filters this host.
    pub(crate) fn real(flavor: Flavor) -> Self {
        Self::open(Config { flavor, ..Config::default() })
    }

    pub(crate) fn open(config: Config) -> Self {
        let dir = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let actuator = Some(oc2_actuator_iptables::open(config.clone(), dir.path()).unwrap());
        Self { dir, config, actuator, runtime }
    }

    /// The process ends in order, and another one starts.
    pub(crate) fn restart(&mut self) {
        self.actuator = None;
        self.actuator = Some(oc2_actuator_iptables::open(self.config.clone(), self.dir.path()).unwrap());
    }

    /// The same with another configuration.
    pub(crate) fn restart_with(&mut self, config: Config) {
        self.config = config;
        self.restart();
    }

    pub(crate) fn actuator(&self) -> &PacketFilter {
        self.actuator.as_ref().unwrap()
    }

    pub(crate) fn any(&self) -> AnyActuator {
        AnyActuator::new(self.actuator().clone())
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// What becomes of a command.
    pub(crate) fn send(&self, command: &Command) -> Outcome {
        self.block_on(oc2_actuator::testing::perform(&self.any(), command))
    }

    /// The number of the rule that a command makes.
    pub(crate) fn number(&self, command: &Command) -> RuleNumber {
        let results = self.send(command).unwrap().unwrap().of::<Results>().unwrap();
        results.rule_number.unwrap()
    }

    pub(crate) fn refusal(&self, command: &Command) -> Rejection {
        self.send(command).unwrap_err()
    }

    /// The numbers of the rules, first match first.
    pub(crate) fn numbers(&self) -> Vec<i64> {
        let rules = self.block_on(self.actuator().rules()).unwrap();
        rules.iter().map(|record| record.number.as_i64()).collect()
    }

    pub(crate) fn kernel_agrees(&self) -> bool {
        self.block_on(self.actuator().kernel_agrees()).unwrap()
    }
}

/// A command from JSON, read as an unforgiving Consumer would.
pub(crate) fn command(json: &str) -> Command {
    let mut context = Context::new(oc2_core::Mode::Strict);
    Command::read(&mut context, &mut serde_json::Deserializer::from_str(json)).unwrap()
}

/// What a foreign hand does.
pub(crate) fn iptables(flavor: Flavor, family: Family, args: &str) -> String {
    let output = iptables_output(flavor, family, args);
    assert!(output.status.success(), "iptables {args}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn family_of(address: IpAddr) -> Family {
    address.into()
}

fn iptables_output(flavor: Flavor, family: Family, args: &str) -> Output {
    let family = match family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    };
    let flavor = match flavor {
        Flavor::Auto => "",
        Flavor::Nft => "-nft",
        Flavor::Legacy => "-legacy",
    };
    let name = format!("{family}{flavor}");
    let paths = BackendConfig::default().tool_dirs;
    let path =
        paths.iter().map(|dir| dir.join(&name)).find(|path| path.exists()).unwrap_or_else(|| Path::new(&name).into());
    Process::new(path).args(["-w", "5"]).args(args.split(' ')).output().unwrap()
}
