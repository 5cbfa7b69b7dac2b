//! What policies may speak of.

use std::fmt::Write;

use oc2_core::facts::{FactKind, FactRow};
use oc2_core::{Action, Terms};

/// Whoever has an identity.
pub(super) const PEER: &str = "OpenC2::Peer";
/// Whoever has none.
pub(super) const STRANGER: &str = "OpenC2::Stranger";
/// The only one.
pub(super) const UNAUTHENTICATED: &str = "unauthenticated";
/// Peers that are treated alike.
pub(super) const GROUP: &str = "OpenC2::Group";
/// The actions of the standard.
pub(super) const ACTION: &str = "OpenC2::Action";
/// `ipv4_net` and `ipv6_net`.
pub(super) const NET: &str = "OpenC2::Net";
/// `ipv4_connection` and `ipv6_connection`.
pub(super) const CONNECTION: &str = "OpenC2::Connection";
/// Any other target.
pub(super) const TARGET: &str = "OpenC2::Target";

/// The schema where a Consumer has these profiles.
pub(super) fn text(profiles: &[Terms]) -> String {
    let actions = Action::ALL.iter().map(|action| format!("{:?}", action.name())).collect::<Vec<_>>().join(", ");
    let mut facts = String::new();
    for terms in profiles {
        // Each fact may have several values, so that policies ask what all of them are.
        let rows: Vec<_> = terms.facts().iter().map(|row| format!("\"{}\"?: Set<{}>", row.name, kind(row))).collect();
        let _ = write!(facts, "\n    // Known of commands that {0} would perform.\n    \"{0}\"?: {{ ", terms.nsid());
        facts += &rows.join(", ");
        facts += " },";
    }
    format!(
        r#"namespace OpenC2 {{
  entity Group in [Group];
  // Who has an identity, and which `from` it may use; who is not listed may use those that are nobody's.
  entity Peer in [Group] = {{ "from"?: Set<String> }};
  // Who has none: OpenC2::Stranger::"unauthenticated".
  entity Stranger = {{ "from"?: Set<String> }};
  // ipv4_net and ipv6_net.
  entity Net = {{ "net": ipaddr, "prefix": Long }};
  // ipv4_connection and ipv6_connection; an end that is not named is every address of the family, 0.0.0.0/0 or ::/0.
  entity Connection = {{
    "src": ipaddr, "src_prefix": Long, "dst": ipaddr, "dst_prefix": Long,
    "src_port"?: Long, "dst_port"?: Long, "protocol"?: String,
  }};
  // Any other, by its name: OpenC2::Target::"features", OpenC2::Target::"slpf:rule_number". The text of those that are one.
  entity Target = {{ "text"?: String }};
  type Context = {{
    // The profile that would perform the Command; none if the Consumer itself would, or nobody.
    "profile"?: String,
    "from"?: String,
    "now": datetime,
    // When it would begin, and for how long it would last; for ever if that is not said.
    "start": datetime,
    "duration"?: duration,{facts}
  }};
  action {actions} appliesTo {{
    principal: [Peer, Stranger], resource: [Net, Connection, Target], context: Context,
  }};
}}
"#
    )
}

fn kind(row: &FactRow) -> &'static str {
    match row.kind {
        FactKind::Boolean => "Bool",
        FactKind::Integer => "Long",
        FactKind::OneOf(_) | FactKind::Text => "String",
    }
}
