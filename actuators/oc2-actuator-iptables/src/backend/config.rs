use std::path::PathBuf;
use std::time::Duration;

use oc2_packet_filter::{ChainPrefix, Config, Family, Flavor, Hook, Mode};

/// How to meet the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendConfig {
    /// How the names of our chains begin. Two consumers on a host need two prefixes.
    pub chain_prefix: ChainPrefix,
    /// Which iptables.
    pub flavor: Flavor,
    /// Whether the host passes packets on for others: then our rules are met in FORWARD too.
    pub gateway: bool,
    /// Whether rules about one net and nothing else are members of sets, where the kernel and the tools have them.
    pub sets: bool,
    /// How often it is looked whether others changed what is ours. None is never.
    pub look_every: Option<Duration>,
    /// How long one transaction of one family may take. Then the tool is killed, and only a `load` brings certainty.
    ///
    /// With the legacy flavor 5 seconds of it may go by while another program holds the lock of the tables.
    pub timeout: Duration,
    /// The directories in which the tools are looked for, first match first. `PATH` is not asked.
    pub tool_dirs: Vec<PathBuf>,
}

impl Default for BackendConfig {
    fn default() -> Self {
        Self {
            chain_prefix: ChainPrefix::default(),
            flavor: Flavor::Auto,
            gateway: false,
            sets: true,
            look_every: None,
            timeout: Duration::from_secs(10),
            tool_dirs: TOOL_DIRS.map(PathBuf::from).into(),
        }
    }
}

/// What of the settings of an actuator concerns the kernel.
impl From<&Config> for BackendConfig {
    fn from(config: &Config) -> Self {
        Self {
            chain_prefix: config.chain_prefix.clone(),
            flavor: config.flavor,
            gateway: matches!(config.mode, Mode::Gateway(_)),
            look_every: (config.drift_interval > 0).then(|| Duration::from_secs(config.drift_interval.into())),
            ..Self::default()
        }
    }
}

/// The names of our chains: one for each hook, one that rejects, and those that the first lead to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChainNames {
    prefix: String,
    of_hooks: [String; Hook::ALL.len()],
    reject: String,
}

impl ChainNames {
    /// The names that begin like this.
    #[must_use]
    pub fn new(prefix: &ChainPrefix) -> Self {
        Self {
            prefix: prefix.to_string(),
            of_hooks: Hook::ALL.map(|hook| format!("{prefix}-{hook}")),
            reject: format!("{prefix}-REJECT"),
        }
    }

    /// The chain for packets at `hook`.
    #[must_use]
    pub fn of(&self, hook: Hook) -> &str {
        &self.of_hooks[hook as usize]
    }

    /// The chain that rejects what is sent to it.
    #[must_use]
    pub fn reject(&self) -> &str {
        &self.reject
    }

    /// The chain or set with this number that the chain for packets at `hook` leads to.
    pub(super) fn of_block(&self, family: Family, hook: Hook, mut id: u32) -> String {
        let mut digits = Vec::new();
        while id > 0 || digits.is_empty() {
            digits.push(char::from_digit(id % RADIX, RADIX).unwrap_or('0'));
            id /= RADIX;
        }
        let digits: String = digits.iter().rev().collect();
        format!("{}{digits}", self.start_of_block(family, hook))
    }

    /// The number of a chain or set, if it is called as those are that the chain for packets at `hook` leads to.
    pub(super) fn block(&self, family: Family, hook: Hook, name: &str) -> Option<u32> {
        let digits = name.strip_prefix(&self.start_of_block(family, hook))?;
        let id = u32::from_str_radix(digits, RADIX).ok()?;
        (self.of_block(family, hook, id) == name).then_some(id)
    }

    /// Whether a chain or set of this family is called as ours are.
    pub(super) fn is_ours(&self, family: Family, name: &str) -> bool {
        name == self.reject || Hook::ALL.iter().any(|hook| name == self.of(*hook)) || self.id(family, name).is_some()
    }

    /// The number of a chain or set that a chain of ours leads to.
    pub(super) fn id(&self, family: Family, name: &str) -> Option<u32> {
        Hook::ALL.iter().find_map(|hook| self.block(family, *hook, name))
    }

    /// A set's name is for both families, so the family is a part of it.
    fn start_of_block(&self, family: Family, hook: Hook) -> String {
        let family = match family {
            Family::V4 => '4',
            Family::V6 => '6',
        };
        let hook = match hook {
            Hook::Input => 'I',
            Hook::Output => 'O',
            Hook::Forward => 'F',
        };
        format!("{}-{family}{hook}", self.prefix)
    }
}

impl Default for ChainNames {
    fn default() -> Self {
        Self::new(&ChainPrefix::default())
    }
}

/// Of the numbers in names.
const RADIX: u32 = 36;
const TOOL_DIRS: [&str; 5] = ["/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin", "/bin"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_chain_name_fits_iptables() {
        let names = ChainNames::new(&"A234567890123456".parse().unwrap());
        assert!(names.of(Hook::Forward).len() <= 28);
        assert!(names.of_block(Family::V6, Hook::Forward, u32::MAX).len() <= 28);
    }

    #[test]
    fn the_name_of_a_block_is_read_as_it_is_written() {
        let names = ChainNames::default();
        for id in [0, 9, 10, 35, 36, 1_000_000, u32::MAX] {
            let name = names.of_block(Family::V4, Hook::Output, id);
            assert_eq!(names.block(Family::V4, Hook::Output, &name), Some(id), "{name}");
            assert_eq!(names.id(Family::V6, &name), None);
        }
        for name in
            ["OC2-INPUT", "OC2-4I", "OC2-4I+1", "OC2-4I01", "OC2-4IA", "OC2-4I1-INPUT", "OC2-4Izzzzzzzz", "FW-4I1"]
        {
            assert_eq!(names.id(Family::V4, name), None, "{name}");
        }
    }
}
