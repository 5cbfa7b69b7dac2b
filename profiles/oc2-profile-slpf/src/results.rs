//! Results of the profile (SLPF 2.2.2).

use oc2_core::map;

use crate::rule_number::RuleNumber;

map! {
    /// The results that SLPF adds (SLPF table 2.2.2-1).
    #[derive(Default)]
    pub struct Results: "Results" {
        /// The number of the rule that an allow or deny made.
        optional rule_number: RuleNumber = 1024,
    }
}
