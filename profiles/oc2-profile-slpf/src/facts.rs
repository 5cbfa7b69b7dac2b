//! What a policy may bound in SLPF commands.

use oc2_core::facts::{FactKind, FactRow, Facts};

use crate::args::DropProcess;
use crate::command::{Command, Rule};

/// Those of `allow` and `deny`. Of `delete` and `update` nothing is known: which rule goes, and what stands in the file, is for
/// the actuator to see.
pub(crate) const FACTS: &[FactRow] = &[
    FactRow { name: "persistent", kind: FactKind::Boolean },
    FactRow { name: "direction", kind: FactKind::OneOf(&["both", "ingress", "egress"]) },
    FactRow { name: "drop_process", kind: FactKind::OneOf(&["none", "reject", "false_ack"]) },
    // Whether the Producer places the rule, not where.
    FactRow { name: "insert_rule", kind: FactKind::Boolean },
];

/// An `allow` drops nothing and tells nobody: to a policy that is `none`, so that one rule can bound both.
pub(crate) fn facts(command: &Command) -> Facts {
    match command {
        Command::Allow(rule) => of_rule(rule, DropProcess::None),
        Command::Deny { rule, drop_process } => of_rule(rule, *drop_process),
        Command::Delete(_) | Command::Update(_) => Facts::default(),
    }
}

fn of_rule(rule: &Rule, drop_process: DropProcess) -> Facts {
    Facts::default()
        .with("persistent", rule.persistent)
        .with("direction", rule.direction.name())
        .with("drop_process", drop_process.name())
        .with("insert_rule", rule.insert_rule.is_some())
}

#[cfg(test)]
mod tests {
    use oc2_core::target::Ipv4Net;
    use oc2_core::{Profile, Terms};

    use super::*;
    use crate::args::Direction;
    use crate::profile::Slpf;
    use crate::rule_number::RuleNumber;

    #[test]
    fn defaults_are_facts() {
        let net: Ipv4Net = "198.51.100.0/24".parse().unwrap();
        let plain = |drop_process: &str| {
            Facts::default()
                .with("persistent", true)
                .with("direction", "both")
                .with("drop_process", drop_process)
                .with("insert_rule", false)
        };
        let facts_of = |command| Terms::of::<Slpf>().facts_of(&command).unwrap();
        assert_eq!(facts_of(Slpf::deny(net).build().unwrap()), plain("none"));
        assert_eq!(facts_of(Slpf::allow(net).build().unwrap()), plain("none"));
        assert_eq!(facts_of(Slpf::deny(net).drop_process(DropProcess::Reject).build().unwrap()), plain("reject"));
        let number = RuleNumber::new(1).unwrap();
        let said = Slpf::deny(net).persistent(false).direction(Direction::Egress).insert_rule(number).build().unwrap();
        let expected = Facts::default()
            .with("persistent", false)
            .with("direction", "egress")
            .with("drop_process", "none")
            .with("insert_rule", true);
        assert_eq!(facts_of(said), expected);
        assert_eq!(facts_of(Slpf::delete(number).build().unwrap()), Facts::default());
    }

    #[test]
    fn every_fact_has_its_row() {
        let net: Ipv4Net = "198.51.100.0/24".parse().unwrap();
        for drop_process in DropProcess::ALL {
            let command = Slpf::deny(net).drop_process(*drop_process).build().unwrap();
            let facts = Slpf::facts(&Slpf::interpret(&command).unwrap());
            for row in Slpf::FACTS {
                let values: Vec<_> = facts.values(row.name).collect();
                assert!(!values.is_empty() && values.iter().all(|value| row.kind.admits(value)), "{}", row.name);
            }
        }
        let is_direction = |name: &str| FACTS[1].kind.admits(&name.into());
        assert!(Direction::ALL.iter().all(|direction| is_direction(direction.name())));
    }
}
