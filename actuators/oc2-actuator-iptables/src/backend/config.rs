use std::path::PathBuf;
use std::time::Duration;

use oc2_packet_filter::{ChainPrefix, Config, Flavor, Hook, Mode};

/// How to meet the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendConfig {
    /// How the names of our chains begin. Two consumers on a host need two prefixes.
    pub chain_prefix: ChainPrefix,
    /// Which iptables.
    pub flavor: Flavor,
    /// Whether the host passes packets on for others: then our rules are met in FORWARD too.
    pub gateway: bool,
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
            ..Self::default()
        }
    }
}

/// The names of our chains: one for each hook, and one that rejects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChainNames {
    of_hooks: [String; Hook::ALL.len()],
    reject: String,
}

impl ChainNames {
    /// The names that begin like this.
    #[must_use]
    pub fn new(prefix: &ChainPrefix) -> Self {
        Self { of_hooks: Hook::ALL.map(|hook| format!("{prefix}-{hook}")), reject: format!("{prefix}-REJECT") }
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
}

impl Default for ChainNames {
    fn default() -> Self {
        Self::new(&ChainPrefix::default())
    }
}

const TOOL_DIRS: [&str; 5] = ["/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin", "/bin"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_chain_name_fits_iptables() {
        let names = ChainNames::new(&"A234567890123456".parse().unwrap());
        assert!(names.of(Hook::Forward).len() <= 28);
    }
}
