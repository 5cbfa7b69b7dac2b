//! The profile's refusals: the sentence the standard recommends, its class and its clause stand together.

use oc2_core::{Class, Rejection};

macro_rules! refusals {
    ($($(#[$meta:meta])* $name:ident => ($class:ident, $sentence:literal)),+ $(,)?) => {
        /// Why an SLPF command was not performed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal { $($(#[$meta])* $name),+ }

        impl Refusal {
            /// Who or what is at fault.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class),+ }
            }

            /// The sentence of the standard.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),+ }
            }
        }
    };
}

refusals! {
    /// SLPF 2.3.1, 2.3.2: an argument is not supported.
    OptionNotSupported => (Unsupported, "Option not supported"),
    /// SLPF 2.3.1: the rule cannot be expressed here.
    RuleNotUpdated => (Unsupported, "Rule not updated"),
    /// SLPF table 2.2.1-2: the rule could be expressed and was not put in force (DECISIONS S2, S16).
    RuleNotInForce => (Failed, "Rule not updated"),
    /// SLPF 2.3.1, 2.3.2: the number asked for by `insert_rule` is taken.
    RuleNumberInUse => (Unsupported, "Rule number currently in use"),
    /// SLPF 2.3.1.1 to 2.3.1.4: this allow or deny is not implemented.
    TargetTypeNotSupported => (Unsupported, "Target type not supported"),
    /// SLPF 2.3.4.1: delete is not implemented.
    TargetNotSupported => (Unsupported, "target not supported"),
    /// SLPF 2.3.5.1: update is not implemented.
    CommandNotSupported => (Unsupported, "Command not supported"),
    /// SLPF 2.3.4.1: the rule was not removed; this covers one that does not exist (DECISIONS S9).
    RuleNotRemoved => (Failed, "firewall rule not removed or updated"),
    /// SLPF 2.3.5.1: the file cannot be accessed.
    CannotAccessFile => (Failed, "cannot access file"),
}

impl Refusal {
    /// The sentence and what it means here (DECISIONS R6).
    #[must_use]
    pub fn with(self, detail: impl std::fmt::Display) -> Rejection {
        Rejection::new(self.class(), format!("{}: {detail}", self.sentence()))
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.class(), refusal.sentence())
    }
}
