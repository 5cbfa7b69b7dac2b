use std::path::PathBuf;

use oc2_packet_filter::backend::BackendError;
use oc2_packet_filter::{Family, Flavor};

use crate::backend::BackendConfig;

/// The programs of one family.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    /// `iptables`, which lists.
    pub(super) iptables: PathBuf,
    /// `iptables-restore`, which changes.
    pub(super) restore: PathBuf,
}

impl Tools {
    pub(super) fn find(family: Family, config: &BackendConfig) -> Result<Self, BackendError> {
        let name = name(family, config.flavor);
        Ok(Self { iptables: find(&name, config)?, restore: find(&format!("{name}-restore"), config)? })
    }
}

fn find(tool: &str, config: &BackendConfig) -> Result<PathBuf, BackendError> {
    let mut paths = config.tool_dirs.iter().map(|dir| dir.join(tool));
    paths.find(|path| path.is_file()).ok_or_else(|| BackendError::MissingTool { tool: tool.to_owned() })
}

/// The tool is one program that looks at the name it is called by.
fn name(family: Family, flavor: Flavor) -> String {
    let family = match family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    };
    match flavor {
        Flavor::Auto => family.to_owned(),
        Flavor::Nft => format!("{family}-nft"),
        Flavor::Legacy => format!("{family}-legacy"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_named_by_family_and_flavor() {
        assert_eq!(name(Family::V4, Flavor::Auto), "iptables");
        assert_eq!(name(Family::V6, Flavor::Nft), "ip6tables-nft");
        assert_eq!(name(Family::V4, Flavor::Legacy), "iptables-legacy");
    }

    #[test]
    fn a_tool_that_is_nowhere_is_named() {
        let config = BackendConfig { tool_dirs: vec!["/proc".into()], ..BackendConfig::default() };
        let error = Tools::find(Family::V6, &config).unwrap_err();
        assert_eq!(error.to_string(), "ip6tables is in none of the directories searched");
    }
}
