//! Options that belong to a profile or to a target.

use clap::Args;
use oc2_core::Nsid;
use oc2_core::types::hashes::Hash;
use oc2_core::types::port::L4Protocol;
use oc2_profile_slpf::{Direction, DropProcess, Host, RuleNumber};

/// Arguments of SLPF (SLPF 2.1.3.2).
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Packet filtering (slpf): allow and deny")]
pub(crate) struct RuleOptions {
    /// Which traffic: ingress, egress, or both, which is also what is meant by nothing
    #[arg(long, value_name = "WHICH")]
    pub(crate) direction: Option<Direction>,
    /// How a denied packet ends: none (in silence), reject (its sender is told), false_ack
    #[arg(long, value_name = "HOW")]
    pub(crate) drop_process: Option<DropProcess>,
    /// Whether the rule survives a restart of the Consumer; true if not said
    #[arg(long, value_name = "BOOL")]
    pub(crate) persistent: Option<bool>,
    /// The number the rule is to have; the lowest rule comes first. The Consumer chooses one if not said
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) insert_rule: Option<RuleNumber>,
}

impl RuleOptions {
    /// The options that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { direction, drop_process, persistent, insert_rule } = self;
        given([
            ("--direction", direction.is_some()),
            ("--drop-process", drop_process.is_some()),
            ("--persistent", persistent.is_some()),
            ("--insert-rule", insert_rule.is_some()),
        ])
    }
}

/// Who is to perform the Command (LS 3.3.1.3, SLPF 2.1.4).
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Who is to perform it (by default everybody who can)")]
pub(crate) struct Addressee {
    /// Only actuators of this profile, for instance slpf; over a broker, all Consumers with it
    #[arg(long, value_name = "NSID")]
    pub(crate) profile: Option<Nsid>,
    /// Only the packet filter on this host, a name or an address
    #[arg(long, value_name = "HOST")]
    pub(crate) hostname: Option<Host>,
    /// Only packet filters of this group
    #[arg(long, value_name = "NAME")]
    pub(crate) named_group: Option<String>,
    /// Only the packet filter with this identifier
    #[arg(long, value_name = "ID")]
    pub(crate) asset_id: Option<String>,
    /// Only the packet filter identified by these 1 to 10 texts
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub(crate) asset_tuple: Option<Vec<String>>,
    /// The actuator as JSON, for other profiles: {"x-acme":{"floor":3}}
    #[arg(
        long,
        value_name = "JSON",
        conflicts_with_all = ["profile", "hostname", "named_group", "asset_id", "asset_tuple"]
    )]
    pub(crate) actuator: Option<String>,
}

impl Addressee {
    /// The options that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { profile, hostname: _, named_group: _, asset_id: _, asset_tuple: _, actuator } = self;
        let others = given([("--profile", profile.is_some()), ("--actuator", actuator.is_some())]);
        self.specifiers_given().chain(others)
    }

    /// Those that are specifiers of SLPF.
    pub(crate) fn specifiers_given(&self) -> impl Iterator<Item = &'static str> {
        let Self { profile: _, hostname, named_group, asset_id, asset_tuple, actuator: _ } = self;
        given([
            ("--hostname", hostname.is_some()),
            ("--named-group", named_group.is_some()),
            ("--asset-id", asset_id.is_some()),
            ("--asset-tuple", asset_tuple.is_some()),
        ])
    }
}

/// Parts of the targets `ipv4_connection` and `ipv6_connection` (LS 3.4.1.10, 3.4.1.12).
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Targets ipv4_connection and ipv6_connection (what is not said means any)")]
pub(crate) struct ConnectionParts {
    /// The protocol: tcp, udp, sctp or icmp; icmp means ICMPv6 over IPv6
    #[arg(long, value_name = "NAME")]
    pub(crate) protocol: Option<L4Protocol>,
    /// Where packets come from: an address or a net
    #[arg(long, value_name = "NET")]
    pub(crate) src_addr: Option<String>,
    /// The port they come from
    #[arg(long, value_name = "PORT")]
    pub(crate) src_port: Option<u16>,
    /// Where packets go: an address or a net
    #[arg(long, value_name = "NET")]
    pub(crate) dst_addr: Option<String>,
    /// The port they go to
    #[arg(long, value_name = "PORT")]
    pub(crate) dst_port: Option<u16>,
    /// With --protocol icmp: the type, 0 to 255
    #[arg(long, value_name = "TYPE", conflicts_with = "src_port")]
    pub(crate) icmp_type: Option<u8>,
    /// With --protocol icmp: the code, 0 to 255
    #[arg(long, value_name = "CODE", conflicts_with = "dst_port")]
    pub(crate) icmp_code: Option<u8>,
}

impl ConnectionParts {
    /// The options that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { protocol, src_addr, src_port, dst_addr, dst_port, icmp_type, icmp_code } = self;
        given([
            ("--protocol", protocol.is_some()),
            ("--src-addr", src_addr.is_some()),
            ("--src-port", src_port.is_some()),
            ("--dst-addr", dst_addr.is_some()),
            ("--dst-port", dst_port.is_some()),
            ("--icmp-type", icmp_type.is_some()),
            ("--icmp-code", icmp_code.is_some()),
        ])
    }
}

/// Parts of the target `file` (LS 3.4.1.6).
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Target file")]
pub(crate) struct FileParts {
    /// Where the file lies on the Consumer's host: an absolute path
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// What its content must hash to, in hexadecimal
    #[arg(long, value_name = "HEX")]
    pub(crate) md5: Option<Hash<16>>,
    /// What its content must hash to, in hexadecimal
    #[arg(long, value_name = "HEX")]
    pub(crate) sha1: Option<Hash<20>>,
    /// What its content must hash to, in hexadecimal
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<Hash<32>>,
}

impl FileParts {
    /// The options that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { path, md5, sha1, sha256 } = self;
        given([
            ("--path", path.is_some()),
            ("--md5", md5.is_some()),
            ("--sha1", sha1.is_some()),
            ("--sha256", sha256.is_some()),
        ])
    }
}

/// Those rows of a table of options that were given.
pub(crate) fn given<const N: usize>(rows: [(&'static str, bool); N]) -> impl Iterator<Item = &'static str> {
    rows.into_iter().filter_map(|(name, is_given)| is_given.then_some(name))
}
