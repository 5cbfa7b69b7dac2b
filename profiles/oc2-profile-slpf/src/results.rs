//! Results of the profile (SLPF 2.2.2).

use oc2_core::any::KEPT_IN_LENIENT;
use oc2_core::map;

use crate::rule_number::RuleNumber;

map! {
    /// The results that SLPF adds (SLPF table 2.2.2-1).
    #[derive(Default)]
    pub struct Results: "Results" in "SLPF 2.2.2 (SLPF-047)" {
        /// The number of the rule that an allow or deny made.
        optional rule_number: RuleNumber = 1024 | 1,
    } others
    /// Members that no table defines, kept for whoever knows them; none in strict mode (DECISIONS M15).
    others: KEPT_IN_LENIENT
}

impl Results {
    /// The results of an allow or deny.
    #[must_use]
    pub fn rule(number: RuleNumber) -> Self {
        Self { rule_number: Some(number), ..Self::default() }
    }
}
