use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use oc2_actuator_iptables::backend::{BackendConfig, Restore};
use oc2_actuator_iptables::testing;
use oc2_packet_filter::backend::Backend;
use oc2_packet_filter::{
    Change, Family, Flavor, Hook, InForce, KernelRule, Matching, Network, Ports, Protocol, Ruleset, Verdict,
};
use oc2_profile_slpf::RuleNumber;

/// Makes a test for each flavor of iptables, named after the function and the flavor.
macro_rules! on_every_flavor {
    ($($(#[$meta:meta])* fn $name:ident($host:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            $(#[$meta])*
            fn body($host: &Host) $body

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
pub(crate) fn run(path: &str, flavor: Flavor, body: fn(&Host)) {
    let (_crate_name, test) = path.split_once("::").unwrap();
    testing::in_namespace(test, || {
        let host = Host { flavor };
        let has_tables = |family| host.iptables_output(family, &["-S", "INPUT"]).status.success();
        match Family::ALL.into_iter().find(|&family| !has_tables(family)) {
            None => body(&host),
            Some(family) => testing::note(&format!("this kernel has no {flavor:?} tables for {family}")),
        }
    });
}

/// A kernel without rules, met by one flavor of iptables.
pub(crate) struct Host {
    pub(crate) flavor: Flavor,
}

impl Host {
    pub(crate) fn config(&self) -> BackendConfig {
        BackendConfig { flavor: self.flavor, ..BackendConfig::default() }
    }

    pub(crate) fn open(&self) -> Restore {
        Restore::open(&self.config()).unwrap()
    }

    pub(crate) fn loaded(&self, rules: &Ruleset) -> Restore {
        let mut backend = self.open();
        backend.load(rules).unwrap();
        backend
    }

    /// What a foreign hand does.
    pub(crate) fn iptables(&self, family: Family, args: &str) -> String {
        let output = self.iptables_output(family, &args.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "iptables {args}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn iptables_output(&self, family: Family, args: &[&str]) -> Output {
        Command::new(self.tool(family, "")).args(["-w", "5"]).args(args).output().unwrap()
    }

    pub(crate) fn tool(&self, family: Family, suffix: &str) -> PathBuf {
        let family = match family {
            Family::V4 => "iptables",
            Family::V6 => "ip6tables",
        };
        let flavor = match self.flavor {
            Flavor::Auto => "",
            Flavor::Nft => "-nft",
            Flavor::Legacy => "-legacy",
        };
        let name = format!("{family}{flavor}{suffix}");
        let mut paths = BackendConfig::default().tool_dirs.into_iter().map(|dir| dir.join(&name));
        paths.find(|path| path.exists()).unwrap()
    }

    /// A directory with the real tools in which the restore tool of a family is replaced by a shell script; `REAL` in the
    /// script is the tool it stands for.
    pub(crate) fn tools_with(&self, family: Family, script: &str) -> ToolDir {
        let dir = ToolDir(std::env::temp_dir().join(format!("oc2-tools-{}", std::process::id())));
        fs::create_dir_all(&dir.0).unwrap();
        for of in Family::ALL {
            for suffix in ["", "-restore"] {
                let tool = self.tool(of, suffix);
                let path = dir.0.join(tool.file_name().unwrap());
                if (of, suffix) == (family, "-restore") {
                    fs::write(
                        &path,
                        format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n").replace("REAL", tool.to_str().unwrap()),
                    )
                    .unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
                } else {
                    std::os::unix::fs::symlink(&tool, &path).unwrap();
                }
            }
        }
        dir
    }
}

/// Goes with the test.
pub(crate) struct ToolDir(PathBuf);

impl ToolDir {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ToolDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The processes of ours that are an `iptables-restore`.
pub(crate) fn restore_children() -> Vec<u32> {
    children_of(std::process::id()).into_iter().filter(|&pid| command_line(pid).contains("-restore")).collect()
}

pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| parent_of(pid) == Some(parent)).collect()
}

pub(crate) fn signal(pid: u32, signal: &str) {
    // A process that is gone already is what was wanted.
    let _ = Command::new("kill").args([signal, &pid.to_string()]).output().unwrap();
}

/// Kills the tools that stay, and waits until they are gone.
pub(crate) fn end_tools() {
    let tools = restore_children();
    tools.iter().for_each(|&pid| signal(pid, "-KILL"));
    tools.into_iter().for_each(wait_for_the_end_of);
}

/// A zombie has ended too.
pub(crate) fn wait_for_the_end_of(pid: u32) {
    let deadline = Instant::now() + Duration::from_secs(5);
    let is_running = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    while is_running() {
        assert!(Instant::now() < deadline, "{pid} still runs");
        thread::sleep(Duration::from_millis(1));
    }
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn command_line(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

/// A rule for one TCP port.
pub(crate) fn tcp(family: Family, hook: Hook, port: u16) -> KernelRule {
    let protocol = Some(Protocol::Tcp(Ports { src_port: None, dst_port: Some(port) }));
    rule(family, hook, Matching { protocol, ..Matching::default() }, Verdict::Drop)
}

pub(crate) fn rule(family: Family, hook: Hook, matching: Matching, verdict: Verdict) -> KernelRule {
    KernelRule::new(family, hook, matching, verdict).unwrap()
}

pub(crate) fn network(text: &str) -> Option<Network> {
    Some(text.parse().unwrap())
}

/// Rules for IPv4 INPUT, one for each port, with the numbers 10, 20, 30 and so on.
pub(crate) fn ports(ports: &[u16]) -> Ruleset {
    numbered(ports.iter().map(|&port| tcp(Family::V4, Hook::Input, port)))
}

/// These rules, with the numbers 10, 20, 30 and so on.
pub(crate) fn numbered(rules: impl IntoIterator<Item = KernelRule>) -> Ruleset {
    rules.into_iter().zip(1..).map(|(rule, i)| in_force(10 * i, rule)).collect()
}

pub(crate) fn in_force(number: i64, rule: KernelRule) -> InForce {
    InForce::new(RuleNumber::new(number).unwrap(), [rule])
}

pub(crate) fn insert(number: i64, rule: KernelRule) -> Change {
    Change::Insert(in_force(number, rule))
}

pub(crate) fn delete(number: i64, rule: KernelRule) -> Change {
    Change::Delete(in_force(number, rule))
}

pub(crate) fn insert_port(number: i64, port: u16) -> Change {
    insert(number, tcp(Family::V4, Hook::Input, port))
}

pub(crate) fn delete_port(number: i64, port: u16) -> Change {
    delete(number, tcp(Family::V4, Hook::Input, port))
}

/// The first chain that ours for IPv4 INPUT leads to.
pub(crate) fn first_shard(host: &Host) -> String {
    let printed = host.iptables(Family::V4, "-S OC2-INPUT");
    printed.lines().find_map(|line| line.strip_prefix("-A OC2-INPUT -j ")).unwrap().to_owned()
}

/// Numbers that are the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}
