//! Packages in a Debian that holds nothing else: what is there when they are installed, and when they are purged.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use super::{PACKAGES, file};
use crate::cargo::workspace;
use crate::failure::{Failure, Place, Result};
use crate::process::{self, Interrupt};
use crate::setup::Machine;

/// Tries the packages of a folder. Where no clean root can be made that is said, and is no failure.
pub(super) fn attempt(packages: &Path, machine: &Machine, interrupt: &Interrupt) -> Result<()> {
    let root = match Root::make(machine, interrupt) {
        Ok(root) => root,
        Err(Failure::Interrupted(signal)) => return Err(Failure::Interrupted(signal)),
        Err(reason) => {
            println!("packages NOT TRIED: {reason}");
            return Ok(());
        }
    };
    let before = root.files()?;
    for name in PACKAGES {
        let inside = root.0.join(name);
        fs::copy(file(packages, name), &inside).place(inside.display())?;
        root.must(&["dpkg", "--install", &format!("/{name}")])?;
        fs::remove_file(&inside).place(inside.display())?;
    }
    root.holds_what_it_should()?;
    root.must(&["dpkg", "--purge", "oc2-consumer", "oc2-producer"])?;
    root.holds_nothing_of_ours(&before)?;
    println!("Installed in a clean root, tried and purged: nothing was left.");
    Ok(())
}

/// A folder with a small Debian in it, which goes with this value.
struct Root(PathBuf);

impl Root {
    fn make(machine: &Machine, interrupt: &Interrupt) -> Result<Self> {
        if !machine.is_root_on_debian() {
            return Err(Failure::new("a clean root is made by root on Debian"));
        }
        let (mirror, release) = mirror(machine, interrupt)?;
        let root = Self(workspace().join("target/deb-root"));
        root.remove();
        let mut command = Command::new("mmdebstrap");
        // What the packages depend on; that nothing is missing is for dpkg to find out.
        command.args(["--quiet", "--mode=root", "--variant=minbase", "--include=adduser,iptables", &release]);
        command.arg(&root.0).arg(mirror).env("PATH", machine.search_path());
        if process::run(&mut command, interrupt)?.success() {
            Ok(root)
        } else {
            Err(Failure::new("mmdebstrap could not make a clean root, see above"))
        }
    }

    fn remove(&self) {
        // What is not there is removed; what cannot be removed is said by the one who makes it anew.
        let _ = fs::remove_dir_all(&self.0);
    }

    fn run(&self, options: &[&str], words: &[&str]) -> Result<Output> {
        let mut command = Command::new("chroot");
        command.args(options).arg(&self.0).args(words).env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        process::output_within(command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), LIMIT)
    }

    /// The standard output of a command in there, which has to succeed.
    fn must(&self, words: &[&str]) -> Result<String> {
        let output = self.run(&[], words)?;
        said(words, output)
    }

    /// Every path in there.
    fn files(&self) -> Result<BTreeSet<String>> {
        Ok(self.must(&["find", "/", "-xdev"])?.lines().map(ToOwned::to_owned).collect())
    }

    fn holds_what_it_should(&self) -> Result<()> {
        for name in PACKAGES {
            let version = self.must(&[name, "--version"])?;
            expect(version.trim() == format!("{name} {}", env!("CARGO_PKG_VERSION")), "a version", &version)?;
        }
        let check = ["oc2-consumer", "check", "--config", "/etc/oc2/consumer.toml"];
        let seen = said(&check, self.run(&["--userspec=oc2:oc2"], &check)?)?;
        expect(seen.starts_with("/etc/oc2/consumer.toml: ok\n"), "that the configuration is right", &seen)?;
        let seen = self.run(&["--userspec=65534:65534"], &check)?;
        expect(!seen.status.success(), "that others may not read the configuration", "they may")?;
        // Nobody may do anything.
        fs::write(self.0.join("query.json"), QUERY).place("query.json")?;
        let asked = [&check[..], &["--as", "unauthenticated", "--command", "/query.json"]].concat();
        let seen = self.run(&[], &asked)?;
        fs::remove_file(self.0.join("query.json")).place("query.json")?;
        let seen = String::from_utf8_lossy(&[seen.stdout, seen.stderr].concat()).into_owned();
        expect(seen.contains("403"), "a refusal", &seen)?;
        let oc2 = self.id("oc2")?;
        for (path, owner, group, mode) in OWNED {
            let data = fs::metadata(self.0.join(path)).place(path)?;
            let number = |name: &str| if name == "oc2" { oc2 } else { (0, 0) };
            let is_so = (data.uid(), data.gid(), data.permissions().mode() & 0o7777)
                == (number(owner).0, number(group).1, *mode);
            expect(is_so, &format!("{path} of {owner}:{group} with mode {mode:o}"), &format!("{data:?}"))?;
        }
        for path in PRESENT {
            expect(self.0.join(path).exists(), path, "nothing")?;
        }
        let enabled = self.0.join("etc/systemd/system/multi-user.target.wants/oc2-consumer.service");
        expect(!enabled.exists(), "that it is not started by itself", "that it is")
    }

    /// The numbers of a user and its group.
    fn id(&self, user: &str) -> Result<(u32, u32)> {
        let numbers = [self.must(&["id", "-u", user])?, self.must(&["id", "-g", user])?];
        let [user, group] = numbers.map(|number| number.trim().parse());
        Ok((user.place("id -u")?, group.place("id -g")?))
    }

    fn holds_nothing_of_ours(&self, before: &BTreeSet<String>) -> Result<()> {
        let left: Vec<_> =
            self.files()?.into_iter().filter(|path| !before.contains(path) && !OF_OTHERS.contains(&&**path)).collect();
        expect(left.is_empty(), "that nothing is left", &left.join(" "))?;
        for list in ["etc/passwd", "etc/group"] {
            let text = fs::read_to_string(self.0.join(list)).place(list)?;
            expect(!text.contains("oc2"), "that user and group are gone", &text)?;
        }
        Ok(())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Where this machine gets its own packages, and which release it is.
fn mirror(machine: &Machine, interrupt: &Interrupt) -> Result<(String, String)> {
    let ask = || {
        let mut command = Command::new("apt-get");
        command.args(["indextargets", "--format", "$(REPO_URI) $(CODENAME) $(LABEL)", "Created-By: Packages"]);
        let output = process::output_within(command.env("PATH", machine.search_path()), LIMIT)?;
        Ok(first_mirror(&String::from_utf8_lossy(&output.stdout)))
    };
    if let Some(found) = ask()? {
        return Ok(found);
    }
    machine.update_package_lists(interrupt)?;
    ask()?.ok_or_else(|| Failure::new("apt knows no source of the distribution itself"))
}

/// The first source of the distribution itself, without those of its updates.
fn first_mirror(targets: &str) -> Option<(String, String)> {
    targets.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (uri, release, label) = (words.next()?, words.next()?, words.next()?);
        let is_it = ["Debian", "Ubuntu"].contains(&label) && !release.is_empty() && !release.contains('-');
        is_it.then(|| (uri.to_owned(), release.to_owned()))
    })
}

fn said(words: &[&str], output: Output) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let reason = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Err(Failure::new(format!("`{}` in the clean root: {}\n{reason}", words.join(" "), output.status)))
}

fn expect(is_so: bool, what: &str, instead: &str) -> Result<()> {
    if is_so { Ok(()) } else { Err(Failure::new(format!("in the clean root was expected: {what}; found: {instead}"))) }
}

const QUERY: &str = r#"{"action": "query", "target": {"features": []}}"#;

/// Paths with owner, group and mode.
const OWNED: &[(&str, &str, &str, u32)] = &[
    ("etc/oc2", "root", "oc2", 0o750),
    ("etc/oc2/consumer.toml", "root", "oc2", 0o640),
    ("etc/oc2/policy.toml", "root", "oc2", 0o640),
    ("var/lib/oc2", "oc2", "oc2", 0o700),
    ("var/log/oc2", "oc2", "oc2", 0o700),
];

const PRESENT: &[&str] = &[
    "usr/lib/systemd/system/oc2-consumer.service",
    "usr/share/bash-completion/completions/oc2-consumer",
    "usr/share/bash-completion/completions/oc2-producer",
    "usr/share/doc/oc2-consumer/copyright",
    "usr/share/doc/oc2-consumer/third-party.txt",
    "usr/share/doc/oc2-producer/third-party.txt",
    "usr/share/doc/oc2-consumer/examples/legacy.conf",
    "usr/share/man/man1/oc2-producer.1.gz",
    "usr/share/man/man8/oc2-consumer-check.8.gz",
];

/// What dpkg and adduser leave of any package.
const OF_OTHERS: &[&str] = &[
    "/etc/group-",
    "/etc/gshadow-",
    "/etc/passwd-",
    "/etc/shadow-",
    "/run/adduser",
    "/var/cache/apt/pkgcache.bin",
    "/var/lib/dpkg/available-old",
    "/var/lib/dpkg/diversions-old",
    "/var/lib/dpkg/statoverride-old",
    "/var/lib/dpkg/status-old",
    "/var/log/dpkg.log",
];

const LIMIT: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_the_distribution_is_found_among_others() {
        let targets = "https://deb.example.org/node nodistro nodejs\nhttp://mirror.example/debian/ bookworm-updates Debian\n\
                       http://mirror.example/debian/ bookworm Debian\nhttp://mirror.example/s/ bookworm-security Debian-Security\n";
        assert_eq!(first_mirror(targets), Some(("http://mirror.example/debian/".into(), "bookworm".into())));
        assert_eq!(first_mirror("http://mirror.example/debian/  \n"), None);
    }
}
