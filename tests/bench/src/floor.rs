//! What the disk and the kernel take for the bare work, without HTTP and without OpenC2.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::kernel::Kernel;
use crate::{Kind, Namespace};

/// A file that only grows, and a table in a namespace of its own.
#[derive(Debug)]
pub struct Floor {
    journal: File,
    kernel: Kernel,
    namespace: Namespace,
    next: u32,
}

impl Floor {
    /// A new file in a folder, and an empty table.
    ///
    /// # Errors
    /// The folder cannot be written to, or we may not make a namespace.
    pub fn new(dir: &Path) -> io::Result<Self> {
        let journal = File::create(dir.join("journal"))?;
        let namespace = Namespace::new()?;
        let kernel = namespace.run(Kernel::open)?;
        Ok(Self { journal, kernel, namespace, next: 0 })
    }

    /// Its network.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Forgets all rules.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn clear(&mut self) -> io::Result<()> {
        self.next = 0;
        self.kernel.clear()
    }

    /// So many new rules written down and synced at once, then given to the kernel in one transaction; how long that took.
    ///
    /// # Errors
    /// The disk or the kernel fails.
    pub fn commit(&mut self, kind: Kind, n: u32) -> io::Result<Duration> {
        let began = Instant::now();
        self.sync(n)?;
        self.kernel(kind, n)?;
        Ok(began.elapsed())
    }

    /// The first half of it.
    ///
    /// # Errors
    /// The disk fails.
    pub fn sync(&mut self, n: u32) -> io::Result<()> {
        self.journal.write_all(&vec![b'x'; RECORD * n as usize])?;
        self.journal.sync_data()
    }

    /// The other half.
    ///
    /// # Errors
    /// The kernel fails.
    pub fn kernel(&mut self, kind: Kind, n: u32) -> io::Result<()> {
        let rules = self.next..self.next + n;
        self.next = rules.end;
        self.kernel.add(kind, rules)
    }
}

/// How long one `nft -f` takes to load so many addresses, into so many sets of ranges.
///
/// # Errors
/// `nft` is missing or refuses.
pub fn nft(namespace: &Namespace, dir: &Path, n: u32, n_sets: u32) -> io::Result<Duration> {
    let addresses: Vec<_> = (0..n).map(|i| Ipv4Addr::from_bits(0x0a00_0000 + 2 * i).to_string()).collect();
    let addresses = addresses.join(",");
    let mut text = String::from("table inet floor {\n");
    for set in 0..n_sets {
        let line = format!("set s{set} {{ type ipv4_addr; flags interval; elements = {{ {addresses} }}; }}");
        writeln!(text, "{line}").map_err(io::Error::other)?;
    }
    for hook in ["input", "output"] {
        let rules = "ip saddr @s0 drop; ip daddr @s0 drop;";
        let line = format!("chain {hook} {{ type filter hook {hook} priority 0; {rules} }}");
        writeln!(text, "{line}").map_err(io::Error::other)?;
    }
    text.push('}');
    let file = dir.join("floor.nft");
    fs::write(&file, text)?;
    namespace.run(|| {
        let began = Instant::now();
        let status = Command::new("nft").arg("-f").arg(&file).status()?;
        let elapsed = began.elapsed();
        if !status.success() {
            return Err(io::Error::other("nft refuses"));
        }
        Command::new("nft").args(["delete", "table", "inet", "floor"]).status()?;
        Ok(elapsed)
    })
}

/// What of a command is to outlive the process: a rule, who asked for it, what was answered.
const RECORD: usize = 300;
