//! Where the daemon is killed.

use std::fmt;
use std::time::Duration;

use super::random::Random;

/// Where the daemon is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// Before a thread of it makes the n-th call of this.
    Call { name: &'static str, n: usize },
    /// So long after the first command.
    Moment(Duration),
}

impl Point {
    pub(super) fn draw(random: &mut Random) -> Self {
        if random.one_in(4) {
            return Self::Moment(Duration::from_micros(random.below(80_000) as u64));
        }
        let name = random.choose(CALLS);
        let reach = *random.choose(&[3, 8, 20, 50]);
        Self::Call { name, n: 1 + random.below(reach) }
    }

    /// One at which files are made.
    pub(super) fn draw_first(random: &mut Random) -> Self {
        let name = random.choose(CALLS_OF_FIRST_START);
        Self::Call { name, n: 1 + random.below(6) }
    }

    /// Under which name it is counted.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Call { name, .. } => name,
            Self::Moment(_) => "any moment",
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { name, n } => write!(f, "{name} number {n} of a thread"),
            Self::Moment(after) => write!(f, "{} us after the first command", after.as_micros()),
        }
    }
}

/// What touches the disk, the kernel, tools and Producers; the more dangerous ones more often. `sendto`, `sendmsg` are how
/// netlink is spoken, `write` how tools are, `writev` how Producers are.
#[rustfmt::skip]
const CALLS: &[&str] = &[
    "fdatasync", "fdatasync", "fdatasync", "fdatasync", "pwrite64", "pwrite64", "pwrite64", "pwrite64",
    "sendto", "sendto", "sendto", "write", "write", "writev", "writev", "sendmsg", "recvfrom", "futex", "openat", "close",
];

const CALLS_OF_FIRST_START: &[&str] =
    &["fdatasync", "pwrite64", "fsync", "rename", "ftruncate", "openat", "mkdir", "flock"];
