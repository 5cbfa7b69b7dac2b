//! Targets of the profile (SLPF 2.1.2.2).

use oc2_core::choice;

use crate::rule_number::RuleNumber;

choice! {
    /// The target that SLPF adds (SLPF table 2.1.2-2).
    pub enum Target: "Target" in "SLPF 2.1.2.2 (SLPF-014)" {
        /// A rule, by the number it got when it was created.
        RuleNumber(RuleNumber) = 1024 | 1 "rule_number",
    }
}
