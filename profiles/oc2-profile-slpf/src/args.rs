//! Arguments of the profile (SLPF 2.1.3.2).

use oc2_core::{enumerated, map};

use crate::rule_number::RuleNumber;

map! {
    /// The arguments that SLPF adds (SLPF table 2.1.3-2).
    #[derive(Default)]
    pub struct Args: "Args" in "SLPF 2.1.3.2 (SLPF-021)" {
        /// How denied packets are handled. Absent means `none`.
        optional drop_process: DropProcess = 1024 | 1,
        /// Whether the change survives a restart. Absent means true.
        optional persistent: bool = 1025 | 2,
        /// Which traffic the rule applies to. Absent means `both`.
        optional direction: Direction = 1026 | 3,
        /// The number the rule is to have. Absent means that the Consumer chooses one.
        optional insert_rule: RuleNumber = 1027 | 4,
    }
}

enumerated! {
    /// How denied packets are handled (SLPF 2.1.3.2).
    pub enum DropProcess: "Drop-Process" in "SLPF 2.1.3.2 (SLPF-022)" {
        /// Dropped; the source is told nothing.
        None = 1 "none",
        /// Dropped; the source is sent an ICMP host unreachable, or what is equivalent.
        Reject = 2 "reject",
        /// Dropped; the source is sent a false acknowledgment.
        FalseAck = 3 "false_ack",
    }
}

enumerated! {
    /// Which traffic a rule applies to (SLPF 2.1.3.2).
    pub enum Direction: "Direction" in "SLPF 2.1.3.2 (SLPF-026)" {
        /// All traffic.
        Both = 1 "both",
        /// Incoming traffic.
        Ingress = 2 "ingress",
        /// Outgoing traffic.
        Egress = 3 "egress",
    }
}
