//! What the machine needs: looked for, installed where that is ours to do, named exactly where it is not.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::process::{self, Interrupt};

/// A machine on which every tool was found.
#[derive(Debug)]
pub(crate) struct Machine {
    root: bool,
    distribution: Distribution,
    search_path: OsString,
    tools: &'static [Tool],
}

impl Machine {
    /// Finds the tools of the tests and the demo; as root on Debian and its relatives installs what is missing.
    ///
    /// # Errors
    ///
    /// Names the missing tools and the command that installs them.
    pub(crate) fn prepare(interrupt: &Interrupt) -> Result<Self> {
        Self::with(&TOOLS, interrupt)
    }

    /// The same for what libFuzzer is built with.
    pub(crate) fn prepare_to_compile(interrupt: &Interrupt) -> Result<Self> {
        Self::with(&COMPILERS, interrupt)
    }

    /// The same for what kills daemons and looks what is left.
    pub(crate) fn prepare_to_kill(interrupt: &Interrupt) -> Result<Self> {
        Self::with(&KILLERS, interrupt)
    }

    /// The same for what packages are made and tried with.
    pub(crate) fn prepare_to_package(interrupt: &Interrupt) -> Result<Self> {
        Self::with(&PACKAGERS, interrupt)
    }

    fn with(tools: &'static [Tool], interrupt: &Interrupt) -> Result<Self> {
        let machine = Self::look(tools);
        let missing = machine.missing();
        if missing.is_empty() {
            println!("Every tool this needs was found.");
            return Ok(machine);
        }
        if !machine.is_root_on_debian() {
            return Err(machine.advice(&missing));
        }
        machine.install(&missing, interrupt)?;
        let still_missing = machine.missing();
        if still_missing.is_empty() { Ok(machine) } else { Err(machine.advice(&still_missing)) }
    }

    fn look(tools: &'static [Tool]) -> Self {
        let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        Self {
            root: rustix::process::geteuid().is_root(),
            distribution: Distribution::of(&os_release),
            search_path: with_system_folders(env::var_os("PATH").unwrap_or_default()),
            tools,
        }
    }

    /// Whether the effective user is root.
    pub(crate) fn is_root(&self) -> bool {
        self.root
    }

    /// Whether packages may be installed here without asking.
    pub(crate) fn is_root_on_debian(&self) -> bool {
        self.root && self.distribution == Distribution::Debian
    }

    /// The PATH of this machine for a child, whatever tools it has.
    pub(crate) fn search_path_here() -> OsString {
        with_system_folders(env::var_os("PATH").unwrap_or_default())
    }

    /// The PATH for every child: iptables and ip live in sbin, which the PATH of ordinary users lacks.
    pub(crate) fn search_path(&self) -> &OsStr {
        &self.search_path
    }

    fn missing(&self) -> Vec<&'static Tool> {
        self.tools.iter().filter(|tool| find(tool.name, &self.search_path).is_none()).collect()
    }

    fn install(&self, missing: &[&Tool], interrupt: &Interrupt) -> Result<()> {
        let packages = self.distribution.packages(missing);
        println!("Installing {} by apt-get: {} not found.", packages.join(" "), names(missing));
        let updated = process::run(self.apt_get().arg("update"), interrupt)?;
        let installed = process::run(
            self.apt_get().args(["install", "--yes", "--no-install-recommends"]).args(packages),
            interrupt,
        )?;
        match (updated.success(), installed.success()) {
            // The package lists of an earlier update may do.
            (_, true) => Ok(()),
            (true, false) => Err(Failure::new("`apt-get install` failed, see above")),
            (false, false) => {
                Err(Failure::new("`apt-get update` failed, see above: are the machine's package sources reachable?"))
            }
        }
    }

    /// Has apt look which packages there are.
    pub(crate) fn update_package_lists(&self, interrupt: &Interrupt) -> Result<()> {
        let updated = process::run(self.apt_get().arg("update"), interrupt)?;
        if updated.success() { Ok(()) } else { Err(Failure::new("`apt-get update` failed, see above")) }
    }

    fn apt_get(&self) -> Command {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").env("PATH", &self.search_path);
        // Another apt-get may be at work on a machine that has just started.
        command.args(["--quiet=2", "--option", "DPkg::Lock::Timeout=120", "--option", "Dpkg::Use-Pty=0"]);
        command
    }

    fn advice(&self, missing: &[&Tool]) -> Failure {
        let packages = self.distribution.packages(missing).join(" ");
        let remedy = match self.distribution.installer() {
            Some(installer) => format!("as root run: {installer} {packages}"),
            None => format!("install what holds them; on Debian these packages do: {packages}"),
        };
        Failure::new(format!("not found: {}; {remedy}", names(missing)))
    }
}

/// Finds a program in a search path.
pub(crate) fn find(name: &str, search_path: &OsStr) -> Option<PathBuf> {
    env::split_paths(search_path).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Distribution {
    Debian,
    Fedora,
    Arch,
    Other,
}

impl Distribution {
    /// Reads `/etc/os-release`: what it is, then what it is like.
    fn of(os_release: &str) -> Self {
        let value = |key| os_release.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| *name == key);
        let words = ["ID", "ID_LIKE"]
            .into_iter()
            .filter_map(value)
            .flat_map(|(_, text)| text.trim_matches(['"', '\'']).split_whitespace());
        let known = words.map(|word| match word {
            "debian" | "ubuntu" => Self::Debian,
            "fedora" | "rhel" | "centos" => Self::Fedora,
            "arch" => Self::Arch,
            _ => Self::Other,
        });
        known.into_iter().find(|distribution| *distribution != Self::Other).unwrap_or(Self::Other)
    }

    fn installer(self) -> Option<&'static str> {
        match self {
            Self::Debian => Some("apt-get install"),
            Self::Fedora => Some("dnf install"),
            Self::Arch => Some("pacman -S"),
            Self::Other => None,
        }
    }

    fn packages(self, tools: &[&Tool]) -> Vec<&'static str> {
        let mut packages: Vec<_> = tools
            .iter()
            .map(|tool| match self {
                Self::Debian | Self::Other => tool.debian,
                Self::Fedora => tool.fedora,
                Self::Arch => tool.arch,
            })
            .collect();
        packages.sort_unstable();
        packages.dedup();
        packages
    }
}

/// A program and the package that holds it.
#[derive(Debug)]
struct Tool {
    name: &'static str,
    debian: &'static str,
    fedora: &'static str,
    arch: &'static str,
}

const fn tool(name: &'static str, debian: &'static str, fedora: &'static str, arch: &'static str) -> Tool {
    Tool { name, debian, fedora, arch }
}

#[rustfmt::skip]
const TOOLS: [Tool; 16] = [
    //   program              Debian          Fedora          Arch
    tool("iptables",          "iptables",     "iptables-nft", "iptables"),
    tool("ip6tables",         "iptables",     "iptables-nft", "iptables"),
    tool("iptables-restore",  "iptables",     "iptables-nft", "iptables"),
    tool("ip6tables-restore", "iptables",     "iptables-nft", "iptables"),
    tool("ip",                "iproute2",     "iproute",      "iproute2"),
    tool("ipset",             "ipset",        "ipset",        "ipset"),
    tool("nft",               "nftables",     "nftables",     "nftables"),
    tool("strace",            "strace",       "strace",       "strace"),
    tool("ping",              "iputils-ping", "iputils",      "iputils"),
    tool("mount",             "mount",        "util-linux",   "util-linux"),
    tool("unshare",           "util-linux",   "util-linux",   "util-linux"),
    tool("nsenter",           "util-linux",   "util-linux",   "util-linux"),
    tool("setpriv",           "util-linux",   "util-linux",   "util-linux"),
    tool("mosquitto",         "mosquitto",    "mosquitto",    "mosquitto"),
    tool("openssl",           "openssl",      "openssl",      "openssl"),
    tool("curl",              "curl",         "curl",         "curl"),
];

#[rustfmt::skip]
const KILLERS: [Tool; 9] = [
    tool("iptables",       "iptables",   "iptables-nft", "iptables"),
    tool("iptables-save",  "iptables",   "iptables-nft", "iptables"),
    tool("ip6tables-save", "iptables",   "iptables-nft", "iptables"),
    tool("ip",             "iproute2",   "iproute",      "iproute2"),
    tool("ipset",          "ipset",      "ipset",        "ipset"),
    tool("mount",          "mount",      "util-linux",   "util-linux"),
    tool("nft",            "nftables",   "nftables",     "nftables"),
    tool("strace",         "strace",     "strace",       "strace"),
    tool("unshare",        "util-linux", "util-linux",   "util-linux"),
];

const COMPILERS: [Tool; 1] = [tool("c++", "g++", "gcc-c++", "gcc")];

#[rustfmt::skip]
const PACKAGERS: [Tool; 3] = [
    tool("dpkg-shlibdeps", "dpkg-dev",   "dpkg-dev",   "dpkg"),
    tool("strip",          "binutils",   "binutils",   "binutils"),
    tool("mmdebstrap",     "mmdebstrap", "mmdebstrap", "mmdebstrap"),
];

fn with_system_folders(search_path: OsString) -> OsString {
    let mut folders: Vec<_> = env::split_paths(&search_path).collect();
    for folder in ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    // Fails only for a folder with a colon in its name, which splitting at colons cannot produce.
    env::join_paths(folders).unwrap_or(search_path)
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn names(tools: &[&Tool]) -> String {
    tools.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relatives_of_debian_are_recognised_by_what_they_are_like() {
        assert_eq!(Distribution::of("NAME=\"Debian\"\nID=debian\n"), Distribution::Debian);
        assert_eq!(Distribution::of("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), Distribution::Debian);
        assert_eq!(Distribution::of("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Distribution::Fedora);
        assert_eq!(Distribution::of("ID=alpine\n"), Distribution::Other);
        assert_eq!(Distribution::of(""), Distribution::Other);
    }

    #[test]
    fn advice_names_the_tools_and_the_exact_command() {
        let machine =
            Machine { root: false, distribution: Distribution::Debian, search_path: OsString::new(), tools: &TOOLS };
        let missing: Vec<_> =
            TOOLS.iter().filter(|tool| ["iptables", "ip6tables", "ip"].contains(&tool.name)).collect();
        assert_eq!(
            machine.advice(&missing).to_string(),
            "not found: iptables, ip6tables, ip; as root run: apt-get install iproute2 iptables"
        );
    }

    #[test]
    fn system_folders_are_searched_last_and_once() {
        assert_eq!(with_system_folders("/bin:/sbin".into()), "/bin:/sbin:/usr/local/sbin:/usr/sbin");
    }
}
